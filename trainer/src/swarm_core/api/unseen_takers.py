"""The rules for takers that the search never asks (`evaluation.unseen`), and the check that it does not ask them.

Limits: here, models are compared by the addresses of their files and endpoints. Preparing compares the files.
"""

from typing import Any

from swarm_core import catalog
from swarm_core.api import objective_blocks
from swarm_core.api.takers import Taker
from swarm_core.blocks.block import FieldPath, Rule, RuleReason, list_repeated

_ABSENT = "!has(self.evaluation.unseen) || self.evaluation.unseen.size() == 0"


KNOWN_MODEL = (
    "a taker of the search is this model, so it is not unseen; give a model that no taker has, or remove that taker"
)


def find_known_endpoint(spec: Any) -> int | None:
    """Return the index of an unseen taker behind an endpoint that a taker of the search asks; None if there is none.

    This is no `Rule`, because CEL cannot bring URLs into their normal form.
    """
    known = {taker.endpoint.served_model for taker in spec.takers if taker.endpoint is not None}
    models = (taker.endpoint.served_model if taker.endpoint else None for taker in spec.evaluation.unseen)
    return next((index for index, model in enumerate(models) if model in known), None)


def _list_known_models(spec: Any) -> list[int]:
    """Return the indices of unseen takers without an endpoint that have the model and the adapter of a taker."""
    known = {_identify(taker, spec) for taker in spec.takers if taker.endpoint is None}
    unseen = enumerate(spec.evaluation.unseen)
    return [index for index, taker in unseen if taker.endpoint is None and _identify(taker, spec) in known]


def _identify(taker: Taker, spec: Any) -> tuple[str, str | None]:
    return taker.model or spec.base.model, taker.adapter


def _build_model_rule() -> Rule[Any]:
    """Return the rule that no taker of the search has the model and the adapter of an unseen one."""
    model = "(has({0}.model) ? {0}.model : self.base.model)"
    same = (
        f"!has(a.endpoint) && !has(b.endpoint) && {model.format('a')} == {model.format('b')} &&"
        " (has(a.adapter) ? has(b.adapter) && a.adapter == b.adapter : !has(b.adapter))"
    )
    return Rule(
        f"{_ABSENT} || !self.evaluation.unseen.exists(a, self.takers.exists(b, {same}))",
        KNOWN_MODEL,
        "evaluation.unseen",
        lambda it: not _list_known_models(it),
        lambda it: ("evaluation", "unseen", _list_known_models(it)[0]),
        reason=RuleReason.FORBIDDEN,
    )


def _locate_repeated_name(spec: Any) -> FieldPath:
    """Return the path of the first unseen taker whose name an earlier taker has."""
    known = len(spec.takers)
    repeated = list_repeated(taker.name for taker in (*spec.takers, *spec.evaluation.unseen))
    return "evaluation", "unseen", next(index - known for index in repeated if index >= known), "name"


def _has_own_names(spec: Any) -> bool:
    known = {taker.name for taker in spec.takers}
    names = [taker.name for taker in spec.evaluation.unseen]
    return not list_repeated(names) and not known & set(names)


def _build_count_rule(name: str, least: int) -> Rule[Any]:
    """Return the rule that the objective `name` can be measured with the unseen takers alone."""
    return Rule(
        f"{_ABSENT} || !{objective_blocks.format_measured('self.objective', (name,))} ||"
        f" self.evaluation.unseen.size() >= {least}",
        f"objective {name} compares takers, so it is measured with at least {least} unseen ones; list more, or none",
        "evaluation.unseen",
        lambda it: (
            not it.evaluation.unseen
            or name not in objective_blocks.list_types(it.objective)
            or len(it.evaluation.unseen) >= least
        ),
        lambda _: ("evaluation", "unseen"),
    )


UNSEEN_RULES: tuple[Rule[Any], ...] = (
    Rule(
        f"{_ABSENT} || self.evaluation.unseen.all(a, self.evaluation.unseen.exists_one(b, a.name == b.name) &&"
        " !self.takers.exists(b, a.name == b.name))",
        "another taker has this name; give each unseen taker a name of its own",
        "evaluation.unseen",
        _has_own_names,
        _locate_repeated_name,
    ),
    Rule(
        f"{_ABSENT} || self.takers.size() > 0",
        "a search that asks no taker has nothing to transfer to others; remove unseen",
        "evaluation.unseen",
        lambda it: not it.evaluation.unseen or bool(it.takers),
        lambda _: ("evaluation", "unseen"),
        reason=RuleReason.FORBIDDEN,
    ),
    _build_model_rule(),
    *(
        _build_count_rule(name, objective_blocks.find_needs(name).takers)
        for name in catalog.OBJECTIVES
        if objective_blocks.find_needs(name).takers > 1
    ),
)
"""The rules of a spec with takers, an objective and an evaluation."""

"""The named parts of a resolved spec: which they are, how each is made, and what pins them in the experiment's digest.

Two things are pinned: the origin of every part (`plugins.find_origin`), and the text of every prompt template that the run
uses, which are those of the style and the `prompts` that a part's class lists. So a run refuses to go on with a plug-in
of another version, with a part of another revision, or with a reworded prompt.

Limits: needs the plug-ins installed, so it is for the trainer; the operator works with `resolution.spec_digest`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from swarm_core import catalog, plugins
from swarm_core.api import judging
from swarm_core.api.resolved import (
    EndpointIdentity,
    NamedJudge,
    Part,
    PartUse,
    RemoteTaker,
    ResolvedJudge,
    ResolvedRun,
    ResolvedSpec,
    ResolvedVerifier,
)
from swarm_core.errors import BadInputError
from swarm_core.plugins import PluginOrigin
from swarm_core.text import prompts
from swarm_core.text.prompts import PromptStyle

ANSWERABLE = "Answerable"
"""The standard gate that asks the judge's model, if it is to vet items."""


@dataclass(frozen=True, slots=True)
class PartsIdentity:
    """What the code brings to an experiment."""

    parts: Mapping[str, Mapping[str, object]]
    """The origin of every part, by its field; of a plug-in with its config."""
    prompts: Mapping[str, Mapping[str, object]]
    """Template texts by name, for every style and every part that has any."""


def list_parts(resolved: ResolvedSpec) -> tuple[PartUse, ...]:
    """Every part that the spec names: the objective, the judge and the gates that it adds."""
    return (find_objective(resolved), find_judge(resolved), *list_gates(resolved))


def find_objective(resolved: ResolvedSpec) -> PartUse:
    """The objective."""
    return PartUse("objectives", resolved.objective, "spec.objective")


def list_gates(resolved: ResolvedSpec) -> tuple[PartUse, ...]:
    """The gates that the spec adds, in its order."""
    return tuple(PartUse("gates", gate, f"spec.gates[{place}]") for place, gate in enumerate(resolved.gates))


def find_judge(resolved: ResolvedSpec) -> PartUse:
    """The judge."""
    match resolved.judge:
        case ResolvedVerifier(verifier=part):
            return PartUse("verifiers", part, "spec.judge.verifier")
        case NamedJudge(judge=part):
            return PartUse("judges", part, "spec.judge")
        case ResolvedJudge() as model:
            low, high = model.scale.low, model.scale.high
            config = {"rubric": model.rubric, "low": low, "high": high, "maxTokens": model.max_tokens}
            return PartUse("judges", Part(name=judging.MODEL, config=config), "spec.judge")


def find_judge_endpoint(resolved: ResolvedSpec) -> EndpointIdentity | None:
    """The model that the judge asks; None if it asks none."""
    return None if isinstance(resolved.judge, ResolvedVerifier) else resolved.judge.endpoint


def list_standard_gates(resolved: ResolvedSpec) -> tuple[str, ...]:
    """The names of the gates that the run has of itself, in their order."""
    asks = isinstance(resolved.judge, ResolvedJudge) and resolved.judge.vet
    return tuple(name for name in catalog.STANDARD_GATES if name != ANSWERABLE or asks)


def build_spec_part(use: PartUse, **told: object) -> Any:
    """The part, made from its config and what it is `told` beside it. Raises BadInputError, naming the field."""
    taken = sorted({*told} & {*use.part.config})
    if taken:
        raise BadInputError(f"{use.field}.plugin.config: {taken[0]!r} is set by dataswarm; remove it")
    try:
        return plugins.build_part(use.group, use.part.name, {**use.part.config, **told})
    except BadInputError as error:
        raise type(error)(f"{use.field}: {error}") from error


def identify_parts(resolved: ResolvedRun) -> PartsIdentity:
    """What pins the parts of `resolved`. Raises BadInputError, naming the field, for one that is not installed."""
    used = _list_used(resolved) if isinstance(resolved, ResolvedSpec) else resolved.parts
    texts = {use.field: plugins.list_prompts(use.group, use.part.name) for use in used}
    styles = _list_style_prompts(resolved) if isinstance(resolved, ResolvedSpec) else {}
    return PartsIdentity(
        parts={use.field: _find_origin(use) for use in used},
        prompts={**styles, **{field: found for field, found in texts.items() if found}},
    )


def _list_used(resolved: ResolvedSpec) -> tuple[PartUse, ...]:
    """Every part of a search: those that the spec names, and the gates that every search has."""
    standard = (PartUse("gates", Part(name=name), f"gate {name}") for name in list_standard_gates(resolved))
    return (*list_parts(resolved), *standard)


def _find_origin(use: PartUse) -> Mapping[str, object]:
    """The origin of a part, and of a plug-in its config, so that what is compared names all that made it."""
    try:
        found = plugins.find_origin(use.group, use.part.name)
    except BadInputError as error:
        raise type(error)(f"{use.field}: {error}") from error
    return asdict(found) | ({"config": use.part.config} if isinstance(found, PluginOrigin) else {})


def _list_style_prompts(resolved: ResolvedSpec) -> dict[str, Mapping[str, object]]:
    """The templates of the run's style, and of the style in which takers behind endpoints are asked.

    Reads the identity alone, which is all that `verify` knows of a spec.
    """
    asked = [PromptStyle.CHAT for taker in resolved.takers if isinstance(taker, RemoteTaker)]
    styles = {resolved.base.template, *asked}
    return {str(style): prompts.list_texts(style) for style in sorted(styles)}

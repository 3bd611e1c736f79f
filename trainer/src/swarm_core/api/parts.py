"""The named parts of a resolved spec: how they are found and built, and how the experiment's digest pins them.

The digest pins two things. One is the origin of every part (`plugins.find_origin`). The other is the text of every
prompt template that the run uses: the templates of its prompt style, and the `prompts` that the class of a part lists.
So a run does not continue with another version of a plug-in, another revision of a part, or other prompts.

Limits: it needs the plug-ins to be installed, so only the trainer uses it. The operator uses `resolution.spec_digest`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from swarm_core import catalog, plugins
from swarm_core.api import judging
from swarm_core.api.generators import READER_REVISION
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
from swarm_core.text import item_parser, prompts
from swarm_core.text.prompts import PromptStyle

ANSWERABLE = "Answerable"
"""The standard gate that asks the judge model. A run has it if its judge vets items."""

ITEM_CODE: Mapping[str, Mapping[str, object]] = {
    "items of seed data": {"name": "the reader of seed data", "revision": READER_REVISION},
    "items of completions": {"name": "the item parser", "revision": item_parser.REVISION},
}
"""The origins of the code that makes items, in every search."""


@dataclass(frozen=True, slots=True)
class PartsIdentity:
    """What the installed code contributes to the identity of an experiment."""

    parts: Mapping[str, Mapping[str, object]]
    """The origin of every part by its field. The origin of a plug-in includes its config."""
    prompts: Mapping[str, Mapping[str, object]]
    """The texts of prompt templates by name, for every style and every part that has templates."""


def list_parts(resolved: ResolvedSpec) -> tuple[PartUse, ...]:
    """Return every part that the spec names: the objective, the judge and the additional gates."""
    return (find_objective(resolved), find_judge(resolved), *list_gates(resolved))


def find_objective(resolved: ResolvedSpec) -> PartUse:
    """Return the objective of the run."""
    return PartUse("objectives", resolved.objective, "spec.objective")


def list_gates(resolved: ResolvedSpec) -> tuple[PartUse, ...]:
    """Return the additional gates of the spec, in its order."""
    return tuple(PartUse("gates", gate, f"spec.gates[{place}]") for place, gate in enumerate(resolved.gates))


def find_judge(resolved: ResolvedSpec) -> PartUse:
    """Return the judge of the run. The config of a judge model is made from the fields of its block."""
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
    """Return the model that the judge asks; None if it asks no model."""
    return None if isinstance(resolved.judge, ResolvedVerifier) else resolved.judge.endpoint


def list_standard_gates(resolved: ResolvedSpec) -> tuple[str, ...]:
    """Return the names of the standard gates of the run, in the order in which items pass them."""
    asks = isinstance(resolved.judge, ResolvedJudge) and resolved.judge.vet
    return tuple(name for name in catalog.STANDARD_GATES if name != ANSWERABLE or asks)


def build_spec_part(use: PartUse, **settings: object) -> Any:
    """Return the part that `use` names, built from its config and from `settings`, which dataswarm sets.

    Raises BadInputError, which names the field, if the config contains one of `settings`, or if the part cannot be
    built.
    """
    taken = sorted({*settings} & {*use.part.config})
    if taken:
        raise BadInputError(f"{use.field}.plugin.config: {taken[0]!r} is set by dataswarm; remove it from the config")
    try:
        return plugins.build_part(use.group, use.part.name, {**use.part.config, **settings})
    except BadInputError as error:
        raise type(error)(f"{use.field}: {error}") from error


def identify_parts(resolved: ResolvedRun) -> PartsIdentity:
    """Return the identity of the parts of `resolved`.

    Raises BadInputError, which names the field, for a part that is not installed.
    """
    used = _list_used(resolved) if isinstance(resolved, ResolvedSpec) else resolved.parts
    texts = {use.field: plugins.list_prompts(use.group, use.part.name) for use in used}
    styles = _list_style_prompts(resolved) if isinstance(resolved, ResolvedSpec) else {}
    item_code = ITEM_CODE if isinstance(resolved, ResolvedSpec) else {}
    return PartsIdentity(
        parts={**item_code, **{use.field: _find_origin(use) for use in used}},
        prompts={**styles, **{field: found for field, found in texts.items() if found}},
    )


def _list_used(resolved: ResolvedSpec) -> tuple[PartUse, ...]:
    """Return every part of a search: the parts that the spec names, and the standard gates."""
    standard = (PartUse("gates", Part(name=name), f"gate {name}") for name in list_standard_gates(resolved))
    return (*list_parts(resolved), *standard)


def _find_origin(use: PartUse) -> Mapping[str, object]:
    """Return the origin of a part. That of a plug-in includes its config, so that a comparison covers all that
    determines it."""
    try:
        found = plugins.find_origin(use.group, use.part.name)
    except BadInputError as error:
        raise type(error)(f"{use.field}: {error}") from error
    return asdict(found) | ({"config": use.part.config} if isinstance(found, PluginOrigin) else {})


def _list_style_prompts(resolved: ResolvedSpec) -> dict[str, Mapping[str, object]]:
    """Return the templates of the run's prompt style, and of the style for takers behind endpoints.

    It reads only fields of the identity, because `verify` knows no other fields of a spec.
    """
    asked = [PromptStyle.CHAT for taker in resolved.takers if isinstance(taker, RemoteTaker)]
    styles = {resolved.base.template, *asked}
    return {str(style): prompts.list_texts(style) for style in sorted(styles)}

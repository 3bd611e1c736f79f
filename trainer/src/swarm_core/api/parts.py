"""The named parts of a resolved spec: how they are found and built, and how the experiment's digest pins them.

The digest pins two things. One is the origin of every part (`plugins.find_origin`), also of the optimizers and of the
takers' objective, which no spec names. The other is the text of every prompt template that the run uses: the templates
of its prompt style, and the `prompts` that the class of a part lists. So a run does not continue with another version
of a plug-in, another revision of a part, or other prompts.

Limits: it needs the plug-ins to be installed, so only the trainer uses it. The operator uses `resolution.spec_digest`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic.alias_generators import to_camel, to_snake

from swarm_core import catalog, pareto_composition, plugins, recipe, weighted_sum
from swarm_core.api.generators import READER_REVISION
from swarm_core.api.judging import PANEL, PANEL_REVISION
from swarm_core.api.objective_blocks import PARETO, WEIGHTED
from swarm_core.api.resolved import (
    PartUse,
    RemoteTaker,
    ResolvedJudge,
    ResolvedPanel,
    ResolvedRun,
    ResolvedSpec,
    ResolvedVerifier,
)
from swarm_core.api.takers import ANSWER_CHECK_REVISION
from swarm_core.blocks import settings
from swarm_core.blocks.classifier_model import ClassifierModel
from swarm_core.blocks.data_source import DataSet
from swarm_core.errors import BadInputError
from swarm_core.objectives import scored_items
from swarm_core.objectives.accuracy import Accuracy
from swarm_core.optimizers import registry
from swarm_core.plugins import BuiltInOrigin, PluginOrigin
from swarm_core.swarm_names import TAKERS
from swarm_core.text import item_formats, item_parser, prompts
from swarm_core.text.item_formats import ItemFormat
from swarm_core.text.prompts import PromptStyle

TAKERS_OBJECTIVE = "Accuracy"
"""The name of the objective of takers that move. No spec names it."""
PLUGIN_DATA = "plugin.data"
"""The path of the data of a plug-in, below the block that chooses it."""
WEIGHTED_FIELD = "spec.objective.weighted"
"""The field of a weighted sum."""
PARETO_FIELD = "spec.objective.pareto"
"""The field of the objectives of a Pareto front."""
FORMAT_FIELD, CHECK_FIELD = "spec.generation.format", "spec.generation.answerCheck"
"""The fields of the format of items, and of the check of the answers in them."""
MODEL = "model"
"""The field of a plug-in's config in which dataswarm puts the name of the model that the plug-in asks."""

ITEM_CODE: Mapping[str, Mapping[str, object]] = {
    "items of seed data": {"name": "the reader of seed data", "revision": READER_REVISION},
    "items of completions": {"name": "the item parser", "revision": item_parser.REVISION},
    "items without a score": {"name": "the rule for missing scores", "revision": scored_items.REVISION},
}
"""The origins of the code that makes items, and decides which of them count, in every search."""


@dataclass(frozen=True, slots=True)
class PartsIdentity:
    """What the installed code contributes to the identity of an experiment."""

    parts: Mapping[str, Mapping[str, object]]
    """The origin of every part by its field. The origin of a plug-in includes its config."""
    prompts: Mapping[str, Mapping[str, object]]
    """The texts of prompt templates by name, for every style and every part that has templates."""


def list_parts(resolved: ResolvedSpec) -> tuple[PartUse, ...]:
    """Return every part that the spec names: the objectives, the judges, the gates and the rivals."""
    return (*list_objectives(resolved), *list_judges(resolved), *list_gates(resolved), *list_rivals(resolved))


def list_objectives(resolved: ResolvedSpec) -> tuple[PartUse, ...]:
    """Return the objective of the run, or those of its terms in their order."""
    if resolved.weighted is not None:
        field, objectives = WEIGHTED_FIELD, [term.objective for term in resolved.weighted.terms]
    elif resolved.pareto is not None:
        field, objectives = PARETO_FIELD, [term.objective for term in resolved.pareto.terms]
    else:
        return (PartUse("objectives", resolved.objective, "spec.objective"),)
    return tuple(PartUse("objectives", one, f"{field}.terms[{at}].objective") for at, one in enumerate(objectives))


def list_gates(resolved: ResolvedSpec) -> tuple[PartUse, ...]:
    """Return the gates of the run, in the order in which items pass them."""
    return tuple(PartUse("gates", gate, f"spec.gates[{place}]") for place, gate in enumerate(resolved.gates))


def list_rivals(resolved: ResolvedSpec) -> tuple[PartUse, ...]:
    """Return the rivals of the search, in the order of the spec."""
    return tuple(
        PartUse("rivals", rival, f"spec.evaluation.rivals[{place}]") for place, rival in enumerate(resolved.rivals)
    )


def list_judges(resolved: ResolvedSpec) -> tuple[PartUse, ...]:
    """Return the judge of the run, or the members of its panel in their order."""
    match resolved.judge:
        case ResolvedPanel(members=members):
            places = (f"spec.judge.panel.members[{place}]" for place in range(len(members)))
            return tuple(_find_judge(member, field) for member, field in zip(members, places, strict=True))
        case judge:
            return (_find_judge(judge, "spec.judge"),)


def _find_judge(judge: ResolvedVerifier | ResolvedJudge, field: str) -> PartUse:
    """Return the part of one judge. `field`: the path of its block."""
    match judge:
        case ResolvedVerifier(verifier=part):
            return PartUse("verifiers", part, f"{field}.verifier")
        case ResolvedJudge(judge=part):
            return PartUse("judges", part, field)


def build_spec_part(use: PartUse, *context: object) -> Any:
    """Return the part that `use` names, built from its config. `context`: what a part of its group gets besides.

    Raises BadInputError, which names the field, if the part cannot be built.
    """
    config = complete_config(use)
    try:
        return plugins.build_part(use.group, use.part.name, config, *context)
    except BadInputError as error:
        raise type(error)(f"{use.field}: {error}") from error


def complete_config(use: PartUse) -> dict[str, object]:
    """Return the config of a part with the model that it asks.

    A built-in finds its endpoint, its classifier and its data in the fields of its settings. A plug-in finds the name
    of the model as `model`, and its data only in its context. Raises BadInputError if the config of such a plug-in has
    a field of that name.
    """
    part = use.part
    if part.name in catalog.GROUPS[use.group]:
        part = part.model_copy(update={"config": {**part.config, **_list_inputs(use)}})
    if part.endpoint is None:
        return dict(part.config)
    if part.name in catalog.GROUPS[use.group]:
        field = settings.find_endpoint_field(plugins.load_built_in(use.group, part.name).settings)
        assert field is not None  # `resolve_part` gives an endpoint to such parts only
        return {**part.config, to_camel(field): part.endpoint.model_dump()}
    if MODEL in part.config:
        raise BadInputError(f"{use.field}.plugin.config: {MODEL!r} is set by dataswarm; remove it from the config")
    model = recipe.remote_model_name(part.endpoint.url, part.endpoint.model, part.endpoint.parameters)
    return {**part.config, MODEL: model}


def _list_inputs(use: PartUse) -> dict[str, object]:
    """Return the fields of the settings of a built-in that the resolution keeps apart as inputs of the run."""
    block = plugins.load_built_in(use.group, use.part.name).settings
    data, classifier = settings.find_data_field(block), settings.find_classifier_field(block)
    found: dict[str, object] = {}
    if data is not None:
        found[to_camel(data)] = [one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in use.part.data]
    if classifier is not None and use.part.classifier is not None:
        found[to_camel(classifier)] = use.part.classifier.model_dump(mode="json", by_alias=True)
    return found


def find_classifier(use: PartUse) -> tuple[str, ClassifierModel] | None:
    """Return the classifier of a part, with the path of the field that names it; None if it asks none."""
    if use.part.classifier is None:
        return None
    field = settings.find_classifier_field(plugins.load_built_in(use.group, use.part.name).settings)
    assert field is not None  # `resolve_part` gives a classifier to such parts only
    return f"{use.field}.{to_camel(to_snake(use.part.name))}.{to_camel(field)}", use.part.classifier


def list_data_sets(use: PartUse) -> tuple[tuple[str, DataSet], ...]:
    """Return the data sets of a part, each with the path of the field that holds its URI."""
    name = use.part.name
    if name in catalog.GROUPS[use.group]:
        field = settings.find_data_field(plugins.load_built_in(use.group, name).settings)
        path = f"{to_camel(to_snake(name))}.{to_camel(field)}" if field else ""
    else:
        path = PLUGIN_DATA
    return tuple((f"{use.field}.{path}[{place}].uri", source) for place, source in enumerate(use.part.data))


def identify_parts(resolved: ResolvedRun) -> PartsIdentity:
    """Return the identity of the parts of `resolved`.

    Raises BadInputError, which names the field, for a part that is not installed.
    """
    used = list_parts(resolved) if isinstance(resolved, ResolvedSpec) else resolved.parts
    texts = {use.field: plugins.list_prompts(use.group, use.part.name) for use in used}
    styles = _list_style_prompts(resolved) if isinstance(resolved, ResolvedSpec) else {}
    implied = {**ITEM_CODE, **dict(_list_swarm_parts(resolved))} if isinstance(resolved, ResolvedSpec) else {}
    return PartsIdentity(
        parts={**implied, **{use.field: _find_origin(use) for use in used}},
        prompts={**styles, **{field: found for field, found in texts.items() if found}},
    )


def _find_origin(use: PartUse) -> Mapping[str, object]:
    """Return the origin of a part. That of a plug-in includes its config, so that a comparison covers all that
    determines it."""
    try:
        found = plugins.find_origin(use.group, use.part.name)
    except BadInputError as error:
        raise type(error)(f"{use.field}: {error}") from error
    return asdict(found) | ({"config": use.part.config} if isinstance(found, PluginOrigin) else {})


def _list_swarm_parts(resolved: ResolvedSpec) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield the origins of the parts that a search uses without naming them, by the field that implies them.

    These are the reader and the check of answers, the combination of a panel's scores, the weighted sum or the front of
    several objectives, the optimizer of every swarm, and the objective of takers that move. No plug-in can provide
    them.
    """
    if resolved.generation.format is not ItemFormat.QUESTIONS:
        yield FORMAT_FIELD, {"name": "the reader of answers", "revision": item_formats.REVISION}
        yield CHECK_FIELD, {"name": "the check of answers", "revision": ANSWER_CHECK_REVISION}
    if resolved.weighted is not None:
        yield WEIGHTED_FIELD, asdict(BuiltInOrigin(WEIGHTED, weighted_sum.REVISION))
    if resolved.pareto is not None:
        yield PARETO_FIELD, asdict(BuiltInOrigin(PARETO, pareto_composition.REVISION))
    if isinstance(resolved.judge, ResolvedPanel):
        yield "spec.judge.panel", asdict(BuiltInOrigin(PANEL, PANEL_REVISION))
    several = len(resolved.swarms) > 1
    for swarm in resolved.swarms:
        name = resolved.for_swarm(swarm).rule.optimizer_name
        revision = registry.find_optimizer(name).revision
        yield f"spec.{swarm}.swarm" if several else "spec.swarm", asdict(BuiltInOrigin(name, revision))
        if swarm == TAKERS:
            yield f"spec.{swarm}", asdict(BuiltInOrigin(TAKERS_OBJECTIVE, Accuracy.revision))


def _list_style_prompts(resolved: ResolvedSpec) -> dict[str, Mapping[str, object]]:
    """Return the templates of the run's prompt style, and of the style for takers behind endpoints.

    It reads only fields of the identity, because `verify` knows no other fields of a spec.
    """
    asked = [PromptStyle.CHAT for taker in resolved.every_taker if isinstance(taker, RemoteTaker)]
    styles = {resolved.base.template, *asked}
    texts: dict[str, Mapping[str, object]] = {str(style): prompts.list_texts(style) for style in sorted(styles)}
    item_format = resolved.generation.format
    if item_format is not ItemFormat.QUESTIONS:
        texts[str(item_format)] = prompts.list_format_texts(resolved.base.template, item_format)
    return texts

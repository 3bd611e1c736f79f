"""The objective, which turns scores into a fitness: one part, a weighted sum of several, or their Pareto front.

`type` is a key of the catalog, `Plugin` for a plug-in that another distribution provides, `Weighted` or `Pareto`. The
blocks are made from the catalog (`part_choice`), so only a preset names parts. All terms of a weighted sum or a front
share one reference set and one corpus.

Limits: what a plug-in needs is unknown here. The step `prepare` checks it.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, Strict

from swarm_core import catalog, plugins
from swarm_core.api import part_choice
from swarm_core.api.objective_data import CorpusData, ReferenceData
from swarm_core.api.part_choice import Additions, PartChoice
from swarm_core.api.plugin_spec import PluginSpec
from swarm_core.blocks.block import Block, Rule, RuleReason, list_repeated
from swarm_core.blocks.scalars import Label, Number, normalize_zero
from swarm_core.objectives.objective import Needs, Objective

WEIGHTED = "Weighted"
"""The type of an objective that is a weighted sum of several."""
PARETO = "Pareto"
"""The type of several objectives that are maximized at the same time, without weights."""


Floor = Annotated[float, Strict(), Field(ge=-1_000_000, le=1_000_000), BeforeValidator(normalize_zero)]


class Normalization(StrEnum):
    """How the values of terms are scaled before they are added."""

    NONE = "None"
    """Not at all."""
    START = "Start"
    """To deviations from the mean of the first iteration, in standard deviations of the first iteration."""


class Preset(StrEnum):
    """Weighted sums that have a name."""

    PAPER = "Paper"
    """The composition in the released code of Data Swarms (arXiv 2506.00741)."""


PRESETS: dict[Preset, tuple[tuple[str, float], ...]] = {
    Preset.PAPER: (("Difficulty", 0.6), ("Separation", 0.2), ("Novelty", 0.2))
}
"""The types of the terms of each preset, with their weights. No preset scales its values."""


def find_needs(name: str) -> Needs:
    """Return what a built-in objective needs by default. Its settings never change the number of takers."""
    objective: Objective = plugins.build_built_in("objectives", name, {})
    return objective.needs


if TYPE_CHECKING:

    class TermObjective(PartChoice): ...

else:
    TermObjective = part_choice.build_choice(
        "objectives", "TermObjective", "An objective that is a term of several.", PluginSpec
    )


class NamedObjective(Block):
    """One of several objectives, with a name."""

    objective: TermObjective
    """The objective. It cannot have terms itself."""
    name: Label | None = None
    """Name of the term in results. If absent, the type of the objective, or the name of the plug-in."""

    @property
    def label(self) -> str:
        """The name of the term's values."""
        plugin = self.objective.plugin
        return self.name or (self.objective.type if plugin is None else plugin.name)


class TermSpec(NamedObjective):
    """One term of a weighted sum."""

    weight: Number = Field(ge=0, le=1_000_000)
    """Factor of the value. With 0, the term only has a floor."""
    at_least: Floor | None = None
    """Floor: the least acceptable value, before the values are scaled. A generator below it ranks below every generator
    that meets all floors. If absent, every value is acceptable."""

    rules: ClassVar[tuple[Rule["TermSpec"], ...]] = (
        Rule(
            "self.weight > 0.0 || has(self.atLeast)",
            "a term with a weight of 0 and no floor has no effect; give it a weight or atLeast, or remove it",
            "weight",
            lambda it: it.weight > 0 or it.at_least is not None,
        ),
    )


_LABEL = "(has({0}.name) ? {0}.name : has({0}.objective.plugin) ? {0}.objective.plugin.name : {0}.objective.type)"
"""The CEL expression of `NamedObjective.label`."""


def _build_names_rule() -> Rule[Any]:
    """Return the rule that all terms have different names."""
    return Rule(
        f"!has(self.terms) || self.terms.all(a, self.terms.exists_one(b, {_LABEL.format('a')} =="
        f" {_LABEL.format('b')}))",
        "another term has this name; give each term its own name",
        "terms",
        lambda it: not _list_repeated_terms(it.terms),
        lambda it: ("terms", _list_repeated_terms(it.terms)[0], "name"),
    )


def _list_repeated_terms(terms: Iterable[NamedObjective]) -> list[int]:
    """Return the indices of terms whose name an earlier term has."""
    return list_repeated(term.label for term in terms)


class WeightedSpec(Block):
    """A weighted sum of the values of several objectives."""

    preset: Preset | None = None
    """Weighted sum with fixed terms. Paper: 0.6 Difficulty, 0.2 Separation, 0.2 Novelty. If absent, `terms` states the
    terms."""
    normalize: Normalization = Normalization.NONE
    """Scale of the values before they are added: None, or Start (as the deviation from the mean of the first iteration,
    in standard deviations of the first iteration)."""
    terms: Annotated[tuple[TermSpec, ...], Field(max_length=8)] = ()
    """The terms of the sum."""

    rules: ClassVar[tuple[Rule["WeightedSpec"], ...]] = (
        Rule(
            "has(self.preset) == (!has(self.terms) || self.terms.size() == 0)",
            "a weighted sum has either a preset or terms; write one of them",
            "terms",
            lambda it: (it.preset is None) == bool(it.terms),
        ),
        Rule(
            "!has(self.preset) || self.normalize == 'None'",
            "a preset adds values as they are; remove normalize, or write the terms of the preset",
            "normalize",
            lambda it: it.preset is None or it.normalize is Normalization.NONE,
            reason=RuleReason.FORBIDDEN,
        ),
        Rule(
            "!has(self.terms) || self.terms.size() != 1 || has(self.terms[0].atLeast)",
            "one term without a floor is no sum; choose its objective as the type, or add a term or atLeast",
            "terms",
            lambda it: len(it.terms) != 1 or it.terms[0].at_least is not None,
        ),
        Rule(
            "!has(self.terms) || self.terms.size() == 0 || self.terms.exists(t, t.weight > 0.0)",
            "all weights are 0, so there is nothing to maximize; give at least one term a weight above 0",
            "terms",
            lambda it: not it.terms or any(term.weight > 0 for term in it.terms),
        ),
        _build_names_rule(),
    )


class ParetoTermSpec(NamedObjective):
    """One of the objectives of a Pareto front."""

    at_least: Floor | None = None
    """Floor: the least acceptable value. A generator below it ranks behind every generator that meets all floors, and
    adds nothing to the hypervolume. If absent, every value is acceptable."""


class ParetoSpec(Block):
    """Several objectives, each of which is maximized: the result is a front of generators that trade them off."""

    terms: Annotated[tuple[ParetoTermSpec, ...], Field(min_length=2, max_length=4)]
    """The objectives."""

    rules: ClassVar[tuple[Rule["ParetoSpec"], ...]] = (_build_names_rule(),)


def list_types(objective: "ObjectiveSpec") -> tuple[str, ...]:
    """Return the types of the objectives that are measured: the type itself, or those of the terms."""
    if objective.pareto is not None:
        return tuple(term.objective.type for term in objective.pareto.terms)
    weighted = objective.weighted
    if weighted is None:
        return (objective.type,)
    if weighted.preset is not None:
        return tuple(name for name, _ in PRESETS[weighted.preset])
    return tuple(term.objective.type for term in weighted.terms)


def format_measured(block: str, names: tuple[str, ...]) -> str:
    """Return the CEL condition that one of the objectives `names` is measured. `block`: the path of the objective."""
    listed, weighted = _format_list(names), f"{block}.weighted"
    ways = [f"(has({weighted}.terms) && {weighted}.terms.exists(t, t.objective.type in {listed}))"]
    front = f"(has({block}.pareto) && {block}.pareto.terms.exists(t, t.objective.type in {listed}))"
    presets = tuple(str(one) for one, terms in PRESETS.items() if any(name in names for name, _ in terms))
    if presets:
        ways.append(f"(has({weighted}.preset) && {weighted}.preset in {_format_list(presets)})")
    return f"({block}.type in {listed} || {front} || (has({weighted}) && ({' || '.join(ways)})))"


def _format_list(names: tuple[str, ...]) -> str:
    """Return a list of CEL."""
    return f"[{', '.join(map(repr, names))}]"


def _list_needing(need: str) -> tuple[str, ...]:
    """Return the built-in objectives that need this data: `reference` or `corpus`."""
    return tuple(name for name in catalog.OBJECTIVES if getattr(find_needs(name), need))


def _build_data_fields() -> dict[str, Any]:
    """Return the fields with the data that several objectives use."""
    about_reference = (
        f"Reference set, for type {', '.join(_list_needing('reference'))} and for plug-ins that need one."
        " If absent, the held-out seed items."
    )
    about_corpus = f"Corpus, for type {', '.join(_list_needing('corpus'))} and for plug-ins that need one."
    return {
        "reference": (ReferenceData | None, Field(None, description=about_reference)),
        "corpus": (CorpusData | None, Field(None, description=about_corpus)),
    }


def _build_data_rules() -> tuple[Rule[Any], ...]:
    """Return the rules that an objective has the data that it needs, and no other."""
    needing = _list_needing("corpus")
    return (
        _build_data_rule("reference", "a reference set"),
        _build_data_rule("corpus", "a corpus"),
        Rule(
            f"has(self.corpus) || !{format_measured('self', needing)}",
            f"an objective of type {', '.join(needing)} compares items with a corpus; write corpus with the uri of one",
            "corpus",
            lambda it: it.corpus is not None or not set(needing) & set(list_types(it)),
        ),
    )


def _build_data_rule(need: str, what: str) -> Rule[Any]:
    """Return the rule that only an objective that needs this data has it."""
    names = (*_list_needing(need), catalog.PLUGIN)
    return Rule(
        f"!has(self.{need}) || {format_measured('self', names)}",
        f"only an objective of type {', '.join(names)} uses {what}; remove {need}, or set another type",
        need,
        lambda it: getattr(it, need) is None or bool(set(names) & set(list_types(it))),
        reason=RuleReason.FORBIDDEN,
    )


if TYPE_CHECKING:

    class ObjectiveSpec(PartChoice):
        weighted: WeightedSpec | None
        pareto: ParetoSpec | None
        reference: ReferenceData | None
        corpus: CorpusData | None

else:
    ObjectiveSpec = part_choice.build_choice(
        "objectives",
        "ObjectiveSpec",
        "The objective: the property of the generated data that the search maximizes.",
        PluginSpec,
        Additions({WEIGHTED: WeightedSpec, PARETO: ParetoSpec}, fields=_build_data_fields(), rules=_build_data_rules()),
    )


def _build_takers_rules() -> tuple[Rule[Any], ...]:
    """Return one rule for each built-in objective: the spec lists as many takers as it needs."""
    least = {name: find_needs(name).takers for name in catalog.OBJECTIVES}
    alone = tuple(name for name, takers in least.items() if takers == 0)
    return (*(_build_takers_rule(name, takers) for name, takers in least.items()), _build_terms_rule(alone))


def _build_takers_rule(name: str, least: int) -> Rule[Any]:
    if least == 0:
        return Rule(
            f"self.objective.type != '{name}' || self.takers.size() == 0",
            f"objective {name} asks no taker; remove takers, or choose another objective",
            "takers",
            lambda it: it.objective.type != name or not it.takers,
            reason=RuleReason.FORBIDDEN,
        )
    return Rule(
        f"!{format_measured('self.objective', (name,))} || self.takers.size() >= {least}",
        f"objective {name} needs at least {least} taker{'s' if least > 1 else ''}; list more takers, or choose another"
        " objective",
        "takers",
        lambda it: name not in list_types(it.objective) or len(it.takers) >= least,
    )


def _build_terms_rule(alone: tuple[str, ...]) -> Rule[Any]:
    """Return the rule that there are no takers if no term of several objectives asks any. `alone`: such objectives."""
    terms, front = "self.objective.weighted.terms", "self.objective.pareto.terms"
    asks = f"exists(t, !(t.objective.type in {_format_list(alone)}))"
    return Rule(
        f"self.takers.size() == 0 || ((!has(self.objective.weighted) || !has({terms}) || {terms}.size() == 0 ||"
        f" {terms}.{asks}) && (!has(self.objective.pareto) || {front}.{asks}))",
        "no term of this objective asks a taker; remove takers, or add a term that asks them",
        "takers",
        lambda it: (
            not it.takers
            or it.objective.type not in (WEIGHTED, PARETO)
            or bool(set(list_types(it.objective)) - set(alone))
        ),
        reason=RuleReason.FORBIDDEN,
    )


TAKERS_RULES: tuple[Rule[Any], ...] = _build_takers_rules()
"""The rules of every spec that has an objective and takers."""

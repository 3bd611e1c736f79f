"""The fitness of several objectives as one objective, so that it gets an interval like any other.

Its value is the fitness that the values of the objectives on the same sample make, with the statistics of the first
iteration as constants. `intervals` leaves out each request and composes what remains, so values that rise and fall
together are counted together.

Limits: at a floor the fitness has a step, and the interval covers both sides of it only if halves of the sample show
both.
"""

from collections.abc import Mapping, Sequence
from math import lcm

from swarm_core.composition import Statistics, Values
from swarm_core.objectives.objective import FunctionOfMeans, Needs, Objective, Sample
from swarm_core.objectives.scores import CoverageError
from swarm_core.pareto_composition import ParetoComposition
from swarm_core.weighted_sum import WeightedSum

SeveralObjectives = WeightedSum | ParetoComposition
"""The compositions whose fitness depends on several values."""


class ComposedObjective:
    """The fitness of a composition of several objectives, as an objective."""

    revision = 1

    def __init__(self, objectives: Mapping[str, Objective], composition: SeveralObjectives, start: Statistics) -> None:
        """`objectives`: by name. `start`: the statistics of the first iteration.

        Raises CoverageError if the composition needs statistics that `start` lacks.
        """
        if not composition.has_statistics(start):
            raise CoverageError("no candidate of the first iteration has all values that the fitness is normalized by")
        self.objectives = {name: objectives[name] for name in composition.names}
        self.composition, self.start = composition, start
        self.range = composition.bound(start)
        self.needs = unite_needs([one.needs for one in self.objectives.values()])

    @property
    def of_means(self) -> bool:
        """Whether every term is a function of means over items, so that single requests may be left out."""
        return all(getattr(one, "of_means", False) for one in self.objectives.values())

    @property
    def value_without_items(self) -> float:
        """The value of a sample without an accepted item: every term is 0."""
        return self.compose(dict.fromkeys(self.objectives, 0.0))

    def value(self, sample: Sample) -> float:
        """Return the fitness of `sample`. Raises CoverageError if a term has no value."""
        if sample.accepted == 0:
            return self.value_without_items
        return self.compose({name: objective.value(sample) for name, objective in self.objectives.items()})

    def compose(self, values: Values) -> float:
        """Return the fitness of values that exist."""
        fitness = self.composition.compose(values, self.start)
        assert fitness is not None  # no value is missing, and the statistics were checked
        return fitness


class ComposedMeans(ComposedObjective):
    """The fitness of several objectives whose terms are functions of the takers' means alone."""

    def value_of_share(self, means: Sequence[float], share: float) -> float:
        """Return the fitness from the takers' means, [taker], and the accepted share of the requested items."""
        values = {}
        for name, objective in self.objectives.items():
            assert isinstance(objective, FunctionOfMeans)
            values[name] = objective.value_of_share(means, share)
        return self.compose(values)


def compose_objectives(
    objectives: Mapping[str, Objective], composition: SeveralObjectives, start: Statistics
) -> ComposedObjective:
    """Return the fitness of several objectives as an objective. Raises CoverageError as `ComposedObjective` does."""
    simple = all(isinstance(objectives[name], FunctionOfMeans) for name in composition.names)
    return (ComposedMeans if simple else ComposedObjective)(objectives, composition, start)


def unite_needs(several: Sequence[Needs]) -> Needs:
    """Return what a sample must have so that each of several objectives can measure it."""
    return Needs(
        takers=max(one.takers for one in several),
        repeats=lcm(*(one.repeats for one in several)),
        reference=any(one.reference for one in several),
        corpus=any(one.corpus for one in several),
        embeddings=any(one.embeddings for one in several),
    )


def find_value_without_items(objective: object) -> float:
    """Return the value of a sample without an accepted item: 0, or what a sum makes of zeros."""
    return objective.value_without_items if isinstance(objective, ComposedObjective) else 0.0

"""The search: by what optimizer, how many particles, for how long, by what rule.

Particles swarm; random search and CMA-ES are there to be compared with, at the same number of measurements.
`StandardSpec` is the rule that holds up when fitness is noisy; `PublishedSpec` is the paper's (Data Swarms, arXiv
2506.00741; the rule of Model Swarms, arXiv 2410.11163). Each has its own block of constants, and the block of the other
is refused. `groups` says which tensors share coefficients, `merge` what those coefficients multiply.
"""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, Strict

from swarm_core.api.block import Block, Rule, union_member_rule
from swarm_core.api.optimizer_blocks import (
    MEMBERS,
    PARTICLE_SWARM,
    ConstantsBlock,
    OptimizerFields,
    OptimizerName,
)
from swarm_core.api.scalars import Integer, Number, to_integer
from swarm_core.recipe import Merge

ScatteredCount = Annotated[int, Strict(), Field(ge=0, le=1024), BeforeValidator(to_integer)]


class RuleName(StrEnum):
    """The rules by which particles move."""

    STANDARD = "Standard"
    PUBLISHED = "Published"


class Compat(StrEnum):
    """Which form of the Published rule."""

    INTENDED = "Intended"
    REFERENCE = "Reference"


class Start(StrEnum):
    """The positions to begin at."""

    ANALOGIES = "Analogies"
    GENERATORS = "Generators"


class Groups(StrEnum):
    """The tensors that share coefficients."""

    GLOBAL = "Global"
    PER_LAYER = "PerLayer"


class StandardSpec(ConstantsBlock):
    """Constants of the Standard rule."""

    optimizer_name: ClassVar[str] = "Standard"

    start: Start = Start.ANALOGIES
    """Analogies begins at the best of the generators and their analogies a + b - c; Generators, at them alone."""
    scattered: ScatteredCount | None = Field(None, exclude_if=lambda scattered: scattered is None)
    """Random places that are measured at the start as well; 66 by default, in a game none."""
    inertia: Number = Field(0.73, ge=0, le=2)
    """Share of the velocity that is kept."""
    cognitive: Number = Field(1.5, ge=0, le=10)
    """Pull to the particle's own best position."""
    social: Number = Field(1.5, ge=0, le=10)
    """Pull to the best position of the swarm."""
    max_velocity: Number = Field(1.0, gt=0, le=10)
    """Largest change of a coefficient in one step."""
    max_position: Number = Field(2.5, ge=1, le=10)
    """Largest size of a coefficient, before the sum is set to 1."""
    remeasured: Integer = Field(3, ge=0, le=16)
    """How many leading bests are measured again, and averaged, in each iteration."""


class PublishedSpec(ConstantsBlock):
    """Constants of the Published rule."""

    optimizer_name: ClassVar[str] = "Published"

    inertia: Number = Field(0.2, ge=0, le=10)
    """Weight of the velocity."""
    cognitive: Number = Field(0.3, ge=0, le=10)
    """Weight of the pull to the particle's own best position."""
    social: Number = Field(0.4, ge=0, le=10)
    """Weight of the pull to the best position of the swarm."""
    repel: Number = Field(0.05, ge=0, le=10)
    """Weight of the push from the worst position of the swarm."""
    step_length: Number = Field(0.7, gt=0, le=10)
    """Share of the velocity that a particle moves by, at first."""
    step_factor: Number = Field(0.95, gt=0, le=1)
    """Factor on the step length in every iteration."""
    step_floor: Number = Field(0.1, ge=0, le=10)
    """Smallest step length."""
    restart_patience: Number = Field(0.67, ge=0, le=1)
    """Share of patience after which a particle that has not bettered itself returns to its best position."""
    compat: Compat = Field(Compat.INTENDED, exclude_if=lambda compat: compat is Compat.INTENDED)
    """Intended is the rule of the papers; Reference, the code released with them, its faults included."""

    rules: ClassVar[tuple[Rule["PublishedSpec"], ...]] = (
        Rule(
            "self.inertia + self.cognitive + self.social + self.repel > 0.0",
            "inertia, cognitive, social and repel are divided by their sum, so one must be above 0",
            "inertia",
            lambda it: it.inertia + it.cognitive + it.social + it.repel > 0,
        ),
        Rule(
            "self.stepFloor <= self.stepLength",
            "stepFloor is above stepLength; lower it",
            "stepFloor",
            lambda it: it.step_floor <= it.step_length,
        ),
    )


class PerLayer(Block):
    """How layers keep together where each has coefficients of its own."""

    cohesion: Number = Field(0.2, ge=0, le=1)
    """Share of its difference from the mean velocity that a layer loses in a move of every second particle."""


class Exact(Block):
    """How exact sums are held."""

    max_rank: Integer = Field(64, ge=1, le=512)
    """Highest rank of a sum; one of a higher rank is cut, layer by layer, to the nearest of this rank."""


class SwarmSpec(OptimizerFields):
    """The search over weighted sums of the generators."""

    optimizer: OptimizerName = PARTICLE_SWARM
    """All others take as many measurements as a particle swarm by rule Standard would, start included."""
    rule: RuleName = RuleName.STANDARD
    """Standard holds up when fitness is noisy; Published is the rule of the Data Swarms paper."""
    particles: Integer = Field(8, ge=2, le=64)
    """Points that move, or that are drawn in each iteration."""
    iterations: Integer = Field(20, ge=1, le=1000)
    """Most iterations of a particle swarm; without one, iterations go on until its measurements are spent."""
    patience: Integer = Field(10, ge=1, le=1000)
    """Iterations without a better best after which the search ends."""
    groups: Groups = Field(Groups.GLOBAL, exclude_if=lambda groups: groups is Groups.GLOBAL)
    """Global gives all tensors the same coefficients; PerLayer, every layer its own."""
    merge: Merge = Field(Merge.ELEMENTWISE, exclude_if=lambda merge: merge is Merge.ELEMENTWISE)
    """Elementwise sums the two factors of the adapters apart; Exact sums their products, at the cost of rank."""
    standard: StandardSpec | None = None
    """Constants of the Standard rule."""
    published: PublishedSpec | None = None
    """Constants of the Published rule."""
    per_layer: PerLayer | None = None
    """Constants of coefficients per layer."""
    exact: Exact | None = None
    """Constants of exact sums."""

    rules: ClassVar[tuple[Rule["SwarmSpec"], ...]] = (
        union_member_rule("standard", "rule", RuleName.STANDARD),
        union_member_rule("published", "rule", RuleName.PUBLISHED),
        *MEMBERS,
        union_member_rule("per_layer", "groups", Groups.PER_LAYER),
        union_member_rule("exact", "merge", Merge.EXACT),
        Rule(
            "self.optimizer == 'ParticleSwarm' || (self.rule == 'Standard' && !has(self.standard))",
            "rule and its constants belong to optimizer ParticleSwarm; remove them, or set optimizer to ParticleSwarm",
            "optimizer",
            lambda it: it.optimizer == PARTICLE_SWARM or (it.rule, it.standard) == (RuleName.STANDARD, None),
        ),
        Rule(
            "self.groups == 'Global' || (self.optimizer == 'ParticleSwarm' && self.rule == 'Standard')",
            "only rule Standard of optimizer ParticleSwarm keeps layers together; choose it, or set groups to Global",
            "groups",
            lambda it: it.groups is Groups.GLOBAL or (it.optimizer, it.rule) == (PARTICLE_SWARM, RuleName.STANDARD),
        ),
    )

"""The settings of a search: the optimizer and its constants, the number of particles, and the limits.

The default optimizer is a particle swarm. Random search and CMA-ES are for comparison, with the same number of
measurements. A particle swarm has three rules. `StandardSpec` is robust to noisy fitness. `PublishedSpec` is the rule
of the paper (Data Swarms, arXiv 2506.00741; Model Swarms, arXiv 2410.11163). `MultiObjectiveSpec` is for several
objectives. Each rule has its own block of constants, and a spec may have only the block of its rule. `groups` selects
the tensors that share coefficients. `merge` selects what the coefficients multiply.
"""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, Strict

from swarm_core.api.optimizer_blocks import (
    MEMBERS,
    OPTIMIZER_DESCRIPTION,
    PARTICLE_SWARM,
    ConstantsBlock,
    OptimizerFields,
    OptimizerName,
)
from swarm_core.blocks.block import Block, Rule, union_member_rule
from swarm_core.blocks.scalars import Integer, Number, to_integer
from swarm_core.recipe import Merge

ScatteredCount = Annotated[int, Strict(), Field(ge=0, le=1024), BeforeValidator(to_integer)]


class RuleName(StrEnum):
    """The rules for the movement of particles."""

    STANDARD = "Standard"
    PUBLISHED = "Published"
    MULTI_OBJECTIVE = "MultiObjective"


class Compat(StrEnum):
    """The forms of the Published rule."""

    INTENDED = "Intended"
    REFERENCE = "Reference"


class Start(StrEnum):
    """The initial positions of a search."""

    ANALOGIES = "Analogies"
    GENERATORS = "Generators"


class Groups(StrEnum):
    """The groups of tensors that share coefficients."""

    GLOBAL = "Global"
    PER_LAYER = "PerLayer"


class StandardSpec(ConstantsBlock):
    """Constants of the Standard rule."""

    optimizer_name: ClassVar[str] = "Standard"

    start: Start = Start.ANALOGIES
    """Initial positions: Analogies starts at the best of the generators and their analogies a + b - c, Generators
    starts at the generators alone."""
    scattered: ScatteredCount | None = Field(None, exclude_if=lambda scattered: scattered is None)
    """Number of random positions that are also measured at the start. If absent, 66, or 0 in a game."""
    inertia: Number = Field(0.73, ge=0, le=2)
    """Weight of the previous velocity."""
    cognitive: Number = Field(1.5, ge=0, le=10)
    """Weight of the pull to the particle's own best position."""
    social: Number = Field(1.5, ge=0, le=10)
    """Weight of the pull to the best position of the swarm."""
    max_velocity: Number = Field(1.0, gt=0, le=10)
    """Maximum change of a coefficient in one step."""
    max_position: Number = Field(2.5, ge=1, le=10)
    """Maximum absolute value of a coefficient, before the sum is shifted to 1."""
    remeasured: Integer = Field(3, ge=0, le=16)
    """Number of leading positions that are measured again, and averaged, in each iteration."""


class MultiObjectiveSpec(StandardSpec):
    """Constants of the MultiObjective rule: those of rule Standard, and the size of the archive."""

    optimizer_name: ClassVar[str] = "MultiObjective"

    archive: Integer = Field(16, ge=4, le=32)
    """Maximum number of positions in the archive of non-dominated positions. The most crowded ones are left out."""


class PublishedSpec(ConstantsBlock):
    """Constants of the Published rule."""

    optimizer_name: ClassVar[str] = "Published"

    inertia: Number = Field(0.2, ge=0, le=10)
    """Weight of the previous velocity, relative to the other weights."""
    cognitive: Number = Field(0.3, ge=0, le=10)
    """Weight of the pull to the particle's own best position."""
    social: Number = Field(0.4, ge=0, le=10)
    """Weight of the pull to the best position of the swarm."""
    repel: Number = Field(0.05, ge=0, le=10)
    """Weight of the push from the worst position of the swarm."""
    step_length: Number = Field(0.7, gt=0, le=10)
    """Initial step length: the factor on the velocity in a move."""
    step_factor: Number = Field(0.95, gt=0, le=1)
    """Factor by which the step length decays in every iteration."""
    step_floor: Number = Field(0.1, ge=0, le=10)
    """Minimum step length."""
    restart_patience: Number = Field(0.67, ge=0, le=1)
    """Share of patience after which a particle without improvement returns to its best position."""
    compat: Compat = Field(Compat.INTENDED, exclude_if=lambda compat: compat is Compat.INTENDED)
    """Form of the rule: Intended is the rule of the papers, Reference is the code released with them, including its
    bugs."""

    rules: ClassVar[tuple[Rule["PublishedSpec"], ...]] = (
        Rule(
            "self.inertia + self.cognitive + self.social + self.repel > 0.0",
            "inertia, cognitive, social and repel are divided by their sum; set at least one of them above 0",
            "inertia",
            lambda it: it.inertia + it.cognitive + it.social + it.repel > 0,
        ),
        Rule(
            "self.stepFloor <= self.stepLength",
            "stepFloor must be at most stepLength; lower stepFloor",
            "stepFloor",
            lambda it: it.step_floor <= it.step_length,
        ),
    )


class PerLayer(Block):
    """The constants of a search in which each layer has its own coefficients."""

    cohesion: Number = Field(0.2, ge=0, le=1)
    """Share of its difference from the mean velocity that a layer loses in each move. It applies to every second
    particle. The layers of the other particles always move together."""


class Exact(Block):
    """The constants of exact sums."""

    max_rank: Integer = Field(64, ge=1, le=512)
    """Maximum rank of a sum. A sum with a higher rank is truncated, layer by layer, to the nearest sum with this rank.
    """


class SwarmSpec(OptimizerFields):
    """The search over weighted sums of the generators."""

    optimizer: OptimizerName = Field(PARTICLE_SWARM, description=OPTIMIZER_DESCRIPTION)
    rule: RuleName = RuleName.STANDARD
    """Rule of the particle swarm: Standard is robust to noisy fitness, Published is the rule of the Data Swarms paper,
    MultiObjective keeps an archive of non-dominated positions for an objective of type Pareto."""
    particles: Integer = Field(8, ge=2, le=64)
    """Number of particles, or of positions that are sampled in each iteration."""
    iterations: Integer = Field(20, ge=1, le=1000)
    """Maximum number of iterations of a particle swarm. Another optimizer continues until it has made the same number
    of measurements."""
    patience: Integer = Field(10, ge=1, le=1000)
    """Number of iterations without improvement after which the search ends."""
    groups: Groups = Field(Groups.GLOBAL, exclude_if=lambda groups: groups is Groups.GLOBAL)
    """Tensors that share coefficients: with Global all tensors, with PerLayer the tensors of each layer."""
    merge: Merge = Field(Merge.ELEMENTWISE, exclude_if=lambda merge: merge is Merge.ELEMENTWISE)
    """How adapters are summed: Elementwise sums the two LoRA factors separately, Exact sums their products, which
    increases the rank."""
    standard: StandardSpec | None = None
    """Constants of the Standard rule."""
    published: PublishedSpec | None = None
    """Constants of the Published rule."""
    multi_objective: MultiObjectiveSpec | None = None
    """Constants of the MultiObjective rule."""
    per_layer: PerLayer | None = None
    """Constants of coefficients per layer."""
    exact: Exact | None = None
    """Constants of exact sums."""

    rules: ClassVar[tuple[Rule["SwarmSpec"], ...]] = (
        union_member_rule("standard", "rule", RuleName.STANDARD),
        union_member_rule("published", "rule", RuleName.PUBLISHED),
        union_member_rule("multi_objective", "rule", RuleName.MULTI_OBJECTIVE),
        *MEMBERS,
        union_member_rule("per_layer", "groups", Groups.PER_LAYER),
        union_member_rule("exact", "merge", Merge.EXACT),
        Rule(
            "self.optimizer == 'ParticleSwarm' || (self.rule == 'Standard' && !has(self.standard))",
            "rule and standard belong to optimizer ParticleSwarm; remove them, or set optimizer to ParticleSwarm",
            "optimizer",
            lambda it: it.optimizer == PARTICLE_SWARM or (it.rule, it.standard) == (RuleName.STANDARD, None),
        ),
        Rule(
            "self.groups == 'Global' || (self.optimizer == 'ParticleSwarm' && self.rule == 'Standard')",
            "groups PerLayer needs rule Standard of optimizer ParticleSwarm; choose them, or set groups to Global",
            "groups",
            lambda it: it.groups is Groups.GLOBAL or (it.optimizer, it.rule) == (PARTICLE_SWARM, RuleName.STANDARD),
        ),
    )

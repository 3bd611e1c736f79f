"""Runs with every choice made: nothing is optional where a default exists.

`model_dump_json()` and `model_validate_json()` carry it to a worker unchanged.

Invariant: every path in it is a `Uri`, so a dump with `context=contents` names each by what lies there.
"""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from swarm_core.api.base import BaseSpec
from swarm_core.api.endpoints import SecretKeyRef
from swarm_core.api.evaluation import Evaluation
from swarm_core.api.execution import Execution, LocalStorage, S3Storage
from swarm_core.api.generators import ByField, SeedDataSource, Training
from swarm_core.api.judging import Scale
from swarm_core.api.lifecycle import Budget
from swarm_core.api.optimizer_blocks import OptimizerBlock
from swarm_core.api.plugin_spec import Config
from swarm_core.api.resuming import ResumeFrom
from swarm_core.api.scalars import Flag, Integer, Label, Line, Uri
from swarm_core.api.swarm import Exact, PerLayer, PublishedSpec, StandardSpec
from swarm_core.api.takers import Answering, Generation
from swarm_core.swarm_names import GENERATORS


class ResolvedBlock(BaseModel):
    """A part in which nothing is left to a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ByKMeans(ResolvedBlock):
    """Clusters found by k-means."""

    embedder: Uri | None
    """The embedding model; None is TF-IDF."""


class TrainedAdapters(ResolvedBlock):
    """Generators trained here, one per cluster of the seed data."""

    clusters: ByKMeans | ByField
    training: Training


class GivenAdapters(ResolvedBlock):
    """Generators given as adapters."""

    adapters: tuple[Uri, ...]


class ResolvedGenerators(ResolvedBlock):
    """The generators the search starts from."""

    count: int
    data: SeedDataSource
    origin: TrainedAdapters | GivenAdapters

    @property
    def cluster_field(self) -> str | None:
        """The field of the data that names each item's cluster; None if the data does not say."""
        match self.origin:
            case TrainedAdapters(clusters=ByField(name=name)):
                return name
            case _:
                return None


class ResolvedTaker(ResolvedBlock):
    """One test taker."""

    name: Label
    model: Uri
    """The base's, unless the taker has its own."""
    adapter: Uri | None
    """None is the model as it is."""


class EndpointIdentity(ResolvedBlock):
    """A model that somebody else serves: who is asked for what. Nothing here says with what key."""

    url: str
    """In its one form (`endpoints.address`)."""
    model: Line


class RemoteTaker(ResolvedBlock):
    """One test taker that somebody else serves."""

    name: Label
    endpoint: EndpointIdentity


class Part(ResolvedBlock):
    """A part by its name: a key of the catalog, or a plug-in's name, which is in lower case."""

    name: Line
    config: Config = Field(default_factory=dict, exclude_if=lambda config: not config)
    """Settings of the part."""

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class PartUse:
    """One part, and where the spec names it."""

    group: str
    part: Part
    field: str
    """Such as `spec.judge.verifier`, or `spec.gates[0]`."""


class ResolvedVerifier(ResolvedBlock):
    """A judge that knows the right answer."""

    verifier: Part


class NamedJudge(ResolvedBlock):
    """A judge of the catalog, or a plug-in."""

    judge: Part
    endpoint: EndpointIdentity | None
    """The model that it asks; None if it asks none."""


class ResolvedJudge(ResolvedBlock):
    """A language model that marks by a rubric."""

    endpoint: EndpointIdentity
    rubric: str
    scale: Scale
    vet: Flag
    max_tokens: Integer


class EndpointAccess(ResolvedBlock):
    """How one endpoint is asked: outside the identity, for neither keys nor limits change an answer."""

    owner: str
    """`judge`, or `takers/NAME`."""
    field: str
    """Where the endpoint is written, such as `spec.takers[1].endpoint`."""
    remote: EndpointIdentity
    secret: SecretKeyRef | None
    """The Secret that holds the key, which comes by a variable (`endpoints.key_variable`)."""
    env: str | None
    file: str | None
    concurrency: Integer
    requests_per_minute: Integer | None
    tokens_per_minute: Integer | None
    deadline_seconds: Integer


class ResolvedSwarm(ResolvedBlock):
    """How many particles, for how long, and what a position is."""

    particles: int
    iterations: int
    patience: int
    per_layer: PerLayer | None = Field(None, exclude_if=lambda block: block is None)
    """None is one block of coefficients for all tensors."""
    exact: Exact | None = Field(None, exclude_if=lambda block: block is None)
    """None is an elementwise sum."""
    rescored: bool = Field(False, exclude_if=lambda rescored: not rescored)
    """Whether bests are measured again in each iteration, because what they were measured against has moved."""
    decay: float = Field(1.0, exclude_if=lambda decay: decay == 1)
    """What an older score is multiplied by in every iteration; 1 where it counts for ever or not at all."""


class ResolvedRun(ResolvedBlock):
    """What every kind of run is resolved to; a program adds what its kind has."""

    kind: str
    """The kind of run, by which its program is found."""
    seed: Integer
    suspend: Flag
    storage: LocalStorage | S3Storage | None
    """None leaves the place to the host. The prefix of a bucket is the run's own: its last name is the run's."""
    execution: Execution
    access: tuple[EndpointAccess, ...] = ()
    """How every endpoint of the run is asked."""
    budget: Budget = Budget()

    @property
    def parts(self) -> tuple[PartUse, ...]:
        """The parts that the spec names, for kinds that do not search; what they are pins the experiment."""
        return ()


class ResolvedSpec(ResolvedRun):
    """A search that is run: one swarm of generators, or the first of several."""

    base: BaseSpec
    generators: ResolvedGenerators
    domain: Line
    takers: tuple[ResolvedTaker | RemoteTaker, ...]
    """Told apart by their fields."""
    generation: Generation
    answering: Answering
    judge: ResolvedVerifier | ResolvedJudge | NamedJudge
    """Told apart by their fields."""
    gates: tuple[Part, ...] = Field((), exclude_if=lambda gates: not gates)
    """Those that the spec adds, in the order in which items meet them."""
    objective: Part
    swarm: ResolvedSwarm
    rule: StandardSpec | PublishedSpec | OptimizerBlock
    """By what rule particles move, or what searches without any, and its constants. Told apart by their fields."""
    evaluation: Evaluation
    resume_from: ResumeFrom | None = None
    """None starts anew."""

    @property
    def swarms(self) -> tuple[str, ...]:
        """The swarms that move, in the order of their turns."""
        return (GENERATORS,)

    @property
    def max_live_candidates(self) -> int:
        """The most candidates that are asked about in one step, beside the takers: a server is sized for them."""
        return max(4 * self.swarm.particles, self.evaluation.finalists, self.generators.count + 1)

    @property
    def has_local_takers(self) -> bool:
        """Whether any taker is served by the run itself rather than by an endpoint."""
        return any(isinstance(taker, ResolvedTaker) for taker in self.takers)

    def for_swarm(self, swarm: str) -> "ResolvedSpec":
        """The search as one of its swarms sees it: as if that swarm were the generators."""
        assert swarm == GENERATORS
        return self

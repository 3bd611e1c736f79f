"""Resolved runs: every default of the spec is explicit.

`model_dump_json()` and `model_validate_json()` carry a resolved run to a worker unchanged.

Invariant: every path in it is a `Uri`, so a dump with `context=contents` replaces each path by the digest of its
content.
"""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from swarm_core.api.base import BaseSpec
from swarm_core.api.evaluation import Evaluation
from swarm_core.api.execution import Execution, LocalStorage, S3Storage
from swarm_core.api.generators import ByField, ExampleSource, HeldOutSource, OverlapPolicy, SeedDataSource, Training
from swarm_core.api.judging import PanelRule
from swarm_core.api.lifecycle import Budget
from swarm_core.api.objective_blocks import Normalization
from swarm_core.api.objective_data import CorpusData, ReferenceData
from swarm_core.api.optimizer_blocks import OptimizerBlock
from swarm_core.api.prompt_texts import Prompts
from swarm_core.api.resuming import ResumeFrom
from swarm_core.api.swarm import Exact, MultiObjectiveSpec, PerLayer, PublishedSpec, StandardSpec
from swarm_core.api.takers import Answering, Generation
from swarm_core.blocks import endpoints
from swarm_core.blocks.classifier_model import ClassifierModel
from swarm_core.blocks.data_source import DataSet
from swarm_core.blocks.endpoints import SecretKeyRef
from swarm_core.blocks.free_json import Config
from swarm_core.blocks.scalars import Flag, Integer, Label, Line, Number, Uri
from swarm_core.swarm_names import GENERATORS
from swarm_core.text.prompts import DEFAULT_TEXTS, Wording


class ResolvedBlock(BaseModel):
    """A block in which every default is explicit."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ByKMeans(ResolvedBlock):
    """Clusters that k-means computes."""

    embedder: Uri | None
    """The embedding model; None means TF-IDF."""


class TrainedAdapters(ResolvedBlock):
    """Generators that the run trains, one per cluster of the seed data."""

    clusters: ByKMeans | ByField
    training: Training


class GivenAdapters(ResolvedBlock):
    """Generators that the spec gives as adapters."""

    adapters: tuple[Uri, ...]


class ResolvedGenerators(ResolvedBlock):
    """The initial generators of a search."""

    count: int
    data: SeedDataSource
    origin: TrainedAdapters | GivenAdapters
    examples: ExampleSource | None = Field(None, exclude_if=lambda source: source is None)
    """The data of the examples in prompts; None if they are seed items."""
    held_out: HeldOutSource | None = Field(None, exclude_if=lambda source: source is None)
    """The data that is held out; None if a share of the seed data is."""
    overlap: OverlapPolicy = Field(OverlapPolicy.REFUSE, exclude_if=lambda policy: policy is OverlapPolicy.REFUSE)
    """What happens to items that two splits have in common."""

    @property
    def cluster_field(self) -> str | None:
        """The field of the data that names the cluster of each item; None if k-means computes the clusters."""
        match self.origin:
            case TrainedAdapters(clusters=ByField(name=name)):
                return name
            case _:
                return None


class ResolvedTaker(ResolvedBlock):
    """One test taker that the run serves itself."""

    name: Label
    model: Uri
    """The model of the taker: its own, or else the base model."""
    adapter: Uri | None
    """The adapter on the model; None means the model without an adapter."""


class EndpointIdentity(ResolvedBlock):
    """The identity of a model behind an endpoint. It does not include the key."""

    url: str
    """The URL in normal form (`endpoints.normalize_url`)."""
    model: Line
    max_tokens_field: str | None = Field(None, exclude_if=lambda name: name is None)
    """The name of the field with the maximum length; None leaves it to the server's refusals."""
    omit: tuple[str, ...] = Field((), exclude_if=lambda names: not names)
    """The fields that requests leave out, sorted."""
    extra_body: Config = Field(default_factory=dict, exclude_if=lambda body: not body)
    """Further fields of every request."""

    @property
    def parameters(self) -> str:
        """The parameters of requests as canonical JSON; empty if there are none."""
        return endpoints.serialize_parameters(self.max_tokens_field, self.omit, self.extra_body)


class RemoteTaker(ResolvedBlock):
    """One test taker behind an endpoint."""

    name: Label
    endpoint: EndpointIdentity


class Part(ResolvedBlock):
    """A part by its name. The name is a key of the catalog or the name of a plug-in, which is in lower case."""

    name: Line
    config: Config = Field(default_factory=dict, exclude_if=lambda config: not config)
    """The settings of the part without its endpoint, its classifier and its data, with every default explicit."""
    endpoint: EndpointIdentity | None = Field(None, exclude_if=lambda endpoint: endpoint is None)
    """The model that the part asks; None if it asks no model."""
    classifier: ClassifierModel | None = Field(None, exclude_if=lambda classifier: classifier is None)
    """The classifier that the part asks; None if it asks none."""
    data: tuple[DataSet, ...] = Field((), exclude_if=lambda data: not data)
    """The data sets that the part compares items with."""

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class PartUse:
    """One part and the field of the spec that names it."""

    group: str
    part: Part
    field: str
    """The path of the field, such as `spec.judge.verifier` or `spec.gates[0]`."""


class ResolvedVerifier(ResolvedBlock):
    """A judge that computes the correct answer."""

    verifier: Part


class ResolvedJudge(ResolvedBlock):
    """A judge of another kind."""

    judge: Part


class ResolvedPanel(ResolvedBlock):
    """Several judges whose scores become one."""

    members: tuple[ResolvedVerifier | ResolvedJudge, ...]
    rule: PanelRule
    at_least: int
    """The minimum number of members that must give a score."""


class ResolvedParetoTerm(ResolvedBlock):
    """One of the objectives of a Pareto front."""

    name: Line
    """The name of its values, different for each term."""
    objective: Part
    at_least: Number | None = Field(None, exclude_if=lambda floor: floor is None)
    """The least acceptable value; None if every value is."""


class ResolvedPareto(ResolvedBlock):
    """Several objectives, each of which is maximized."""

    terms: tuple[ResolvedParetoTerm, ...]


class ResolvedTerm(ResolvedParetoTerm):
    """One term of a weighted sum."""

    weight: Number


class ResolvedWeighted(ResolvedBlock):
    """The fitness as a weighted sum of the values of several objectives."""

    normalize: Normalization
    terms: tuple[ResolvedTerm, ...]


class EndpointAccess(ResolvedBlock):
    """The access to one endpoint: its key and its rate limits.

    It is not part of the identity, because neither keys nor limits change an answer.
    """

    owner: str
    """The owner of the key: `judge`, `judge/INDEX`, `takers/NAME`, `gates/INDEX` or `rivals/INDEX`."""
    field: str
    """The path of the field with the endpoint, such as `spec.takers[1].endpoint`."""
    remote: EndpointIdentity
    secret: SecretKeyRef | None
    """The Secret that holds the key. The worker reads the key from a variable (`endpoints.key_variable`)."""
    env: str | None
    file: str | None
    concurrency: Integer
    requests_per_minute: Integer | None
    tokens_per_minute: Integer | None
    deadline_seconds: Integer
    attempt_seconds: Integer
    """Maximum seconds for one attempt of a request."""


class ResolvedSwarm(ResolvedBlock):
    """The size of a swarm, its limits, and the form of a position."""

    particles: int
    iterations: int
    patience: int
    per_layer: PerLayer | None = Field(None, exclude_if=lambda block: block is None)
    """The constants of coefficients per layer; None means one block of coefficients for all tensors."""
    exact: Exact | None = Field(None, exclude_if=lambda block: block is None)
    """The constants of exact sums; None means an elementwise sum."""
    rescored: bool = Field(False, exclude_if=lambda rescored: not rescored)
    """Whether personal bests are measured again in each iteration, because the other swarm has moved."""
    decay: float = Field(1.0, exclude_if=lambda decay: decay == 1)
    """The factor on an older score in every iteration. It is 1 if scores do not decay."""


class ResolvedRun(ResolvedBlock):
    """The resolved fields that every kind of run has. A program adds the fields of its kind."""

    kind: str
    """The kind of run, which identifies its program."""
    seed: Integer
    suspend: Flag
    storage: LocalStorage | S3Storage | None
    """The storage; None leaves the choice to the host. In a bucket, the prefix ends with the name of the run."""
    execution: Execution
    access: tuple[EndpointAccess, ...] = ()
    """The access to every endpoint of the run."""
    budget: Budget = Budget()

    @property
    def parts(self) -> tuple[PartUse, ...]:
        """The parts that the spec names, for kinds that do not search. They are part of the identity."""
        return ()


class ResolvedSpec(ResolvedRun):
    """A resolved search: of one swarm of generators, or of the first swarm of several."""

    base: BaseSpec
    generators: ResolvedGenerators
    domain: Line
    takers: tuple[ResolvedTaker | RemoteTaker, ...]
    """The takers. Their fields tell the two types apart."""
    generation: Generation
    answering: Answering
    prompts: Prompts | None = Field(None, exclude_if=lambda prompts: prompts is None)
    """The words that replace those of the template set; None keeps all of them."""
    judge: ResolvedVerifier | ResolvedJudge | ResolvedPanel
    """The judge. The fields tell the two types apart."""
    gates: tuple[Part, ...]
    """The gates, in the order in which items pass them."""
    objective: Part
    """The objective; of several objectives, their type."""
    weighted: ResolvedWeighted | None = Field(None, exclude_if=lambda block: block is None)
    """The terms of a weighted sum; None if the objective is none."""
    pareto: ResolvedPareto | None = Field(None, exclude_if=lambda block: block is None)
    """The objectives of a Pareto front; None if the objective is none."""
    reference: ReferenceData | None = Field(None, exclude_if=lambda data: data is None)
    """The reference set of the objective; None if it needs none."""
    corpus: CorpusData | None = Field(None, exclude_if=lambda data: data is None)
    """The corpus of the objective; None if it needs none."""
    swarm: ResolvedSwarm
    rule: StandardSpec | MultiObjectiveSpec | PublishedSpec | OptimizerBlock
    """The constants of the rule of a particle swarm or of another optimizer. The fields tell the types apart."""
    evaluation: Evaluation
    """The measurement of generators. Its rivals are in `rivals`, and its unseen takers in `unseen`."""
    rivals: tuple[Part, ...] = Field((), exclude_if=lambda rivals: not rivals)
    """The rivals of the search."""
    unseen: tuple[ResolvedTaker | RemoteTaker, ...] = Field((), exclude_if=lambda takers: not takers)
    """The takers that the search never asks."""
    resume_from: ResumeFrom | None = None
    """The iteration of another run to start from; None starts a new search."""

    @property
    def swarms(self) -> tuple[str, ...]:
        """The swarms that move, in the order of their turns."""
        return (GENERATORS,)

    @property
    def max_live_candidates(self) -> int:
        """The maximum number of candidates in one step, in addition to the takers. Servers are sized for them."""
        return max(4 * self.swarm.particles, self.evaluation.finalists, self.generators.count + 1)

    @property
    def wording(self) -> Wording:
        """What the prompts of the run have in common."""
        texts = DEFAULT_TEXTS if self.prompts is None else self.prompts.texts
        return Wording(self.base.template, self.domain, texts, self.generation.format)

    @property
    def has_local_takers(self) -> bool:
        """Whether the run serves any taker itself."""
        return any(isinstance(taker, ResolvedTaker) for taker in self.every_taker)

    @property
    def every_taker(self) -> tuple[ResolvedTaker | RemoteTaker, ...]:
        """The takers of the search, and those that it never asks."""
        return (*self.takers, *self.unseen)

    def for_swarm(self, swarm: str) -> "ResolvedSpec":
        """Return the search of one of the swarms of the run, in which that swarm is the generators."""
        assert swarm == GENERATORS
        return self

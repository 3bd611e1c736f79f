"""The generators the search starts from: trained on clusters of seed data, or given as adapters."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, Strict

from swarm_core.api.block import Block, Rule, RuleReason, union_member_rule
from swarm_core.api.scalars import Flag, Integer, Line, Number, Uri, to_integer


class EmbedderType(StrEnum):
    """The embedders."""

    TFIDF = "Tfidf"
    MODEL = "Model"


class EmbedderModel(Block):
    """An embedding model."""

    uri: Uri
    """Folder of the embedding model."""


class EmbedderSpec(Block):
    """How items become the vectors that are clustered."""

    type: EmbedderType = EmbedderType.TFIDF
    """Tfidf needs no model; Model is an embedding model."""
    model: EmbedderModel | None = None
    """The embedding model, with type Model."""

    rules: ClassVar[tuple[Rule["EmbedderSpec"], ...]] = (
        union_member_rule("model", "type", EmbedderType.MODEL, required=True),
    )


class KMeans(Block):
    """k-means clustering."""

    embedder: EmbedderSpec = EmbedderSpec()
    """How items become the vectors that are clustered."""


class ByField(Block):
    """Clusters that the data names itself."""

    name: Line = "cluster"
    """Field of each record that names its cluster; there are as many clusters as generators."""


class ClusteringType(StrEnum):
    """The ways to cluster."""

    KMEANS = "KMeans"
    FIELD = "Field"


class Clustering(Block):
    """How the seed data is split, one cluster per generator."""

    type: ClusteringType = ClusteringType.KMEANS
    """KMeans finds the clusters; Field reads them from the data."""
    kmeans: KMeans | None = None
    """Options of KMeans."""
    field: ByField | None = None
    """Options of Field."""

    rules: ClassVar[tuple[Rule["Clustering"], ...]] = (
        union_member_rule("kmeans", "type", ClusteringType.KMEANS),
        union_member_rule("field", "type", ClusteringType.FIELD),
    )


class Training(Block):
    """How one LoRA adapter is fine-tuned on its cluster."""

    rank: Integer = Field(16, ge=1, le=512)
    """Rank of the adapters."""
    alpha: Integer = Field(32, ge=1, le=4096)
    """Scaling of the adapters, as in LoRA: an adapter acts with alpha / rank."""
    target_modules: Annotated[tuple[Line, ...], Field(min_length=1, max_length=32)] = (
        "q_proj",
        "k_proj",
        "v_proj",
        "o_proj",
    )
    """Names of the linear layers that get an adapter."""
    pairs: Integer = Field(256, ge=1, le=100_000)
    """Self-instruct pairs drawn from the cluster: examples shown, examples wanted."""
    epochs: Integer = Field(5, ge=1, le=1000)
    """Passes over the pairs."""
    learning_rate: Number = Field(2e-4, gt=0, le=1)
    """Peak learning rate."""
    warmup_ratio: Number = Field(0.1, ge=0, le=1)
    """Share of the steps in which the learning rate rises to its peak."""
    max_length: Integer = Field(1024, ge=16, le=1_048_576)
    """Longest pair, in tokens."""
    batch_size: Integer = Field(8, ge=1, le=4096)
    """Pairs in one forward pass."""
    gradient_accumulation: Integer = Field(4, ge=1, le=4096)
    """Forward passes per step of the optimiser."""
    gradient_checkpointing: Flag = False
    """Whether activations are computed again in the backward pass, which saves memory and costs time."""


class SeedDataSource(Block):
    """Seed data."""

    uri: Uri
    """JSON Lines file of seed items, one record per line: a path, s3://BUCKET/KEY or hf://datasets/ORG/NAME@REVISION/PATH."""
    field: Line = "text"
    """Field of each record that holds the item."""
    held_out: Number = Field(0.1, ge=0, le=0.5)
    """Share of items kept from training and prompts; generated copies of them are rejected."""


class Generators(Block):
    """The generators that the swarm moves."""

    count: Annotated[int, Strict(), Field(ge=2, le=64), BeforeValidator(to_integer)] | None = None
    """How many generators the search starts from; absent, the number of adapters, or 4."""
    data: SeedDataSource
    """Seed data: what generators are trained on and shown as examples."""
    clustering: Clustering | None = None
    """How the seed data is split, one cluster per generator."""
    training: Training | None = None
    """How one LoRA adapter is fine-tuned on its cluster."""
    adapters: Annotated[tuple[Uri, ...], Field(min_length=2, max_length=64)] | None = None
    """Folders of PEFT adapters of the base to start from, instead of training."""

    rules: ClassVar[tuple[Rule[Any], ...]] = (
        Rule(
            "!has(self.adapters) || !(has(self.training) || has(self.clustering))",
            "adapters are generators trained already; remove them, or remove training and clustering",
            "adapters",
            lambda it: it.adapters is None or (it.training is None and it.clustering is None),
            reason=RuleReason.FORBIDDEN,
        ),
        Rule(
            "!has(self.adapters) || !has(self.count) || self.count == self.adapters.size()",
            "count is not the number of adapters; remove count",
            "count",
            lambda it: it.adapters is None or it.count is None or it.count == len(it.adapters),
        ),
    )

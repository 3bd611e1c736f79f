"""The initial generators of a search: trained on clusters of seed data, or given as adapters."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, Strict

from swarm_core.blocks.block import Block, Rule, RuleReason, union_member_rule
from swarm_core.blocks.data_source import DataSource
from swarm_core.blocks.scalars import Flag, Integer, Line, Number, Uri, to_integer


class EmbedderType(StrEnum):
    """The types of embedder."""

    TFIDF = "Tfidf"
    MODEL = "Model"


class EmbedderModel(Block):
    """An embedding model."""

    uri: Uri
    """Folder of the embedding model."""


class EmbedderSpec(Block):
    """The embedder, which turns items into vectors for clustering."""

    type: EmbedderType = EmbedderType.TFIDF
    """Type of the embedder: Tfidf needs no model, Model uses an embedding model."""
    model: EmbedderModel | None = None
    """Settings of type Model."""

    rules: ClassVar[tuple[Rule["EmbedderSpec"], ...]] = (
        union_member_rule("model", "type", EmbedderType.MODEL, required=True),
    )


class KMeans(Block):
    """k-means clustering."""

    embedder: EmbedderSpec = EmbedderSpec()
    """Embedder that turns items into vectors for clustering."""


class ByField(Block):
    """Clusters that the data names in a field."""

    name: Line = "cluster"
    """Field of each record that names its cluster. The data must have as many clusters as there are generators."""


class ClusteringType(StrEnum):
    """The ways to cluster."""

    KMEANS = "KMeans"
    FIELD = "Field"


class Clustering(Block):
    """The clustering of the seed data: one cluster per generator."""

    type: ClusteringType = ClusteringType.KMEANS
    """Type of clustering: KMeans computes the clusters, Field reads them from the data."""
    kmeans: KMeans | None = None
    """Settings of type KMeans."""
    field: ByField | None = None
    """Settings of type Field."""

    rules: ClassVar[tuple[Rule["Clustering"], ...]] = (
        union_member_rule("kmeans", "type", ClusteringType.KMEANS),
        union_member_rule("field", "type", ClusteringType.FIELD),
    )


class LoraTraining(Block):
    """The fine-tuning of one LoRA adapter."""

    rank: Integer = Field(16, ge=1, le=512)
    """LoRA rank of the adapters."""
    alpha: Integer = Field(32, ge=1, le=4096)
    """LoRA alpha. An adapter is scaled by alpha / rank."""
    target_modules: Annotated[tuple[Line, ...], Field(min_length=1, max_length=32)] = (
        "q_proj",
        "k_proj",
        "v_proj",
        "o_proj",
    )
    """Names of the linear layers to adapt."""
    epochs: Integer = Field(5, ge=1, le=1000)
    """Number of passes over the training pairs."""
    learning_rate: Number = Field(2e-4, gt=0, le=1)
    """Peak learning rate."""
    warmup_ratio: Number = Field(0.1, ge=0, le=1)
    """Share of the steps during which the learning rate rises to its peak."""
    max_length: Integer = Field(1024, ge=16, le=1_048_576)
    """Maximum length of a training pair, in tokens."""
    batch_size: Integer = Field(8, ge=1, le=4096)
    """Number of training pairs per forward pass."""
    gradient_accumulation: Integer = Field(4, ge=1, le=4096)
    """Number of forward passes per optimizer step."""
    gradient_checkpointing: Flag = False
    """Whether the backward pass recomputes activations. This saves memory and costs time."""


class Training(LoraTraining):
    """The fine-tuning of one LoRA adapter on its cluster."""

    pairs: Integer = Field(256, ge=1, le=100_000)
    """Number of training pairs that are drawn from the cluster. The prompt of a pair shows some examples, and its
    completion holds others."""


READER_REVISION = 2
"""The revision of the reader of seed data. The digest contains it. Raise it when any file gives other items."""


class SeedDataSource(DataSource):
    """The seed data: example items."""

    uri: Uri
    """File or folder with seed items, as JSON Lines, JSON, CSV, TSV or Parquet: a path, s3://BUCKET/KEY or
    hf://datasets/ORG/NAME@REVISION/PATH. JSON, CSV and TSV may be compressed by gzip, bzip2, xz or Zstandard."""
    split: Line | None = None
    """Split to read, of a JSON document or of a folder. If absent, the only one, or the one for training or
    validation. A test split is never read unless it is named here."""
    max_items: Integer = Field(20_000, ge=1, le=1_000_000)
    """Maximum number of items. Of a larger data set, a random sample is read. Clustering needs about 8 KB of memory
    per item."""
    held_out: Number = Field(0.1, ge=0, le=0.5)
    """Share of the items that are held out from training and prompts. Generated copies of held-out items are rejected.
    """


class ExampleSource(DataSource):
    """The items that prompts show as examples, apart from those that generators are trained on."""

    split: Line | None = None
    """Split to read, of a JSON document or of a folder. If absent, the only one, or the one for training or
    validation."""


class HeldOutSource(DataSource):
    """The held-out items, apart from those that generators are trained on."""

    split: Line | None = None
    """Split to read, of a JSON document or of a folder. If absent, the only one, or the one for training or
    validation."""
    max_items: Integer = Field(20_000, ge=1, le=1_000_000)
    """Maximum number of items. A larger data set is refused, because a sample would let copies pass."""

    is_shown: ClassVar[bool] = False


class OverlapPolicy(StrEnum):
    """What happens to items that two splits of the data have in common."""

    REFUSE = "Refuse"
    REMOVE = "Remove"
    ALLOW = "Allow"


class Generators(Block):
    """The initial generators, which the swarm combines."""

    count: Annotated[int, Strict(), Field(ge=2, le=64), BeforeValidator(to_integer)] | None = None
    """Number of initial generators. If absent, the number of adapters, or 4 if no adapters are given."""
    data: SeedDataSource
    """Seed data. Generators are trained on it, and prompts show items of it as examples."""
    examples: ExampleSource | None = None
    """Data that prompts show examples from. If absent, it is the seed data without the held-out items."""
    held_out: HeldOutSource | None = None
    """Data that is held out. If given, no share of the seed data is held out (data.heldOut)."""
    overlap: OverlapPolicy = OverlapPolicy.REFUSE
    """Policy for items that two splits of the data have in common: Refuse the run and show them, Remove them from the
    less important split, or Allow and count them. From the most important, the splits are test sets of gates, held-out
    items, reference set, examples, seed data and corpus."""
    clustering: Clustering | None = None
    """Clustering of the seed data. Each cluster trains one generator."""
    training: Training | None = None
    """Fine-tuning of the LoRA adapters."""
    adapters: Annotated[tuple[Uri, ...], Field(min_length=2, max_length=64)] | None = None
    """Folders of PEFT adapters of the base model. If given, the run starts from them and trains none."""

    rules: ClassVar[tuple[Rule[Any], ...]] = (
        Rule(
            "!has(self.adapters) || !(has(self.training) || has(self.clustering))",
            "adapters are generators that are already trained; remove adapters, or remove training and clustering",
            "adapters",
            lambda it: it.adapters is None or (it.training is None and it.clustering is None),
            reason=RuleReason.FORBIDDEN,
        ),
        Rule(
            "!has(self.adapters) || !has(self.count) || self.count == self.adapters.size()",
            "count differs from the number of adapters; remove count",
            "count",
            lambda it: it.adapters is None or it.count is None or it.count == len(it.adapters),
        ),
    )

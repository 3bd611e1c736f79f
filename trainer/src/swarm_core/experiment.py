"""The manifest of an experiment: every input by the digest of its content.

The manifest is the root of the chain of commits. It contains no path, so the same inputs give the same chain at any
place. The content of a model behind an endpoint is not visible, so the manifest has its URL and its name.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from swarm_core import format_version, recipe
from swarm_core.items import Item
from swarm_core.recipe import Digest, ModelName, Recipe, build_single, canonical_json
from swarm_core.swarm_names import TAKERS

SEED_DATA_VERSION = 2
"""The version of the stored format of `SeedData`. Version 2 stores items as records. Version 1 stored texts and had no
version field."""


@dataclass(frozen=True, slots=True)
class PinnedTaker:
    """A test taker that the run serves: a model, with or without an adapter."""

    name: str
    base: Digest
    adapter: Digest | None = None


@dataclass(frozen=True, slots=True)
class PinnedRemoteTaker:
    """A test taker behind an endpoint."""

    name: str
    url: str
    model: str
    parameters: str = ""
    """The parameters of its requests as canonical JSON; empty if there are none."""


@dataclass(frozen=True, slots=True)
class Adversary:
    """The pinned inputs of the takers that move."""

    data: Digest
    """The digest of their `SeedData`. Its held-out items show whether the takers improve."""
    adapters: tuple[Digest, ...] = ()
    """The digests of their adapters; empty if the run trains them."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """The inputs that the step `prepare` pinned."""

    digest: Digest
    """The experiment digest: that of the identity with every URI replaced by the digest of its content."""
    base: Digest
    takers: tuple[PinnedTaker | PinnedRemoteTaker, ...]
    data: Digest
    """The digest of the `SeedData`."""
    adapters: tuple[Digest, ...] = ()
    """The digests of the generators' adapters; empty if the run trains them."""
    adversary: Adversary | None = None
    """The takers that move; None if takers do not move."""
    reference: Digest | None = None
    """The digest of the reference set of the objective, stored as `SeedData` of one cluster; None if it needs none."""
    corpus: Digest | None = None
    """The digest of the corpus of the objective, stored in the same way; None if it needs none."""
    data_sets: Mapping[str, Digest] | None = None
    """The digests of the data sets of parts, stored in the same way, by the field of their URIs; None if there are
    none."""
    unseen: tuple[PinnedTaker | PinnedRemoteTaker, ...] | None = None
    """The takers that the search never asks; None if there are none."""
    student_test: Digest | None = None
    """The digest of the items that students are compared on, stored as `SeedData` of one cluster; None without one."""

    def to_bytes(self) -> bytes:
        """Return the manifest as JSON. A field that is None is left out."""
        fields = asdict(self)
        for taker in (*fields["takers"], *(fields["unseen"] or ())):
            if not taker.get("parameters", True):
                del taker["parameters"]
        return canonical_json({name: value for name, value in fields.items() if value is not None})

    def for_swarm(self, swarm: str) -> "Experiment":
        """Return the experiment with the data and the adapters of one of its swarms."""
        if swarm != TAKERS or self.adversary is None:
            return self
        return replace(self, data=self.adversary.data, adapters=self.adversary.adapters)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Experiment":
        fields = json.loads(data)
        takers = load_takers(fields.pop("takers"))
        unseen = load_takers(fields.pop("unseen")) if "unseen" in fields else None
        stored = fields.pop("adversary", None)
        adversary = Adversary(stored["data"], tuple(stored["adapters"])) if stored else None
        return cls(
            **{**fields, "adapters": tuple(fields["adapters"])}, takers=takers, adversary=adversary, unseen=unseen
        )

    @property
    def local_takers(self) -> tuple[PinnedTaker, ...]:
        """The takers that the run serves itself, and that the search asks."""
        return select_local(self.takers)

    @property
    def local_unseen(self) -> tuple[PinnedTaker, ...]:
        """The takers that the run serves itself, and that the search never asks."""
        return select_local(self.unseen or ())

    def taker_recipes(self, dtype: str) -> tuple[Recipe, ...]:
        """Return the recipes of the takers that the run serves itself, and that the search asks."""
        return tuple(build_recipe(taker, dtype) for taker in self.local_takers)

    def unseen_recipes(self, dtype: str) -> tuple[Recipe, ...]:
        """Return the recipes of the takers that the run serves itself, and that the search never asks."""
        return tuple(build_recipe(taker, dtype) for taker in self.local_unseen)

    def taker_models(self, dtype: str) -> tuple[tuple[str, ModelName], ...]:
        """Return the name of every taker of the search, and the model name for requests to it."""
        return tuple((taker.name, model_name(taker, dtype)) for taker in self.takers)

    def unseen_models(self, dtype: str) -> tuple[tuple[str, ModelName], ...]:
        """Return the name of every taker that the search never asks, and the model name for requests to it."""
        return tuple((taker.name, model_name(taker, dtype)) for taker in self.unseen or ())


def load_takers(stored: Iterable[Mapping[str, Any]]) -> tuple[PinnedTaker | PinnedRemoteTaker, ...]:
    """Load takers from the fields of a manifest."""
    return tuple(PinnedRemoteTaker(**one) if "url" in one else PinnedTaker(**one) for one in stored)


def select_local(takers: Iterable[PinnedTaker | PinnedRemoteTaker]) -> tuple[PinnedTaker, ...]:
    """Return the takers that the run serves itself."""
    return tuple(taker for taker in takers if isinstance(taker, PinnedTaker))


def build_recipe(taker: PinnedTaker, dtype: str) -> Recipe:
    """Return the recipe of a taker that the run serves."""
    return build_single(taker.base, taker.adapter, dtype)


def model_name(taker: PinnedTaker | PinnedRemoteTaker, dtype: str) -> ModelName:
    """Return the model name for requests to a taker."""
    if isinstance(taker, PinnedRemoteTaker):
        return recipe.remote_model_name(taker.url, taker.model, taker.parameters)
    return build_recipe(taker, dtype).name


@dataclass(frozen=True, slots=True)
class SeedData:
    """The seed items: those for training by cluster, those that are held out, and the examples in prompts."""

    clusters: tuple[tuple[Item, ...], ...]
    held_out: tuple[Item, ...]
    examples: tuple[Item, ...] = ()
    """The items that prompts show; empty if they are those for training."""

    @property
    def shown_items(self) -> tuple[Item, ...]:
        """The items that prompts draw examples from."""
        return self.examples or self.example_items

    @property
    def example_items(self) -> tuple[Item, ...]:
        """The items that generators are trained on: every item of the clusters."""
        return tuple(item for cluster in self.clusters for item in cluster)

    def to_bytes(self) -> bytes:
        fields = {
            format_version.FIELD: SEED_DATA_VERSION,
            "clusters": [[item.to_fields() for item in cluster] for cluster in self.clusters],
            "held_out": [item.to_fields() for item in self.held_out],
        }
        if self.examples:
            fields["examples"] = [item.to_fields() for item in self.examples]
        return canonical_json(fields)

    @classmethod
    def from_bytes(cls, data: bytes) -> "SeedData":
        """Return the data that `to_bytes` wrote. Raises UnknownVersionError for another format."""
        fields: dict[str, Any] = format_version.check(json.loads(data), "seed data", SEED_DATA_VERSION)
        clusters = tuple(tuple(map(Item.from_fields, cluster)) for cluster in fields["clusters"])
        held_out, examples = (tuple(map(Item.from_fields, fields.get(name, ()))) for name in ("held_out", "examples"))
        return cls(clusters, held_out, examples)

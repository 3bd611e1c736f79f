"""The experiment as prepared: every input by the digest of what it holds, none by where it was found.

The manifest is the root of the chain of commits. It names no path, so the same inputs give the same chain wherever they
lie. A model that somebody else serves has no contents to be seen: it is named by address and name.
"""

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from swarm_core import format_version, recipe
from swarm_core.items import Item
from swarm_core.recipe import Digest, ModelName, Recipe, build_single, canonical_json
from swarm_core.swarm_names import TAKERS

SEED_DATA_VERSION = 2
"""The version of the stored format of `SeedData`: 2 has items as records, 1 had texts and did not say its version."""


@dataclass(frozen=True, slots=True)
class PinnedTaker:
    """A test taker: a base, and perhaps an adapter on it."""

    name: str
    base: Digest
    adapter: Digest | None = None


@dataclass(frozen=True, slots=True)
class PinnedRemoteTaker:
    """A test taker that somebody else serves."""

    name: str
    url: str
    model: str


@dataclass(frozen=True, slots=True)
class Adversary:
    """The takers that move, as far as they are pinned."""

    data: Digest
    """The blob of their `SeedData`; what is held out of it is the truth about them."""
    adapters: tuple[Digest, ...] = ()
    """Where they were given rather than trained."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """What `prepare` pinned."""

    digest: Digest
    """The experimentDigest: identity fields with every URI replaced by a content digest."""
    base: Digest
    takers: tuple[PinnedTaker | PinnedRemoteTaker, ...]
    data: Digest
    """The blob of `SeedData`."""
    adapters: tuple[Digest, ...] = ()
    """The generators' adapters, where they were given rather than trained."""
    adversary: Adversary | None = None
    """Left out of the text where takers do not move."""

    def to_bytes(self) -> bytes:
        fields = asdict(self)
        return canonical_json({name: fields[name] for name in fields if name != "adversary" or self.adversary})

    def for_swarm(self, swarm: str) -> "Experiment":
        """The experiment as one of its swarms sees it: data and adapters are its own."""
        if swarm != TAKERS or self.adversary is None:
            return self
        return replace(self, data=self.adversary.data, adapters=self.adversary.adapters)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Experiment":
        fields = json.loads(data)
        takers = tuple(PinnedRemoteTaker(**one) if "url" in one else PinnedTaker(**one) for one in fields.pop("takers"))
        found = fields.pop("adversary", None)
        adversary = Adversary(found["data"], tuple(found["adapters"])) if found else None
        return cls(**{**fields, "adapters": tuple(fields["adapters"])}, takers=takers, adversary=adversary)

    @property
    def local_takers(self) -> tuple[PinnedTaker, ...]:
        """The takers that are served by the run itself."""
        return tuple(taker for taker in self.takers if isinstance(taker, PinnedTaker))

    def taker_recipes(self, dtype: str) -> tuple[Recipe, ...]:
        """The recipes of those takers that are served by the run itself."""
        return tuple(build_recipe(taker, dtype) for taker in self.local_takers)

    def taker_models(self, dtype: str) -> tuple[tuple[str, ModelName], ...]:
        """Every taker's name, and the name that a request to it gives."""
        return tuple((taker.name, model_name(taker, dtype)) for taker in self.takers)


def build_recipe(taker: PinnedTaker, dtype: str) -> Recipe:
    return build_single(taker.base, taker.adapter, dtype)


def model_name(taker: PinnedTaker | PinnedRemoteTaker, dtype: str) -> ModelName:
    if isinstance(taker, PinnedRemoteTaker):
        return recipe.remote_model_name(taker.url, taker.model)
    return build_recipe(taker, dtype).name


@dataclass(frozen=True, slots=True)
class SeedData:
    """The seed items: one tuple per cluster for training and prompts, and those kept from both."""

    clusters: tuple[tuple[Item, ...], ...]
    held_out: tuple[Item, ...]

    @property
    def example_items(self) -> tuple[Item, ...]:
        """What examples are drawn from: every item not held out."""
        return tuple(item for cluster in self.clusters for item in cluster)

    def to_bytes(self) -> bytes:
        fields = {
            format_version.FIELD: SEED_DATA_VERSION,
            "clusters": [[item.to_fields() for item in cluster] for cluster in self.clusters],
            "held_out": [item.to_fields() for item in self.held_out],
        }
        return canonical_json(fields)

    @classmethod
    def from_bytes(cls, data: bytes) -> "SeedData":
        """The data that `to_bytes` wrote. Raises UnknownVersionError for those of another format."""
        fields: dict[str, Any] = format_version.check(json.loads(data), "seed data", SEED_DATA_VERSION)
        clusters = tuple(tuple(map(Item.from_fields, cluster)) for cluster in fields["clusters"])
        return cls(clusters, tuple(map(Item.from_fields, fields["held_out"])))

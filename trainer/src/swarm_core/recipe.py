"""The recipe of a model: a base model and a weighted sum of adapters. The digest of the recipe is its name.

A particle, a generator, a test taker and the bare base model are all a `Recipe`. The name is known before the tensors
exist, so a server that answers under a name always uses these weights. Two recipes with the same name are equal.

Adapters are merged in one of two ways. Elementwise sums A and B separately, as published, so the change of the weights,
B A, is quadratic in the coefficients. Exact sums the changes themselves, so it is linear.

Limits: it does not say where tensors are, nor how a sum is computed in memory (`swarm_trainer.lora`).
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, NewType

Digest = NewType("Digest", str)
"""The sha256 of some bytes: 64 lower-case hexadecimal digits."""

ModelName = NewType("ModelName", str)
"""The digest of a recipe. Requests use it as the name of the model."""


def digest_bytes(data: bytes) -> Digest:
    """Return the sha256 of `data`."""
    return Digest(hashlib.sha256(data).hexdigest())


def canonical_json(value: object) -> bytes:
    """`value` as canonical JSON: sorted keys, no spaces, UTF-8. Raises ValueError for NaN and infinity."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


class Merge(StrEnum):
    """The ways to merge the adapters of a basis into one."""

    ELEMENTWISE = "Elementwise"
    """A = sum_k c_k A_k and B = sum_k c_k B_k: the rank stays that of an adapter."""
    EXACT = "Exact"
    """B A = sum_k c_k B_k A_k: the ranks add up."""


@dataclass(frozen=True, slots=True)
class TensorGroup:
    """The coefficients of the tensors whose names start with one of `prefixes`. No prefix means every tensor."""

    coefficients: tuple[float, ...]
    """One coefficient per adapter of the basis, in its order."""
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recipe:
    """`base` plus, for every tensor group, the adapters merged by its coefficients. Without adapters, the base
    itself."""

    base: Digest
    """The digest of the base model's files."""
    basis: tuple[Digest, ...] = ()
    """The digests of the adapters. The basis is append-only within a run."""
    groups: tuple[TensorGroup, ...] = ()
    dtype: str = "float32"
    """The number format of the result. The sum is computed in float32 and then cast."""
    merge: Merge = Merge.ELEMENTWISE
    max_rank: int | None = None
    """The maximum rank of an Exact merge. A sum with a higher rank is truncated, layer by layer, to the nearest sum
    with this rank. None: no truncation."""

    def __post_init__(self) -> None:
        """Raises ValueError for coefficients that do not match the basis, and for a max_rank that is invalid or
        unused."""
        if self.max_rank is not None and self.merge is not Merge.EXACT:
            raise ValueError(f"max_rank {self.max_rank}: only an Exact merge has a maximum rank; leave it out")
        if self.max_rank is not None and self.max_rank < 1:
            raise ValueError(f"max_rank {self.max_rank}: it must be at least 1")
        for group in self.groups:
            if len(group.coefficients) != len(self.basis):
                raise ValueError(
                    f"{len(group.coefficients)} coefficients for a basis of {len(self.basis)} adapters; give one each"
                )

    @property
    def name(self) -> ModelName:
        """sha256 over base, basis, groups and dtype, and over the merge unless it is Elementwise.

        JSON writes floats as the shortest decimal that reads back exactly.
        """
        groups = [[list(group.prefixes), list(group.coefficients)] for group in self.groups]
        parts: list[object] = [self.base, list(self.basis), groups, self.dtype]
        if self.merge is not Merge.ELEMENTWISE:
            parts.append([self.merge, self.max_rank])
        return ModelName(digest_bytes(canonical_json(parts)))

    def to_bytes(self) -> bytes:
        """Return every field as canonical JSON. Floats keep their bits, so `from_bytes` gives a recipe with the
        same name."""
        return canonical_json(asdict(self))

    @classmethod
    def from_bytes(cls, data: bytes) -> "Recipe":
        """Return the recipe that `to_bytes` wrote. Raises ValueError for any other data."""
        try:
            fields = _lists_to_tuples(json.loads(data))
            groups = tuple(TensorGroup(**_lists_to_tuples(group)) for group in fields["groups"])
            return cls(**{**fields, "groups": groups, "merge": Merge(fields["merge"])})
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"not a recipe: {data[:80]!r}") from error


def _lists_to_tuples(fields: dict[str, Any]) -> dict[str, Any]:
    """`fields` with JSON lists converted back to tuples."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}


def build_single(base: Digest, adapter: Digest | None = None, dtype: str = "float32") -> Recipe:
    """Return the recipe of one adapter with coefficient 1, or of the bare base model."""
    if adapter is None:
        return Recipe(base, dtype=dtype)
    return Recipe(base, (adapter,), (TensorGroup((1.0,)),), dtype)


def build_mixture(
    base: Digest, basis: Sequence[Digest], coefficients: Sequence[float], dtype: str = "float32"
) -> Recipe:
    """Return the recipe of an elementwise sum over the whole basis, with the same coefficients for every tensor."""
    return Recipe(base, tuple(basis), (TensorGroup(tuple(coefficients)),), dtype)


def remote_model_name(url: str, model: str, parameters: str = "") -> ModelName:
    """Return the name of a model behind an endpoint: a digest of its URL, its name and the parameters of its requests,
    because its weights are not visible."""
    parts = ["endpoint", url, model, *([parameters] if parameters else [])]
    return ModelName(digest_bytes(canonical_json(parts)))

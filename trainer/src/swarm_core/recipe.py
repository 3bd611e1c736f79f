"""A model as data: one base and a weighted sum of adapters, named by the digest of exactly that.

A particle, a generator, a test taker and the bare base are all a `Recipe`. Its name is known before its tensors exist,
so a server that answers to a name can never answer from other weights. Two recipes with one name are equal.

Adapters are merged in one of two ways. Elementwise sums A and B apart, as published, so the change of the weights, B A,
is quadratic in the coefficients. Exact sums the changes themselves, so it is linear.

Limits: says nothing of where tensors are, nor of how a sum is formed in memory (`swarm_trainer.lora.combine`).
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, NewType

Digest = NewType("Digest", str)
"""The sha256 of some bytes: 64 lower-case hexadecimal digits, nothing else."""

ModelName = NewType("ModelName", str)
"""The digest of a recipe, and what a request names."""


def digest_bytes(data: bytes) -> Digest:
    return Digest(hashlib.sha256(data).hexdigest())


def canonical_json(value: object) -> bytes:
    """`value` as the one JSON text that is hashed: sorted keys, no spaces, no NaN, UTF-8. Raises ValueError on NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


class Merge(StrEnum):
    """How the adapters of a basis become one."""

    ELEMENTWISE = "Elementwise"
    """A = sum_k c_k A_k and B = sum_k c_k B_k: the rank stays that of an adapter."""
    EXACT = "Exact"
    """B A = sum_k c_k B_k A_k: the ranks add up."""


@dataclass(frozen=True, slots=True)
class TensorGroup:
    """The coefficients of the tensors whose name starts with one of `prefixes`; no prefix means every tensor."""

    coefficients: tuple[float, ...]
    """One per adapter of the basis, in its order."""
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recipe:
    """`base` plus, for every tensor group, its adapters merged by its coefficients. No adapters: the base itself."""

    base: Digest
    """The digest of the base model's files."""
    basis: tuple[Digest, ...] = ()
    """The digests of the adapters summed; append-only within a run."""
    groups: tuple[TensorGroup, ...] = ()
    dtype: str = "float32"
    """What the sum, formed in float32, is cast to."""
    merge: Merge = Merge.ELEMENTWISE
    max_rank: int | None = None
    """Exact only: a sum of a higher rank is cut to the nearest one of this rank, layer by layer. None: never."""

    def __post_init__(self) -> None:
        """Raises ValueError for coefficients that do not match the basis, and for a rank that would act on nothing."""
        if self.max_rank is not None and self.merge is not Merge.EXACT:
            raise ValueError(f"max_rank {self.max_rank}: only an Exact merge has a rank to cut; leave it out")
        if self.max_rank is not None and self.max_rank < 1:
            raise ValueError(f"max_rank {self.max_rank}: a rank is 1 at least")
        for group in self.groups:
            if len(group.coefficients) != len(self.basis):
                raise ValueError(f"{len(group.coefficients)} coefficients for a basis of {len(self.basis)} adapters")

    @property
    def name(self) -> ModelName:
        """sha256 over base, basis, groups and dtype, and over the merge unless it is Elementwise.

        Floats count by their shortest exact decimal, which JSON keeps.
        """
        groups = [[list(group.prefixes), list(group.coefficients)] for group in self.groups]
        parts: list[object] = [self.base, list(self.basis), groups, self.dtype]
        if self.merge is not Merge.ELEMENTWISE:
            parts.append([self.merge, self.max_rank])
        return ModelName(digest_bytes(canonical_json(parts)))

    def to_bytes(self) -> bytes:
        """Every field as canonical JSON. Floats keep their bits, so what is read back has the same name."""
        return canonical_json(asdict(self))

    @classmethod
    def from_bytes(cls, data: bytes) -> "Recipe":
        """Raises ValueError for anything that `to_bytes` did not write."""
        try:
            fields = _lists_to_tuples(json.loads(data))
            groups = tuple(TensorGroup(**_lists_to_tuples(group)) for group in fields["groups"])
            return cls(**{**fields, "groups": groups, "merge": Merge(fields["merge"])})
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"not a recipe: {data[:80]!r}") from error


def _lists_to_tuples(fields: dict[str, Any]) -> dict[str, Any]:
    """JSON lists as the tuples they were."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}


def build_single(base: Digest, adapter: Digest | None = None, dtype: str = "float32") -> Recipe:
    """The recipe of one adapter as it is, or of the bare base."""
    if adapter is None:
        return Recipe(base, dtype=dtype)
    return Recipe(base, (adapter,), (TensorGroup((1.0,)),), dtype)


def build_mixture(
    base: Digest, basis: Sequence[Digest], coefficients: Sequence[float], dtype: str = "float32"
) -> Recipe:
    """The recipe of one elementwise sum over the whole basis, the same for every tensor."""
    return Recipe(base, tuple(basis), (TensorGroup(tuple(coefficients)),), dtype)


def remote_model_name(url: str, model: str) -> ModelName:
    """The name of a model that somebody else serves: of who is asked for what, since its weights are out of sight."""
    return ModelName(digest_bytes(canonical_json(["endpoint", url, model])))

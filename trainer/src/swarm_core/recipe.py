"""A model as data: one base and a weighted sum of adapters, named by the digest of exactly that.

A particle, a generator, a test taker and the bare base are all a `Recipe`. Its name is known before its tensors exist,
so a server that answers to a name can never answer from other weights. Two recipes with one name are equal.

Limits: says nothing of where tensors are, nor of how a sum is formed in memory (`swarm_trainer.lora.combine`).
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
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


@dataclass(frozen=True, slots=True)
class Group:
    """The coefficients of the tensors whose name starts with one of `prefixes`; no prefix means every tensor."""

    coefficients: tuple[float, ...]
    """One per adapter of the basis, in its order."""
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recipe:
    """`base` plus, for every tensor group, sum_k coefficients[k] * basis[k]. No adapters: the base itself."""

    base: Digest
    """The digest of the base model's files."""
    basis: tuple[Digest, ...] = ()
    """The digests of the adapters summed; append-only within a run."""
    groups: tuple[Group, ...] = ()
    dtype: str = "float32"
    """What the sum, formed in float32, is cast to."""

    def __post_init__(self) -> None:
        for group in self.groups:
            if len(group.coefficients) != len(self.basis):
                raise ValueError(f"{len(group.coefficients)} coefficients for a basis of {len(self.basis)} adapters")

    @property
    def name(self) -> ModelName:
        """sha256 over base, basis, groups and dtype; floats by their shortest exact decimal, which JSON keeps."""
        groups = [[list(group.prefixes), list(group.coefficients)] for group in self.groups]
        return ModelName(digest_bytes(canonical_json([self.base, list(self.basis), groups, self.dtype])))

    def to_bytes(self) -> bytes:
        """Every field as canonical JSON. Floats keep their bits, so what is read back has the same name."""
        return canonical_json(asdict(self))

    @classmethod
    def from_bytes(cls, data: bytes) -> "Recipe":
        """Raises ValueError for anything that `to_bytes` did not write."""
        try:
            fields = _frozen(json.loads(data))
            return cls(**{**fields, "groups": tuple(Group(**_frozen(group)) for group in fields["groups"])})
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"not a recipe: {data[:80]!r}") from error


def _frozen(fields: dict[str, Any]) -> dict[str, Any]:
    """JSON lists as the tuples they were."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}


def single(base: Digest, adapter: Digest | None = None, dtype: str = "float32") -> Recipe:
    """The recipe of one adapter as it is, or of the bare base."""
    if adapter is None:
        return Recipe(base, dtype=dtype)
    return Recipe(base, (adapter,), (Group((1.0,)),), dtype)


def mixture(base: Digest, basis: Sequence[Digest], coefficients: Sequence[float], dtype: str = "float32") -> Recipe:
    """The recipe of one weighted sum over the whole basis, the same for every tensor."""
    return Recipe(base, tuple(basis), (Group(tuple(coefficients)),), dtype)

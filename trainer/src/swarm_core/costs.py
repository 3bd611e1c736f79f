"""Estimates what a search costs at most: tokens, hours of an accelerator, memory and disk. Pure.

Every figure is a limit that follows from the spec and from the sizes of its models. A search that ends early, gates
that accept, and short texts cost less.

Limits: memory is what weights, keys and values, and adapters need. Activations, and the memory that an engine reserves,
come on top. Time is that of writing tokens; reading prompts, loading models and training are not in it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

SECONDS_PER_HOUR = 3600
BYTES_PER_NUMBER = {"float32": 4, "bfloat16": 2, "float16": 2}
BYTES_PER_TOKEN = 4
"""Bytes of text that a token is assumed to stand for."""
ASSUMED_RATE = 1000.0
"""Tokens per second that are assumed where nobody has measured a rate. It is a round number and no claim."""


@dataclass(frozen=True, slots=True)
class Writer:
    """The requests to models of one role."""

    requests: int
    """The most requests."""
    tokens: int
    """The most tokens of a reply, with its thinking."""

    @property
    def written(self) -> int:
        """The most tokens that are written."""
        return self.requests * self.tokens


@dataclass(frozen=True, slots=True)
class ModelSize:
    """The sizes of a model that its files state."""

    parameters: int
    """The numbers in its weights."""
    stored_bytes: int
    """The bytes of its weights as they are stored."""
    cached_numbers: int | None
    """The numbers that are kept for each token as keys and values; None if the configuration does not say."""
    widths: tuple[tuple[str, int], ...]
    """The sum of inputs and outputs of each matrix of weights, by the last component of its module's name."""


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """The bytes that one copy of a model needs on its accelerators."""

    weights: int
    cache: int | None
    """Keys and values of all texts at one time, each of the maximum length; None if that is not known."""
    adapters: int | None
    """All adapters that are live at one time; None if their size is not known."""


def limit_read_tokens(writers: Iterable[Writer], max_model_len: int) -> int:
    """Return the most tokens of prompts: a prompt and its reply have at most `max_model_len` together."""
    return sum(writer.requests * max(0, max_model_len - writer.tokens) for writer in writers)


def estimate_hours(tokens: int, tokens_per_second: float) -> float:
    """Return the hours that writing `tokens` takes at a rate of `tokens_per_second`, which must be above 0."""
    return tokens / tokens_per_second / SECONDS_PER_HOUR


def count_adapter_numbers(size: ModelSize, rank: int, target_modules: Iterable[str]) -> int:
    """Return the numbers in an adapter of `rank`: for each adapted matrix, A [rank, in] and B [out, rank]."""
    targets = set(target_modules)
    return rank * sum(width for name, width in size.widths if name in targets)


def estimate_memory(
    size: ModelSize, dtype: str, texts: int, max_model_len: int, adapters: int, adapter_numbers: int | None
) -> MemoryNeed:
    """Return the memory that a model needs with `texts` at one time, and `adapters` of `adapter_numbers` each."""
    width = BYTES_PER_NUMBER[dtype]
    return MemoryNeed(
        weights=size.parameters * width,
        cache=None if size.cached_numbers is None else size.cached_numbers * width * texts * max_model_len,
        adapters=None if adapter_numbers is None else adapter_numbers * width * adapters,
    )

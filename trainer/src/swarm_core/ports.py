"""The needs of the core, as small protocols. Hosts bring the adapters; tests bring fakes written with them.

A port is named after the need and keeps to five methods. Errors are ours and chained from the library's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from swarm_core.items import Item
from swarm_core.objectives.scores import Score
from swarm_core.recipe import Digest, ModelName, Recipe


class StoreError(Exception):
    """The store cannot do what was asked; the message names the object, the rule and the way out."""


class CorruptError(StoreError):
    """Stored bytes are not the ones their digest names."""


class RefusedError(StoreError):
    """The store will say no however often it is asked; something has to be changed first."""


class ArtifactStore(Protocol):
    """Write-once artefacts named by digest, write-once names, and one pointer moved by compare-and-swap."""

    def put(self, source: Path | bytes) -> Digest:
        """Keep these bytes for ever; return their digest. Doing it again is free."""
        ...

    def get(self, digest: Digest) -> Path:
        """A local file that holds exactly the bytes of `digest`. Raises CorruptError, or StoreError if absent."""
        ...

    def publish(self, key: str, data: bytes) -> bytes:
        """Give the write-once name `key` to `data` and return what stands there: the first writer's bytes win."""
        ...

    def read(self, key: str) -> bytes | None:
        """What stands at `key`, or None."""
        ...

    def swap(self, key: str, expected: bytes | None, data: bytes) -> bool:
        """Move the pointer `key` from `expected` (None: absent) to `data`; False if another value stands there."""
        ...


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a conversation that the model did not have: the request states what was said."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """One text to complete. The answer depends on these fields alone, never on the other requests of a call.

    Engines answer a request whose fields contradict each other with a RequestFailure that names the field.
    """

    model: ModelName
    prompt: str
    max_tokens: int
    temperature: float
    seed: int
    """Seeds the sampling of this request. It has no effect at temperature 0."""
    stop: tuple[str, ...] = ()
    """Generation ends before the first of these."""
    chat: bool = False
    """Whether `prompt` is the last user turn for the model's chat template. Otherwise the model continues it as is."""
    system: str | None = None
    """The system message before all turns. It needs `chat`."""
    turns: tuple[Turn, ...] = ()
    """The turns before `prompt`, oldest first. They need `chat`."""
    top_p: float = 1.0
    """Nucleus sampling (arXiv 1904.09751), in (0, 1]: sampling takes the likeliest tokens whose probabilities sum to at
    least this. 1 samples from all tokens. It has no effect at temperature 0."""
    n: int = 1
    """Number of texts, each sampled with a seed of its own. The first is the text that the request has with n = 1."""
    logprobs: int | None = None
    """Asks for the log-probability of every generated token and of this many of the likeliest tokens beside it."""


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A generated token and its natural log-probability under the model, before temperature and `top_p`."""

    token: str
    """The token decoded alone. Some tokenizers drop a leading space here."""
    logprob: float
    """At most 0."""
    top: tuple[tuple[str, float], ...] = ()
    """The likeliest tokens in its place and their log-probabilities, likeliest first; at most `Request.logprobs`."""


@dataclass(frozen=True, slots=True)
class Completion:
    """The text that a model generated."""

    text: str
    tokens: int
    """Tokens generated for `text` and all alternatives, end tokens included."""
    finished: bool
    """Whether `text` and all alternatives ended by themselves or at a stop. False if one was cut at `max_tokens`."""
    alternatives: tuple[str, ...] = ()
    """The further texts of a request with n > 1: n - 1 of them, in the order of their seeds."""
    logprobs: tuple[TokenLogprob, ...] | None = None
    """One entry per token of `text` as generated, a matched stop included. Remote servers may omit the end token. None
    if the request did not ask."""


@dataclass(frozen=True, slots=True)
class RequestFailure:
    """A request that brought nothing, and why. Never an empty completion."""

    message: str


class InferenceError(Exception):
    """The engine as a whole cannot serve: wrong base, adapter that does not fit, no memory."""


class Inference(Protocol):
    """Completes texts with many adapters of the models it was given."""

    def serve(self, live: Sequence[Recipe]) -> None:
        """Make exactly these recipes answerable by name; others may be forgotten. Raises InferenceError."""
        ...

    def complete(self, requests: Sequence[Request]) -> list[Completion | RequestFailure]:
        """One result per request, in order. Raises InferenceError only when nothing can be answered at all."""
        ...

    def close(self) -> None:
        """Give back memory and processes. Safe to call twice."""
        ...


Reply = Completion | RequestFailure
"""What came of one request."""


class Judge(Protocol):
    """Says whether an item can be judged, and how well it was answered. A program makes no requests."""

    def refusal(self, item: Item) -> str | None:
        """Why `item` cannot be judged, in words, as far as that is known without asking anybody; None if it can."""
        ...

    def requests(self, item: Item, answer: str) -> tuple[Request, ...]:
        """What has to be asked before `answer` can be scored; nothing where a program can tell."""
        ...

    def score(self, item: Item, answer: str, replies: Sequence[Reply]) -> Score:
        """The score of `answer`, with what came of `requests`, in their order; `Unscored` when it cannot be told."""
        ...


@runtime_checkable
class Solver(Protocol):
    """A judge that can answer by itself: what takers are trained on."""

    def solution(self, item: Item) -> str | None:
        """The right answer in its shortest form; None if `item` has none."""
        ...


@dataclass(frozen=True, slots=True)
class Undecided:
    """The absence of a gate's verdict, and why: it could not be asked, or its reply could not be read."""

    reason: str


class Gate(Protocol):
    """Admits or rejects items before they count. One that holds what it has admitted serves one measurement.

    It remembers nothing but what it admits, so all items may pass one gate before any meets the next.
    """

    @property
    def name(self) -> str:
        """What its rejections are counted under."""
        ...

    def requests(self, item: Item) -> tuple[Request, ...]:
        """What has to be asked before `item` can be admitted; nothing where a program can tell."""
        ...

    def refusal(self, item: Item, replies: Sequence[Reply]) -> str | Undecided | None:
        """Why `item` is rejected, in words, with what came of `requests`; None admits it.

        `Undecided` where nobody can tell: the item counts as lost, to nobody's gain.
        """
        ...

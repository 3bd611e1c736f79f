"""The ports of the core: small protocols that hosts implement, and tests implement with fakes.

A port is named after what the core needs and has at most five methods. An implementation raises the errors of this
module and chains those of its libraries.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from swarm_core.items import Item
from swarm_core.objectives.scores import Score, UnscoredReason
from swarm_core.recipe import Digest, ModelName, Recipe


class StoreError(Exception):
    """The store cannot perform an operation. The message names the object, the rule and the way out."""


class CorruptError(StoreError):
    """Stored bytes do not match their digest."""


class RefusedError(StoreError):
    """The store refuses an operation, and a retry cannot succeed until something is changed."""


class ArtifactStore(Protocol):
    """A store of artifacts by digest and of write-once names, with pointers that move by compare-and-swap."""

    def put(self, source: Path | bytes) -> Digest:
        """Store these bytes permanently and return their digest. A repetition has no effect."""
        ...

    def get(self, digest: Digest) -> Path:
        """Return a local file with exactly the bytes of `digest`. Raises CorruptError, or StoreError if they are
        absent."""
        ...

    def publish(self, key: str, data: bytes) -> bytes:
        """Store `data` under the write-once name `key` and return its bytes, which are those of the first writer."""
        ...

    def read(self, key: str) -> bytes | None:
        """Return the bytes at `key`; None if there are none."""
        ...

    def swap(self, key: str, expected: bytes | None, data: bytes) -> bool:
        """Move the pointer `key` from `expected` (None: absent) to `data`. Return False if it has another value."""
        ...


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier turn of a conversation, which the request supplies."""

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
    thinks: bool = False
    """Whether the model may think before it answers. If not, chat templates that have a switch are told so. Remote
    endpoints have no common switch; their specs have `extraBody`."""
    reply_schema: str | None = None
    """The JSON schema that the text should meet, as JSON. An engine that cannot enforce it ignores it."""
    answer: str | None = None
    """The answer to `prompt` that a classifier labels together with it. No other model takes it."""


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
    """The answer. Engines may leave the thinking of the model in it, between its tags (`text.thinking`)."""
    tokens: int
    """Tokens generated for `text` and all alternatives, thinking and end tokens included."""
    finished: bool
    """Whether `text` and all alternatives ended by themselves or at a stop. False if one was cut at `max_tokens`."""
    alternatives: tuple[str, ...] = ()
    """The further texts of a request with n > 1: n - 1 of them, in the order of their seeds."""
    logprobs: tuple[TokenLogprob, ...] | None = None
    """One entry per token of `text` as generated, a matched stop included. Remote servers may omit the end token. None
    if the request did not ask."""
    thinking: str = ""
    """What the model thought before the answer, as far as it is apart from `text`."""
    thinking_tokens: int = 0
    """The part of `tokens` that is thinking, if the server tells it."""
    labels: tuple[tuple[str, float], ...] | None = None
    """The labels of a classifier, each with its value, in the classifier's own order (`swarm_core.classification`).
    None from a model that generates."""


@dataclass(frozen=True, slots=True)
class RequestFailure:
    """The failure of a request, with its reason. It is never an empty completion."""

    message: str
    reason: UnscoredReason = UnscoredReason.UNAVAILABLE
    """REFUSED or UNREADABLE if this one request fails each time. UNAVAILABLE if it may succeed later."""


class InferenceError(Exception):
    """The engine as a whole cannot serve: wrong base model, an adapter that does not fit, not enough memory, or an
    outage."""


class Inference(Protocol):
    """An inference engine, which completes texts with many adapters of its models."""

    def serve(self, live: Sequence[Recipe]) -> None:
        """Serve exactly these recipes by name. Other recipes may be unloaded. Raises InferenceError."""
        ...

    def complete(self, requests: Sequence[Request]) -> list[Completion | RequestFailure]:
        """Return one result per request, in order. Raises InferenceError only when nothing can be answered at all."""
        ...

    def close(self) -> None:
        """Release memory and processes. It is safe to call it twice."""
        ...


Reply = Completion | RequestFailure
"""The result of one request."""


class Judge(Protocol):
    """A judge, which scores answers to items. A judge that is a program makes no requests."""

    def refusal(self, item: Item) -> str | None:
        """Return the reason why `item` cannot be judged, as far as it is known without a request; None if it can be
        judged."""
        ...

    def requests(self, item: Item, answer: str) -> tuple[Request, ...]:
        """Return the requests that are needed to score `answer`; empty if none are needed."""
        ...

    def score(self, item: Item, answer: str, replies: Sequence[Reply]) -> Score:
        """Return the score of `answer`, given the replies to `requests` in their order; `Unscored` if there is no
        score."""
        ...


@runtime_checkable
class Solver(Protocol):
    """A judge that can compute answers. Takers are trained on them."""

    def solution(self, item: Item) -> str | None:
        """Return the correct answer in its shortest form; None if `item` has none."""
        ...


@runtime_checkable
class PanelOfJudges(Protocol):
    """A judge that combines several judges. Their scores are stored beside the combined one."""

    def opinions(self, item: Item, answer: str, replies: Sequence[Reply]) -> tuple[Score, ...]:
        """Return the score that each member gives `answer`, in the order of the members."""
        ...


@runtime_checkable
class Canonicalizer(Protocol):
    """A judge that recognizes two spellings of one item."""

    def canonical(self, item: Item) -> str | None:
        """Return a text that all spellings of `item` share, and no other item; None if the judge refuses `item`."""
        ...


@runtime_checkable
class Describer(Protocol):
    """A judge that can read features off an item, such as its topic. Archives and reports sort items by them."""

    def describe(self, item: Item) -> Mapping[str, str | int] | None:
        """Return the features of `item` by name, the same names for every item; None if the judge refuses `item`."""
        ...


@dataclass(frozen=True, slots=True)
class Undecided:
    """A missing verdict of a gate: the request failed, or the reply could not be parsed."""

    reason: str


@runtime_checkable
class MeasuringGate(Protocol):
    """A gate that measures something of the items that it admits. The value is stored beside the item."""

    def measure(self, item: Item, replies: Sequence[Reply]) -> float | None:
        """Return the value of an item that `refusal` admitted with these replies; None if there is none."""
        ...


class Gate(Protocol):
    """A gate, which admits or rejects items. A gate that remembers items is used for only one measurement.

    It remembers only items that it admitted, so all items may pass one gate before any passes the next.
    """

    @property
    def name(self) -> str:
        """The name under which its rejections are counted."""
        ...

    def requests(self, item: Item) -> tuple[Request, ...]:
        """Return the requests that are needed to decide about `item`; empty if none are needed."""
        ...

    def refusal(self, item: Item, replies: Sequence[Reply]) -> str | Undecided | None:
        """Return the reason why `item` is rejected, given the replies to `requests`; None admits it.

        `Undecided` if the gate cannot decide. Then the item costs as much as a rejected one, and is counted apart.
        """
        ...

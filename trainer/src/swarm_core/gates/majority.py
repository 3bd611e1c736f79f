"""Verdicts of a model about an item, and their majority.

A model that is asked once decodes greedily. With `Votes`, it is asked several times with sampling, and the majority of
the verdicts decides (self-consistency, arXiv 2203.11171). A reply without a verdict is no vote. Too few votes and a tie
decide nothing: the item costs as much as a rejected one. The share of the votes for an admitted item is stored beside
it, and a rejection says how many voted for it.

Limits: the votes of one model err together.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from pydantic import Field

from swarm_core.blocks.block import Block, Rule
from swarm_core.blocks.endpoints import EndpointSpec
from swarm_core.blocks.scalars import Integer, Limit, Number
from swarm_core.blocks.settings import Settings
from swarm_core.errors import BadInputError
from swarm_core.model_verdicts import format_excerpt
from swarm_core.ports import Completion, Reply, Request, RequestFailure, Undecided
from swarm_core.recipe import ModelName

SAMPLED = ("seed", "temperature")
"""The fields of a request that make votes differ."""


class Votes(Block):
    """Several verdicts about each item, of which the majority decides."""

    count: Integer = Field(5, ge=2, le=64)
    """Number of verdicts that the model is asked for."""
    at_least: Limit | None = None
    """Minimum number of verdicts that must be given. With fewer, the item is undecided, and costs as much as a rejected
    one. If absent, more than half of count."""
    temperature: Number = Field(0.7, gt=0, le=2)
    """Sampling temperature of the verdicts."""

    rules: ClassVar[tuple[Rule["Votes"], ...]] = (
        Rule(
            "!has(self.atLeast) || self.atLeast <= self.count",
            "atLeast is above count; lower atLeast, or raise count",
            "atLeast",
            lambda it: it.at_least is None or it.at_least <= it.count,
        ),
    )

    @property
    def needed(self) -> int:
        """The minimum number of verdicts."""
        return self.count // 2 + 1 if self.at_least is None else self.at_least


def differs(endpoint: EndpointSpec | None, votes: Votes | None) -> bool:
    """Return whether the verdicts of an endpoint can differ: it takes a seed and a temperature, or is asked once."""
    return votes is None or endpoint is None or not set(SAMPLED) & set(endpoint.omit)


VOTES_RULE: Rule[Any] = Rule(
    "!has(self.votes) || !has(self.endpoint) || !has(self.endpoint.omit)"
    " || !self.endpoint.omit.exists(f, f == 'seed' || f == 'temperature')",
    "votes of one model differ by seed and temperature; remove seed and temperature from omit, or remove votes",
    "votes",
    lambda it: differs(it.endpoint, it.votes),
)
"""A rule of settings that have `endpoint` and `votes`."""


def build_counterexamples(settings: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return settings that break one rule about votes each, by its message. `settings`: valid ones with an endpoint."""
    deaf = {**settings["endpoint"], "omit": ["seed"]}
    return {
        Votes.rules[0].message: {**settings, "votes": {"count": 2, "atLeast": 3}},
        VOTES_RULE.message: {**settings, "endpoint": deaf, "votes": {}},
    }


class VerdictSettings(Settings):
    """The model that is asked for verdicts. It decodes greedily, unless it is asked for votes."""

    endpoint: EndpointSpec | None = None
    """Endpoint of the model. If absent, the model of the judge is asked."""
    max_tokens: Integer = Field(256, ge=1, le=1_048_576)
    """Maximum length of a verdict, in tokens, without thinking. An item whose verdict is cut off is undecided, and
    costs as much as a rejected one."""
    thinking_tokens: Integer = Field(0, ge=0, le=1_048_576)
    """Tokens that the model may think, in addition to maxTokens."""
    votes: Votes | None = None
    """Several verdicts, of which the majority decides. If absent, the model is asked once."""

    rules: ClassVar[tuple[Rule[Any], ...]] = (VOTES_RULE,)

    @property
    def limit(self) -> int:
        """The maximum number of tokens of a reply, thinking included."""
        return self.max_tokens + self.thinking_tokens

    def require_model(self, gate: str) -> ModelName:
        """Return the model that `gate` asks. Raises BadInputError if there is none."""
        if self.endpoint is None:
            raise BadInputError(f"gate {gate}: neither the gate nor the judge has an endpoint; give the gate one")
        return self.endpoint.served_model


@dataclass(frozen=True, slots=True)
class Tally:
    """The verdicts about one item."""

    votes: int
    """The number of verdicts."""
    admitting: int
    """The number of verdicts that admit the item."""
    problem: str = ""
    """Why the first reply without a verdict has none; empty if all replies have one."""

    @property
    def share(self) -> float:
        """The share of the verdicts that admit the item."""
        return self.admitting / self.votes


def repeat_request(request: Request, votes: Votes | None) -> tuple[Request, ...]:
    """Return the requests for all verdicts. Their seeds are 0, 1, 2, ..."""
    if votes is None:
        return (request,)
    return tuple(replace(request, temperature=votes.temperature, seed=seed) for seed in range(votes.count))


def count_verdicts(replies: Sequence[Reply], read: Callable[[Completion], bool | None]) -> Tally:
    """Return the verdicts in `replies`. `read`: returns whether a reply admits the item; None without a verdict."""
    verdicts, problems = list[bool](), list[str]()
    for reply in replies:
        verdict = None if isinstance(reply, RequestFailure) else read(reply)
        if verdict is not None:
            verdicts.append(verdict)
        elif isinstance(reply, RequestFailure):
            problems.append(reply.message)
        else:
            problems.append(f"the judge says neither yes nor no: {format_excerpt(reply)}")
    return Tally(len(verdicts), sum(verdicts), problems[0] if problems else "")


def decide(tally: Tally, votes: Votes | None, rejection: str) -> str | Undecided | None:
    """Return `rejection` if most verdicts reject the item, None if most admit it; Undecided for too few or a tie."""
    needed = 1 if votes is None else votes.needed
    if tally.votes < needed:
        count = "" if votes is None else f"{tally.votes} of {votes.count} verdicts were given, of {needed} that must: "
        return Undecided(count + tally.problem)
    if 2 * tally.admitting == tally.votes:
        return Undecided(f"no majority: {tally.admitting} of {tally.votes} verdicts admit it")
    if 2 * tally.admitting > tally.votes:
        return None
    return rejection if votes is None else f"{rejection} ({tally.votes - tally.admitting} of {tally.votes} verdicts)"

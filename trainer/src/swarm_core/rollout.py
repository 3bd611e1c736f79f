"""Rollouts: the items that one model wrote, with all their answers, scores and rejections.

A rollout is stored before it is used and never generated again, so a search can be replayed from its rollouts, bit for
bit, on any machine.

Limits: prompts are not stored. They are a function of the run's seed and of the rollout's place in the run
(`evaluation.examine`).
"""

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, chain, compress
from typing import Any

from swarm_core import format_version
from swarm_core.canonical_items import canonicalize_item
from swarm_core.gates.admission import UNDECIDED, Rejection
from swarm_core.items import Item
from swarm_core.objectives import intervals, request_units
from swarm_core.objectives.objective import Measurement, Objective, ReferenceScores, RequestCount, Sample
from swarm_core.objectives.scores import AnswerFate, CoverageError, Score, Unscored, UnscoredReason
from swarm_core.ports import Judge
from swarm_core.recipe import ModelName, canonical_json

VERSION = 4
"""The version of the stored format. Version 4 stores the repeat of each request, and features."""


@dataclass(frozen=True, slots=True)
class TakerAnswer:
    """The answer of one taker to one item, and its score."""

    text: str | None
    """The answer without its thinking; None if the request to the taker failed."""
    score: Score
    ruled: AnswerFate | None = None
    """The fate for which a rule gave the score; None if the judge gave it, or if there is none."""
    opinions: tuple[Score, ...] = ()
    """The score of each member of a panel, in order; empty if no panel judged the answer."""

    @property
    def fate(self) -> AnswerFate:
        """The fate of the answer."""
        if self.ruled is not None:
            return self.ruled
        return AnswerFate(str(self.score.reason)) if isinstance(self.score, Unscored) else AnswerFate.SCORED


@dataclass(frozen=True, slots=True)
class AnsweredItem:
    """An accepted item with one answer per taker."""

    item: Item
    answers: tuple[TakerAnswer, ...]
    features: tuple[tuple[str, float], ...] = ()
    """What the host measured of the item beside its answers, as pairs of name and value."""

    @property
    def text(self) -> str:
        """The text of the question, as its writer wrote it."""
        return self.item.text

    @property
    def is_scored(self) -> bool:
        """Whether every answer has a score."""
        return not any(isinstance(answer.score, Unscored) for answer in self.answers)


@dataclass(frozen=True, slots=True)
class Rollout:
    """The items of one model with their answers and scores."""

    model: ModelName
    takers: tuple[str, ...]
    asked: int
    """The number of requested items, including `lost` ones."""
    lost: int
    """The number of items that were requested in requests that failed. They affect no value."""
    items: tuple[AnsweredItem, ...]
    rejections: tuple[Rejection, ...]
    tokens: int
    """The number of tokens that the model, its takers and its judge generated."""
    requests: tuple[RequestCount, ...] = ()
    """The requests for items, in order: `Item.request` is an index into them. Empty if the items were given."""
    thinking_tokens: int = 0
    """The part of `tokens` that was thinking: as told by servers, or estimated."""

    def spreads(self) -> list[float]:
        """Return the difference between the highest and the lowest opinion about each answer that two or more members
        of a panel scored."""
        answers = (answer for item in self.items for answer in item.answers)
        given = ([one for one in answer.opinions if not isinstance(one, Unscored)] for answer in answers)
        return [max(values) - min(values) for values in given if len(values) > 1]

    def rejected(self) -> Counter[str]:
        """Return the number of rejections by gate. Requested items that were never written count as `missing`."""
        counts = Counter(rejection.gate for rejection in self.rejections)
        missing = self.asked - self.lost - len(self.items) - len(self.rejections)
        return counts + Counter({"missing": max(0, missing)})

    def unscored(self) -> Counter[str]:
        """Return the number of missing scores by reason."""
        scores = (answer.score for item in self.items for answer in item.answers)
        return Counter(str(score.reason) for score in scores if isinstance(score, Unscored))

    def fates(self) -> dict[str, Counter[str]]:
        """Return the number of answers of each taker by fate."""
        found: dict[str, Counter[str]] = {name: Counter() for name in self.takers}
        for item in self.items:
            for name, answer in zip(self.takers, item.answers, strict=False):
                found[name][str(answer.fate)] += 1
        return found

    def to_bytes(self) -> bytes:
        """Return the rollout as compressed JSON. Equal rollouts give equal bytes."""
        rejections = [(one.item.to_fields(), one.gate, one.reason) for one in self.rejections]
        fields = {
            format_version.FIELD: VERSION,
            "model": self.model,
            "takers": list(self.takers),
            "asked": self.asked,
            "lost": self.lost,
            "items": list(map(_answered_to_fields, self.items)),
            "rejections": [{"item": item, "gate": gate, "reason": reason} for item, gate, reason in rejections],
            "tokens": self.tokens,
            "requests": [[one.round, one.number, one.asked, one.repeat] for one in self.requests],
            "thinking_tokens": self.thinking_tokens,
        }
        return gzip.compress(canonical_json(fields), mtime=0)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Rollout":
        """Return the rollout that `to_bytes` wrote. Raises UnknownVersionError for another format."""
        fields: dict[str, Any] = format_version.check(json.loads(gzip.decompress(data)), "a rollout", VERSION)
        items = tuple(map(_answered_from_fields, fields.pop("items")))
        rejections = tuple(
            Rejection(Item.from_fields(one["item"]), one["gate"], one["reason"]) for one in fields.pop("rejections")
        )
        fields |= {
            "takers": tuple(fields["takers"]),
            "requests": tuple(
                RequestCount(turn, number, asked, repeat=repeat) for turn, number, asked, repeat in fields["requests"]
            ),
        }
        return cls(**fields, items=items, rejections=rejections)


def _answered_to_fields(one: AnsweredItem) -> dict[str, object]:
    features = {"features": dict(one.features)} if one.features else {}
    return {"item": one.item.to_fields(), "answers": list(map(_answer_to_fields, one.answers)), **features}


def _answered_from_fields(fields: Mapping[str, Any]) -> AnsweredItem:
    answers = tuple(map(_answer_from_fields, fields["answers"]))
    return AnsweredItem(Item.from_fields(fields["item"]), answers, tuple(sorted(fields.get("features", {}).items())))


def _answer_to_fields(answer: TakerAnswer) -> dict[str, object]:
    ruled = {} if answer.ruled is None else {"ruled": str(answer.ruled)}
    opinions = {"opinions": list(map(_score_to_field, answer.opinions))} if answer.opinions else {}
    return {"text": answer.text, "score": _score_to_field(answer.score), **ruled, **opinions}


def _score_to_field(score: Score) -> object:
    return {"reason": str(score.reason), "detail": score.detail} if isinstance(score, Unscored) else score


def _answer_from_fields(fields: Mapping[str, Any]) -> TakerAnswer:
    ruled = AnswerFate(fields["ruled"]) if "ruled" in fields else None
    opinions = tuple(map(_score_from_field, fields.get("opinions", ())))
    return TakerAnswer(fields["text"], _score_from_field(fields["score"]), ruled, opinions)


def _score_from_field(field: Any) -> Score:
    return Unscored(UnscoredReason(field["reason"]), field["detail"]) if isinstance(field, dict) else float(field)


def merge_repeats(repeats: Sequence[Rollout]) -> Rollout:
    """Return the rollouts of one model for the repeats of one measurement as one rollout. There is at least one."""
    starts = accumulate((len(one.requests) for one in repeats), initial=0)
    shifted = [shift_requests(one, start) for one, start in zip(repeats, starts, strict=False)]
    return replace(
        repeats[0],
        asked=sum(one.asked for one in repeats),
        lost=sum(one.lost for one in repeats),
        items=tuple(item for one in shifted for item in one.items),
        rejections=tuple(rejection for one in shifted for rejection in one.rejections),
        tokens=sum(one.tokens for one in repeats),
        requests=tuple(replace(count, repeat=number) for number, one in enumerate(repeats) for count in one.requests),
        thinking_tokens=sum(one.thinking_tokens for one in repeats),
    )


def split_repeats(rollout: Rollout) -> list[Rollout]:
    """Return one rollout for each repeat of `rollout`, with the requests of that repeat alone.

    The first has all that no request counts: the lost items and the tokens.
    """
    numbers = dict.fromkeys(count.repeat for count in rollout.requests)
    if len(numbers) < 2:
        return [rollout]
    return [select_repeat(rollout, repeat, is_first=index == 0) for index, repeat in enumerate(numbers)]


def select_repeat(rollout: Rollout, repeat: int, *, is_first: bool) -> Rollout:
    """Return the part of `rollout` that the requests of one repeat brought. They follow each other."""
    counts = tuple(count for count in rollout.requests if count.repeat == repeat)
    start = rollout.requests.index(counts[0])
    inside = range(start, start + len(counts))
    lost = rollout.lost if is_first else 0
    part = replace(
        rollout,
        asked=sum(count.asked for count in counts) + lost,
        lost=lost,
        items=tuple(one for one in rollout.items if one.item.request in inside),
        rejections=tuple(one for one in rollout.rejections if one.item.request in inside),
        tokens=rollout.tokens if is_first else 0,
        requests=counts,
        thinking_tokens=rollout.thinking_tokens if is_first else 0,
    )
    return shift_requests(part, -start)


def shift_requests(rollout: Rollout, by: int) -> Rollout:
    """Return `rollout` with the request of every item, accepted or rejected, moved by this many places."""
    if by == 0:
        return rollout
    return replace(
        rollout,
        items=tuple(replace(one, item=replace(one.item, request=one.item.request + by)) for one in rollout.items),
        rejections=tuple(
            replace(one, item=replace(one.item, request=one.item.request + by)) for one in rollout.rejections
        ),
    )


def build_sample(
    rollouts: Sequence[Rollout], judge: Judge | None = None, reference: ReferenceScores | None = None
) -> Sample:
    """Return the rollouts of one model as one sample, with the repeats of each. There must be at least one rollout.

    An item that is there several times, in any spelling that `judge` knows, counts once: only the first keeps its
    scores. All are part of the accepted share, unless the first lacks a score. A rollout in which every text is from
    earlier ones counts as nothing, so copies of a rollout add no certainty. The same holds for each repeat of a
    rollout.
    """
    takers, accepted, texts, unscored = rollouts[0].takers, set[str](), set[str](), set[str]()
    lost = undecided = 0
    kept: list[tuple[AnsweredItem, ...]] = []
    requests: list[tuple[RequestCount, ...]] = []
    for rollout in chain.from_iterable(map(split_repeats, rollouts)):
        answered, counts = get_requests(rollout)
        forms = [canonicalize_item(one.item, judge) for one in answered]
        written = {*forms, *(canonicalize_item(rejection.item, judge) for rejection in rollout.rejections)}
        if written and written <= texts:
            answered, counts = (), ()
        else:
            lost += rollout.lost
            undecided += rollout.rejected()[UNDECIDED]
        first = {form: index for index, form in reversed(list(enumerate(forms)))}
        new = [form not in accepted and first[form] == index for index, form in enumerate(forms)]
        kept.append(tuple(compress(answered, new)))
        unscored.update(form for form, one in zip(compress(forms, new), kept[-1], strict=False) if not one.is_scored)
        repeated = [not is_new and form not in unscored for form, is_new in zip(forms, new, strict=True)]
        requests.append(count_repeated(compress(answered, repeated), counts))
        accepted.update(forms)
        texts |= written
    return Sample(
        items=tuple(tuple(one.item for one in items) for items in kept),
        takers=takers,
        scores=tuple(
            tuple(tuple(one.answers[taker].score for one in items) for taker in range(len(takers))) for items in kept
        ),
        asked=sum(count.asked for counts in requests for count in counts),
        lost=lost,
        undecided=undecided,
        features=collect_features([one for items in kept for one in items]),
        reference=reference,
        requests=tuple(requests),
    )


def collect_features(answered: Sequence[AnsweredItem]) -> dict[str, tuple[float, ...]]:
    """Return the features by name, [item]. A feature that an item lacks has fewer values than there are items."""
    found: dict[str, list[float]] = {}
    for one in answered:
        for name, value in one.features:
            found.setdefault(name, []).append(value)
    return {name: tuple(values) for name, values in found.items()}


def get_requests(rollout: Rollout) -> tuple[tuple[AnsweredItem, ...], tuple[RequestCount, ...]]:
    """Return the items of a rollout and its requests; derived from the items if they were given to the model."""
    if rollout.requests:
        return rollout.items, rollout.requests
    items = tuple(one.item for one in rollout.items)
    derived = request_units.add_requests(Sample((items,), (), ((),), rollout.asked - rollout.lost))
    answered = tuple(replace(one, item=item) for one, item in zip(rollout.items, derived.items[0], strict=True))
    return answered, derived.requests[0]


def count_repeated(repeated: Iterable[AnsweredItem], counts: Sequence[RequestCount]) -> tuple[RequestCount, ...]:
    """Return `counts` with the number of the `repeated` items of each request."""
    found = Counter(one.item.request for one in repeated)
    return tuple(replace(count, repeated=found[number]) for number, count in enumerate(counts))


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """A missing measurement, with its reason."""

    reason: str


def measure(
    rollouts: Sequence[Rollout],
    objective: Objective,
    coverage: float,
    seed: int,
    judge: Judge | None = None,
    reference: ReferenceScores | None = None,
) -> Measurement | Unmeasured:
    """Return the value of `objective` over the pooled rollouts of one model, with its 95% interval.

    `coverage`: the minimum share of items and scores that must exist, in (0, 1]. Unmeasured below it. `seed`: the seed
    of random halves. `judge`: the judge of the run, which may know copies. `reference`: the takers' scores on the
    reference set. Raises ValueError for a sample that
    `objective.check_sample` refuses.
    """
    try:
        return intervals.measure(build_sample(rollouts, judge, reference), objective, coverage, seed)
    except CoverageError as error:
        return Unmeasured(str(error))


@dataclass(frozen=True, slots=True)
class RolloutTotals:
    """The totals over several rollouts, for status and report."""

    asked: int
    items: int
    rejected: dict[str, int]
    unscored: dict[str, int]
    tokens: int
    fates: dict[str, dict[str, int]] = field(default_factory=dict)
    """The number of answers by taker and fate."""
    thinking_tokens: int = 0
    spreads: tuple[float, ...] = ()
    """The difference between the highest and the lowest opinion of a panel, of each answer that it judged."""

    def __add__(self, other: "RolloutTotals") -> "RolloutTotals":
        takers = dict.fromkeys((*self.fates, *other.fates))
        return RolloutTotals(
            asked=self.asked + other.asked,
            items=self.items + other.items,
            rejected=add_counts(self.rejected, other.rejected),
            unscored=add_counts(self.unscored, other.unscored),
            tokens=self.tokens + other.tokens,
            fates={taker: add_counts(self.fates.get(taker, {}), other.fates.get(taker, {})) for taker in takers},
            thinking_tokens=self.thinking_tokens + other.thinking_tokens,
            spreads=self.spreads + other.spreads,
        )


def add_counts(first: Mapping[str, int], second: Mapping[str, int]) -> dict[str, int]:
    """Return the sums of two sets of counts, in the order of their names."""
    return dict(sorted((Counter(first) + Counter(second)).items()))


def sum_totals(rollouts: Iterable[Rollout]) -> RolloutTotals:
    """Return the totals over `rollouts`."""
    asked = items = tokens = thinking_tokens = 0
    rejected: Counter[str] = Counter()
    unscored: Counter[str] = Counter()
    fates: dict[str, Counter[str]] = {}
    spreads: list[float] = []
    for rollout in rollouts:
        for taker, counts in rollout.fates().items():
            fates[taker] = fates.get(taker, Counter()) + counts
        thinking_tokens += rollout.thinking_tokens
        spreads += rollout.spreads()
        asked += rollout.asked
        items += len(rollout.items)
        tokens += rollout.tokens
        rejected += rollout.rejected()
        unscored += rollout.unscored()
    return RolloutTotals(
        asked=asked,
        items=items,
        rejected=dict(sorted(rejected.items())),
        unscored=dict(sorted(unscored.items())),
        tokens=tokens,
        fates={taker: dict(sorted(counts.items())) for taker, counts in fates.items()},
        thinking_tokens=thinking_tokens,
        spreads=tuple(spreads),
    )

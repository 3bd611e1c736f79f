"""Rollouts: what one model wrote when asked for items, and what became of every one of them.

A rollout is stored before anything is concluded from it and is never made again, so the whole search can be replayed
from its rollouts, bit for bit, on any machine. Everything is kept: items, answers, scores, rejections and reasons.

Limits: prompts are not stored; they are a function of the run's seed and the rollout's place in it
(`evaluation.examine`).
"""

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from swarm_core import format_version
from swarm_core.gates.admission import Rejection
from swarm_core.items import Item
from swarm_core.objectives import intervals
from swarm_core.objectives.objective import Measurement, Objective, Sample
from swarm_core.objectives.scores import CoverageError, Score, Unscored, UnscoredReason
from swarm_core.recipe import ModelName, canonical_json

VERSION = 2
"""The version of the stored format: 2 has items as records, 1 had them as texts and did not say its version."""


@dataclass(frozen=True, slots=True)
class TakerAnswer:
    """What one taker made of one item."""

    text: str | None
    """None: the taker could not be asked."""
    score: Score


@dataclass(frozen=True, slots=True)
class AnsweredItem:
    """An item that passed the gates, with one answer per taker."""

    item: Item
    answers: tuple[TakerAnswer, ...]

    @property
    def text(self) -> str:
        """What takers saw."""
        return self.item.text


@dataclass(frozen=True, slots=True)
class Rollout:
    """One model's set of items, examined."""

    model: ModelName
    takers: tuple[str, ...]
    asked: int
    """Items asked for, `lost` included."""
    lost: int
    """Items asked for in requests that failed: nobody's fault, and nobody's gain."""
    items: tuple[AnsweredItem, ...]
    rejections: tuple[Rejection, ...]
    tokens: int
    """Tokens generated, by the model, by its takers, and by a judge that is a model."""

    def rejected(self) -> Counter[str]:
        """Rejections by gate; items asked for and never written count as `missing`."""
        counts = Counter(rejection.gate for rejection in self.rejections)
        missing = self.asked - self.lost - len(self.items) - len(self.rejections)
        return counts + Counter({"missing": max(0, missing)})

    def unscored(self) -> Counter[str]:
        """Missing scores by reason."""
        scores = (answer.score for item in self.items for answer in item.answers)
        return Counter(str(score.reason) for score in scores if isinstance(score, Unscored))

    def to_bytes(self) -> bytes:
        """Compressed JSON, the same bytes for the same rollout."""
        fields = {
            format_version.FIELD: VERSION,
            "model": self.model,
            "takers": list(self.takers),
            "asked": self.asked,
            "lost": self.lost,
            "items": [
                {"item": one.item.to_fields(), "answers": list(map(_answer_to_fields, one.answers))}
                for one in self.items
            ],
            "rejections": [
                {"item": one.item.to_fields(), "gate": one.gate, "reason": one.reason} for one in self.rejections
            ],
            "tokens": self.tokens,
        }
        return gzip.compress(canonical_json(fields), mtime=0)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Rollout":
        """The rollout that `to_bytes` wrote. Raises UnknownVersionError for one of another format."""
        fields: dict[str, Any] = format_version.check(json.loads(gzip.decompress(data)), "a rollout", VERSION)
        items = tuple(
            AnsweredItem(Item.from_fields(one["item"]), tuple(map(_answer_from_fields, one["answers"])))
            for one in fields.pop("items")
        )
        rejections = tuple(
            Rejection(Item.from_fields(one["item"]), one["gate"], one["reason"]) for one in fields.pop("rejections")
        )
        return cls(**{**fields, "takers": tuple(fields["takers"])}, items=items, rejections=rejections)


def _answer_to_fields(answer: TakerAnswer) -> dict[str, object]:
    score = answer.score
    told = {"reason": str(score.reason), "detail": score.detail} if isinstance(score, Unscored) else score
    return {"text": answer.text, "score": told}


def _answer_from_fields(fields: Mapping[str, Any]) -> TakerAnswer:
    text, score = fields["text"], fields["score"]
    if isinstance(score, dict):
        return TakerAnswer(text, Unscored(UnscoredReason(score["reason"]), score["detail"]))
    return TakerAnswer(text, float(score))


def build_sample(rollouts: Sequence[Rollout]) -> Sample:
    """The rollouts of one model as one sample, a repeat each."""
    takers, lost = rollouts[0].takers, sum(rollout.lost for rollout in rollouts)
    return Sample(
        items=tuple(tuple(one.item for one in rollout.items) for rollout in rollouts),
        takers=takers,
        scores=tuple(
            tuple(tuple(one.answers[taker].score for one in rollout.items) for taker in range(len(takers)))
            for rollout in rollouts
        ),
        asked=sum(rollout.asked for rollout in rollouts) - lost,
        lost=lost,
    )


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """The absence of a measurement, and why."""

    reason: str


def measure(rollouts: Sequence[Rollout], objective: Objective, coverage: float, seed: int) -> Measurement | Unmeasured:
    """The objective over the pooled rollouts of one model."""
    try:
        return intervals.measure(build_sample(rollouts), objective, coverage, seed)
    except CoverageError as error:
        return Unmeasured(str(error))


@dataclass(frozen=True, slots=True)
class RolloutTotals:
    """Totals over rollouts, for status and report."""

    asked: int
    items: int
    rejected: dict[str, int]
    unscored: dict[str, int]
    tokens: int


def sum_totals(rollouts: Iterable[Rollout]) -> RolloutTotals:
    asked = items = tokens = 0
    rejected: Counter[str] = Counter()
    unscored: Counter[str] = Counter()
    for rollout in rollouts:
        asked += rollout.asked
        items += len(rollout.items)
        tokens += rollout.tokens
        rejected += rollout.rejected()
        unscored += rollout.unscored()
    return RolloutTotals(asked, items, dict(sorted(rejected.items())), dict(sorted(unscored.items())), tokens)

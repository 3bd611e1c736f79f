"""Rollouts: what one model wrote when asked for items, and what became of every one of them.

A rollout is stored before anything is concluded from it and is never made again, so the whole search can be replayed
from its rollouts, bit for bit, on any machine. Everything is kept: items, answers, scores, rejections and reasons.

Limits: prompts are not stored; they are a function of the run's seed and the rollout's place in it
(`evaluation.examine`).
"""

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from swarm_core.gates.admission import Rejection
from swarm_core.objectives.objective import Measurement, Objective, ScoredBatch
from swarm_core.objectives.scores import CoverageError, Score, ScoreCube, Unscored, UnscoredReason
from swarm_core.recipe import ModelName, canonical_json


@dataclass(frozen=True, slots=True)
class TakerAnswer:
    """What one taker made of one item."""

    text: str | None
    """None: the taker could not be asked."""
    score: Score


@dataclass(frozen=True, slots=True)
class AnsweredItem:
    """An item that passed the gates, with one answer per taker."""

    text: str
    answers: tuple[TakerAnswer, ...]


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
        return gzip.compress(canonical_json(asdict(self)), mtime=0)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Rollout":
        fields = json.loads(gzip.decompress(data))
        items = tuple(
            AnsweredItem(item["text"], tuple(_parse_answer(a) for a in item["answers"])) for item in fields.pop("items")
        )
        rejections = tuple(Rejection(**rejection) for rejection in fields.pop("rejections"))
        return cls(**{**fields, "takers": tuple(fields["takers"])}, items=items, rejections=rejections)


def _parse_answer(fields: dict[str, str | float | dict[str, str] | None]) -> TakerAnswer:
    text, score = fields["text"], fields["score"]
    assert text is None or isinstance(text, str)
    if isinstance(score, dict):
        return TakerAnswer(text, Unscored(UnscoredReason(score["reason"]), score["detail"]))
    assert isinstance(score, float | int)
    return TakerAnswer(text, float(score))


def build_batch(rollouts: Sequence[Rollout], coverage: float) -> ScoredBatch:
    """The rollouts of one model, pooled. Raises CoverageError when too many of its requests failed."""
    takers = rollouts[0].takers
    asked, lost = sum(r.asked for r in rollouts), sum(r.lost for r in rollouts)
    if asked - lost < coverage * asked:
        raise CoverageError(f"{asked - lost} of {asked} items asked for came to be; coverage asks for {coverage:.0%}")
    items = [item for rollout in rollouts for item in rollout.items]
    rows = tuple(tuple(item.answers[taker].score for item in items) for taker in range(len(takers)))
    return ScoredBatch(items=(tuple(item.text for item in items),), cube=ScoreCube(takers, (rows,)), asked=asked - lost)


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """The absence of a measurement, and why."""

    reason: str


def measure(rollouts: Sequence[Rollout], objective: Objective, coverage: float, seed: int) -> Measurement | Unmeasured:
    """The objective over the pooled rollouts of one model."""
    try:
        return objective.measure(build_batch(rollouts, coverage), coverage, seed)
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

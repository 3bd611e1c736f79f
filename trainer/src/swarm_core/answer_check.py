"""The check of the answers that generators write: an answer is the reference of its item only if it passes.

The judge scores the writer's answer as it scores that of a taker, and does not see it as the reference; a score of at
least 0.5 calls it right. It can do so if it can judge the item without a reference. The takers answer the item, and the
judge compares their answers with the writer's; enough of them must score at least 0.5.

If a spec names no checker, this decides: a program that can judge without a reference checks alone, a judge that needs
references leaves the check to the takers, and a model and the takers both check.

An item whose answer fails is rejected, and costs its generator. So does an item about which missing replies or scores
could turn the finding (`gates.admission.UNDECIDED`).

Limits: where k of n takers must agree, no accepted item is harder than k right answers of n. Takers that share an
error confirm it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from swarm_core.api.takers import AnswerChecker
from swarm_core.gates.admission import Rejection, leave_open
from swarm_core.items import Item
from swarm_core.judges.calibration import RIGHT
from swarm_core.objectives.scores import Unscored, UnscoredReason
from swarm_core.ports import Gate, Judge, Reply, Request, Undecided
from swarm_core.rollout import AnsweredItem

WRONG_ANSWER, TAKERS_DISAGREE = "WrongAnswer", "TakersDisagree"
"""The names under which rejections of the two checkers are counted."""


@dataclass(frozen=True, slots=True)
class AnswerCheck:
    """The check of one run."""

    judge: Judge
    checker: AnswerChecker | None = None
    """None chooses by what the judge can do."""
    agreeing: int | None = None
    """The number of takers that must give the writer's answer; None means more than half of them."""

    @property
    def gates(self) -> tuple[Gate, ...]:
        """The gate that asks the judge; none if the judge does not check."""
        return (AnswerGate(self),) if self.checker in (None, *JUDGE_CHECKS) else ()

    @property
    def checks(self) -> bool:
        """Whether anybody checks."""
        return self.checker is not AnswerChecker.NOBODY

    def can_judge(self, item: Item) -> bool:
        """Return whether the judge can score the answer of `item` without seeing it as the reference."""
        return self.judge.refusal(hide_reference(item)) is None

    def asks_takers(self, item: Item) -> bool:
        """Return whether takers must agree with the answer of `item`."""
        if self.checker is not None:
            return self.checker in TAKER_CHECKS
        return not self.can_judge(item) or bool(self.judge.requests(hide_reference(item), item.reference or ""))

    def count_needed(self, takers: int) -> int:
        """Return how many of `takers` must give the writer's answer."""
        return takers // 2 + 1 if self.agreeing is None else self.agreeing

    def find_fault(self, items: Sequence[Item], takers: int) -> str | None:
        """Return why the answers of items such as `items` cannot be checked; None if they can."""
        judged = any(map(self.can_judge, items))
        if self.checker in JUDGE_CHECKS and not judged:
            return (
                f"{self.checker}, but the judge compares answers with references, so it cannot check them; set it to"
                f" {AnswerChecker.TAKERS} or {AnswerChecker.NOBODY}, or choose another judge"
            )
        by_takers = any(map(self.asks_takers, items))
        if self.agreeing is not None and not by_takers:
            return (
                f"agreeingTakers is {self.agreeing}, but the judge checks alone, and no taker is asked; remove"
                f" agreeingTakers, or set it to {AnswerChecker.TAKERS} or {AnswerChecker.JUDGE_AND_TAKERS}"
            )
        if not takers and by_takers:
            return (
                "the takers check the answers of generators, but no taker is listed; list takers, or set it to"
                f" {AnswerChecker.NOBODY}" + (f" or {AnswerChecker.JUDGE}" if judged else "")
            )
        return None

    def describe(self, items: Sequence[Item], takers: int) -> str:
        """Return who checks the answers of items such as `items`, as a clause."""
        by_judge = bool(self.gates) and any(map(self.can_judge, items))
        by_takers = any(map(self.asks_takers, items))
        agreement = f"{self.count_needed(takers)} of {takers} takers gave the same answer"
        said = ["the judge called it right"] * by_judge + [agreement] * by_takers
        return " and ".join(said) or "nobody checked it"


JUDGE_CHECKS = (AnswerChecker.JUDGE, AnswerChecker.JUDGE_AND_TAKERS)
TAKER_CHECKS = (AnswerChecker.TAKERS, AnswerChecker.JUDGE_AND_TAKERS)


@dataclass(frozen=True, slots=True)
class AnswerGate:
    """Rejects items whose answer the judge calls wrong. Items that it cannot judge pass if the check leaves them to
    takers."""

    check: AnswerCheck

    @property
    def name(self) -> str:
        """The name under which rejections are counted."""
        return WRONG_ANSWER

    def requests(self, item: Item) -> tuple[Request, ...]:
        """Return the requests of the judge about the writer's answer."""
        can = self.check.can_judge(item)
        return self.check.judge.requests(hide_reference(item), item.reference or "") if can else ()

    def refusal(self, item: Item, replies: Sequence[Reply]) -> str | Undecided | None:
        """Return why the answer is not right; None if it is, and `Undecided` if the judge failed."""
        bare, answer = hide_reference(item), item.reference or ""
        refusal = self.check.judge.refusal(bare)
        if refusal is not None:
            return None if self.check.checker is None else f"the judge cannot check its answer: {refusal}"
        score = self.check.judge.score(bare, answer, replies)
        if isinstance(score, Unscored) and score.reason is not UnscoredReason.UNREADABLE:
            return Undecided(score.detail)
        if isinstance(score, Unscored):
            return f"its answer {answer[:40]!r} cannot be read: {score.detail}"
        return None if score >= RIGHT else f"the judge calls its answer {answer[:40]!r} wrong"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The answered items after the check by takers. Each list keeps the order."""

    items: tuple[AnsweredItem, ...]
    rejections: tuple[Rejection, ...] = ()
    undecided: tuple[Rejection, ...] = ()
    """The items that missing scores leave open."""


def confirm(check: AnswerCheck, answered: Sequence[AnsweredItem]) -> Confirmation:
    """Divide items by whether enough takers give the writer's answer."""
    kept, rejections, undecided = list[AnsweredItem](), list[Rejection](), list[Rejection]()
    for one in answered:
        needed = check.count_needed(len(one.answers))
        scores = [answer.score for answer in one.answers]
        agreeing = sum(not isinstance(score, Unscored) and score >= RIGHT for score in scores)
        missing = sum(isinstance(score, Unscored) for score in scores)
        if not check.asks_takers(one.item) or agreeing >= needed:
            kept.append(one)
        elif agreeing + missing >= needed:
            undecided.append(leave_open(one.item, TAKERS_DISAGREE, f"{missing} of {len(scores)} scores are missing"))
        else:
            reason = f"{agreeing} of {len(scores)} takers give its answer, and {needed} must"
            rejections.append(Rejection(one.item, TAKERS_DISAGREE, reason))
    return Confirmation(tuple(kept), tuple(rejections), tuple(undecided))


def hide_reference(item: Item) -> Item:
    """Return `item` as it would be if its writer had given no answer."""
    return replace(item, reference=None)

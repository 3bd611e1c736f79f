"""The judge that is a panel: it combines the scores of several judges, its members.

The combined score is the mean of the members' scores, or what most of them say: a score of at least 0.5 says 1, and any
other says 0. A member without a score has no say. With fewer scores than `at_least`, and with a tie of the votes, an
answer has no score. The requests of all members go out together.

Limits: members that make the same mistakes agree on them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from swarm_core.items import Item
from swarm_core.objectives.scores import Score, Unscored, UnscoredReason
from swarm_core.ports import Canonicalizer, Judge, Reply, Request, Solver

VOTE = 0.5
"""The least score that is a vote for a right answer."""


@dataclass(frozen=True, slots=True)
class PanelJudge:
    """Several judges whose scores become one."""

    members: tuple[Judge, ...]
    at_least: int
    """The minimum number of members that must give a score."""
    majority: bool = False
    """Whether votes are counted. If not, the score is the mean."""

    def refusal(self, item: Item) -> str | None:
        """Return the reason why too few members can judge `item`; None if enough can."""
        refusals = [reason for member in self.members if (reason := member.refusal(item)) is not None]
        return refusals[0] if len(self.members) - len(refusals) < self.at_least else None

    def canonical(self, item: Item) -> str | None:
        """Return the form of `item` that the first member knows one has given; None if no member knows a form."""
        forms = (member.canonical(item) for member in self.members if isinstance(member, Canonicalizer))
        return next((form for form in forms if form is not None), None)

    def solution(self, item: Item) -> str | None:
        """Return the answer of the first member that can compute it; None if none can."""
        found = (member.solution(item) for member in self.members if isinstance(member, Solver))
        return next((solution for solution in found if solution is not None), None)

    def requests(self, item: Item, answer: str) -> tuple[Request, ...]:
        """Return the requests of every member that can judge `item`, in the order of the members."""
        return tuple(request for _, requests in self.iterate_asked(item, answer) for request in requests)

    def score(self, item: Item, answer: str, replies: Sequence[Reply]) -> Score:
        """Return the combined score of `answer`.

        Unscored: UNREADABLE if too few members have a score because they cannot read the answer, and JUDGE_FAILED if
        too few have one for another reason, or if as many vote for it as against it.
        """
        opinions = self.opinions(item, answer, replies)
        values = [one for one in opinions if not isinstance(one, Unscored)]
        missing = [one for one in opinions if isinstance(one, Unscored)]
        if len(values) < self.at_least:
            unreadable = all(one.reason is UnscoredReason.UNREADABLE for one in missing)
            reason = UnscoredReason.UNREADABLE if unreadable else UnscoredReason.JUDGE_FAILED
            count = f"{len(values)} of {len(opinions)} judges gave a score, of {self.at_least} that must"
            return Unscored(reason, f"{count}: {missing[0].detail}")
        return count_votes(values) if self.majority else fmean(values)

    def opinions(self, item: Item, answer: str, replies: Sequence[Reply]) -> tuple[Score, ...]:
        """Return the score that each member gives `answer`, in the order of the members.

        A member that refuses the item has no score (JUDGE_FAILED).
        """
        found: list[Score] = []
        waiting = iter(replies)
        for member, requests in self.iterate_asked(item, answer):
            own = [next(waiting) for _ in requests]
            refusal = member.refusal(item)
            failed = Unscored(UnscoredReason.JUDGE_FAILED, refusal or "")
            found.append(failed if refusal is not None else member.score(item, answer, own))
        return tuple(found)

    def iterate_asked(self, item: Item, answer: str) -> Iterator[tuple[Judge, tuple[Request, ...]]]:
        """Every member with its requests. A member that refuses the item has none."""
        for member in self.members:
            yield member, member.requests(item, answer) if member.refusal(item) is None else ()


def count_votes(values: Sequence[float]) -> Score:
    """Return 1.0 if most of `values` are votes for a right answer, 0.0 if most are not, and Unscored for a tie."""
    votes = sum(value >= VOTE for value in values)
    if 2 * votes == len(values):
        return Unscored(UnscoredReason.JUDGE_FAILED, f"no majority: {votes} of {len(values)} judges call it right")
    return float(2 * votes > len(values))

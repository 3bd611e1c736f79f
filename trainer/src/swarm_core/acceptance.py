"""What is said when no item is accepted, or no candidate can be measured: the reasons counted, and the way out.

A search in which the whole first iteration counts for nothing ends there, before it spends its budget. One accepted
item and one fitness are enough to go on, because a swarm may start slowly.
"""

from collections import Counter
from collections.abc import Sequence

from swarm_core.answer_check import TAKERS_DISAGREE, WRONG_ANSWER
from swarm_core.commit import MeasuredCandidate
from swarm_core.rollout import Rollout, Unmeasured, sum_totals

MAX_REASONS = 3
"""The number of different reasons in one message."""
NO_ITEMS_HELP = (
    "If most are 'missing' or 'parse', the model does not write lists: check spec.base.template and spec.generation."
    " Otherwise check spec.gates and spec.judge against the seed data"
)

WRONG_ANSWERS_HELP = (
    ". If most are 'WrongAnswer' or 'TakersDisagree', the model cannot answer its own questions: choose a stronger base"
    " or easier seed data, or see spec.generation.answerCheck"
)


def describe_rejections(rollouts: Sequence[Rollout]) -> str:
    """Return the rejections of rollouts, counted by gate, with an example."""
    totals = sum_totals(rollouts)
    counted = [f"{count} {gate}" for gate, count in totals.rejected.items()]
    lost = sum(rollout.lost for rollout in rollouts)
    counted += [f"{lost} lost in requests that failed"] if lost else []
    rejections = [one for rollout in rollouts for one in rollout.rejections]
    example = f"; such as {rejections[0].text[:80]!r}: {rejections[0].reason[:120]}" if rejections else ""
    return f"{', '.join(counted) or 'no reason'}{example}"


def find_barren_start(candidates: Sequence[MeasuredCandidate], rollouts: Sequence[Rollout]) -> str | None:
    """Return why a search cannot go on after its first iteration; None if it can.

    `rollouts`: those of `candidates`, in order.
    """
    asked = sum(rollout.asked for rollout in rollouts)
    if not any(rollout.items for rollout in rollouts):
        checked = any(rollout.rejected()[name] for rollout in rollouts for name in (WRONG_ANSWER, TAKERS_DISAGREE))
        return (
            f"none of {asked:,} items requested in the first iteration was accepted ({describe_rejections(rollouts)}),"
            f" so the search ends here. {NO_ITEMS_HELP}{WRONG_ANSWERS_HELP if checked else ''}"
        )
    if any(candidate.fitness is not None for candidate in candidates):
        return None
    reasons = Counter(
        value.reason for candidate in candidates for _, value in candidate.values if isinstance(value, Unmeasured)
    )
    listed = "; ".join(f"{count} candidates: {reason}" for reason, count in reasons.most_common(MAX_REASONS))
    return (
        f"none of {len(candidates)} candidates of the first iteration could be measured ({listed}), so the search ends"
        " here: correct that, or lower spec.evaluation.coverage in a new run"
    )

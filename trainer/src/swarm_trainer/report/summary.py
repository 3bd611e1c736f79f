"""The summary a person reads when a run ends: did it work, how sure is that, and what do the items look like."""

import textwrap
from collections.abc import Iterator

from swarm_core.objectives.scores import Unscored
from swarm_core.optimizers import positions
from swarm_core.rollout import AnsweredItem
from swarm_trainer.report.search_result import EvaluatedGenerator, SearchResult

COLUMNS = 79
MAX_SAMPLES = 8
"""Enough to see the kind of item, few enough to read."""


def render(verdict: SearchResult, name: str) -> str:
    """Plain text, under 80 columns."""
    return (
        "\n".join(
            [
                *format_headline(verdict, name),
                "",
                *format_table(verdict),
                "",
                *format_samples(verdict),
                "",
                *format_counts(verdict),
            ]
        )
        + "\n"
    )


def format_headline(verdict: SearchResult, name: str) -> Iterator[str]:
    gain = verdict.gain
    yield name
    yield f"gain over the best initial generator {gain.value:+.3f}, 95 % interval {gain.low:+.3f} to {gain.high:+.3f}"
    if gain.low > 0:
        yield "The generator found is better than the best it started with, on items drawn after the choice."
    else:
        yield "No gain is shown: the interval holds 0. More items, iterations or particles may resolve it."


def format_table(verdict: SearchResult) -> Iterator[str]:
    where = "coefficients" if verdict.best.groups == 1 else "coefficients, mean over layers"
    yield f"{'generator':<14}{'searched':>9}{'fresh':>8}   95 % interval    accepted  {where}"
    for one in (*verdict.initials, verdict.best):
        yield format_row(one, "best" if one is verdict.best else one.name)
    yield from format_passed_over(verdict)


def format_passed_over(verdict: SearchResult) -> Iterator[str]:
    """Who was believed to be better and could not be measured; nothing where there was nobody."""
    if verdict.passed:
        told = f"ranked before it, but fresh items left too much without a score: {', '.join(verdict.passed)}"
        yield from textwrap.wrap(told, COLUMNS)


def format_row(one: EvaluatedGenerator, label: str) -> str:
    asked = sum(rollout.asked - rollout.lost for rollout in one.rollouts)
    searched = "" if one.searched is None else f"{one.searched:.3f}"
    interval = f"{one.fresh.low:.3f} to {one.fresh.high:.3f}"
    where = " ".join(f"{value:+.2f}" for value in positions.mean(one.position, one.groups))
    return f"{label:<14}{searched:>9}{one.fresh.value:>8.3f}   {interval}  {one.fresh.n / max(1, asked):>9.0%}  {where}"


def format_samples(verdict: SearchResult) -> Iterator[str]:
    yield "items it writes (takers right)                items the best initial one writes"
    ours, theirs = sample_items(verdict.best), sample_items(verdict.initial)
    for left, right in zip(ours, theirs, strict=False):
        yield f"  {left:<44}{right}"


def sample_items(one: EvaluatedGenerator) -> list[str]:
    items = [(item, rollout) for rollout in one.rollouts[:1] for item in rollout.items[:MAX_SAMPLES]]
    return [f"{truncate(item.text)} ({count_right(item)}/{len(rollout.takers)})" for item, rollout in items]


def truncate(item: str) -> str:
    line = " ".join(item.split())
    return line if len(line) <= 34 else line[:33] + "…"


def count_right(item: AnsweredItem) -> int:
    """How many takers got full marks."""
    return sum(1 for answer in item.answers if not isinstance(answer.score, Unscored) and answer.score == 1.0)


def format_counts(verdict: SearchResult) -> Iterator[str]:
    counts = verdict.counts
    rejected = ", ".join(f"{count} {gate}" for gate, count in counts.rejected.items()) or "none"
    unscored = ", ".join(f"{count} {reason}" for reason, count in counts.unscored.items()) or "none"
    yield f"search ended: {verdict.stop}"
    yield f"items asked for {counts.asked:,}, accepted {counts.items:,}; rejected: {rejected}"
    yield f"answers without a score: {unscored}; tokens generated: {counts.tokens:,}"

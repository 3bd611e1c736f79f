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


def render(result: SearchResult, name: str) -> str:
    """Plain text, under 80 columns."""
    return (
        "\n".join(
            [
                *format_headline(result, name),
                "",
                *format_table(result),
                "",
                *format_samples(result),
                "",
                *format_counts(result),
            ]
        )
        + "\n"
    )


def format_headline(result: SearchResult, name: str) -> Iterator[str]:
    gain = result.gain
    yield name
    yield f"gain over the best initial generator {gain.value:+.3f}, 95 % interval {gain.low:+.3f} to {gain.high:+.3f}"
    if gain.low > 0:
        yield "The generator found is better than the best it started with, on items drawn after the choice."
    else:
        yield "No gain is shown: the interval holds 0. More items, iterations or particles may resolve it."


def format_table(result: SearchResult) -> Iterator[str]:
    coefficients = "coefficients" if result.best.groups == 1 else "coefficients, mean over layers"
    yield f"{'generator':<14}{'searched':>9}{'fresh':>8}   95 % interval    accepted  {coefficients}"
    for generator in (*result.initials, result.best):
        yield format_row(generator, "best" if generator is result.best else generator.name)
    yield from format_passed_over(result)


def format_passed_over(result: SearchResult) -> Iterator[str]:
    """Who was believed to be better and could not be measured; nothing where there was nobody."""
    if result.passed_over:
        text = f"ranked before it, but fresh items left too much without a score: {', '.join(result.passed_over)}"
        yield from textwrap.wrap(text, COLUMNS)


def format_row(generator: EvaluatedGenerator, label: str) -> str:
    asked = sum(rollout.asked - rollout.lost for rollout in generator.rollouts)
    search_value = "" if generator.search_value is None else f"{generator.search_value:.3f}"
    interval = f"{generator.fresh.low:.3f} to {generator.fresh.high:.3f}"
    coefficients = " ".join(f"{value:+.2f}" for value in positions.mean(generator.position, generator.groups))
    accepted = generator.fresh.n / max(1, asked)
    return f"{label:<14}{search_value:>9}{generator.fresh.value:>8.3f}   {interval}  {accepted:>9.0%}  {coefficients}"


def format_samples(result: SearchResult) -> Iterator[str]:
    yield "items it writes (takers right)                items the best initial one writes"
    ours, theirs = sample_items(result.best), sample_items(result.initial)
    for left, right in zip(ours, theirs, strict=False):
        yield f"  {left:<44}{right}"


def sample_items(generator: EvaluatedGenerator) -> list[str]:
    items = [(item, rollout) for rollout in generator.rollouts[:1] for item in rollout.items[:MAX_SAMPLES]]
    return [f"{truncate(item.text)} ({count_right(item)}/{len(rollout.takers)})" for item, rollout in items]


def truncate(item: str) -> str:
    line = " ".join(item.split())
    return line if len(line) <= 34 else line[:33] + "…"


def count_right(item: AnsweredItem) -> int:
    """How many takers got full marks."""
    return sum(1 for answer in item.answers if not isinstance(answer.score, Unscored) and answer.score == 1.0)


def format_counts(result: SearchResult) -> Iterator[str]:
    counts = result.counts
    rejected = ", ".join(f"{count} {gate}" for gate, count in counts.rejected.items()) or "none"
    unscored = ", ".join(f"{count} {reason}" for reason, count in counts.unscored.items()) or "none"
    yield f"search ended: {result.stop}"
    yield f"items asked for {counts.asked:,}, accepted {counts.items:,}; rejected: {rejected}"
    yield f"answers without a score: {unscored}; tokens generated: {counts.tokens:,}"

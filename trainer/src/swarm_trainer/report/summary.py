"""The summary at the end of a run: the gain with its interval, the generators compared, and sample items."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import assert_never

from swarm_core.objectives import scores
from swarm_core.objectives.scores import AnswerFate, Unscored
from swarm_core.objectives.verdict import Verdict
from swarm_core.optimizers import positions
from swarm_core.rollout import AnsweredItem, RolloutTotals
from swarm_trainer.report import front_report
from swarm_trainer.report.columns import COLUMNS
from swarm_trainer.report.search_result import EvaluatedGenerator, FloorVerdict, SearchResult, TermResult

NAME_WIDTH = 24
"""The width of the column with the names of values."""
MAX_SAMPLES = 8
"""The number of sample items shown for each generator."""


def render(result: SearchResult, name: str) -> str:
    """Return the summary as plain text, under 80 columns."""
    return (
        "\n".join(
            [
                *format_headline(result, name),
                "",
                *format_table(result),
                "",
                *format_terms(result),
                *format_supplements(result),
                *format_samples(result),
                "",
                *format_counts(result),
            ]
        )
        + "\n"
    )


def format_headline(result: SearchResult, name: str) -> Iterator[str]:
    """Yield the gain, its interval and the conclusion in words."""
    gain = result.gain
    compared = "gain over the best initial generator" if result.front is None else "gain in hypervolume"
    yield name
    yield f"{compared} {gain.value:+.3f}, 95 % interval {gain.low:+.3f} to {gain.high:+.3f}"
    found = format_finding(result) if result.front is None else front_report.format_finding(result.front)
    yield from textwrap.wrap(found, COLUMNS)


def format_finding(result: SearchResult) -> str:
    """Return what the gain says, in one sentence or two."""
    if result.best is result.initial:
        return "No gain: of the finalists, the best initial generator itself did best in the choice."
    match result.gain.verdict:
        case Verdict.GAIN:
            return "A gain: the best generator found beats the best initial one, on items drawn after the choice."
        case Verdict.LOSS:
            return (
                "A loss: the generator found is worse than the best initial one, on items drawn after the choice. Use"
                " the initial one. The choice was misled; raise spec.evaluation.reserve."
            )
        case Verdict.NOT_RESOLVED:
            return (
                "Not resolved: the interval contains 0, so these items show neither a gain nor a loss. More fresh items"
                " (spec.evaluation.final) narrow it."
            )
        case _:
            assert_never(result.gain.verdict)


def format_table(result: SearchResult) -> Iterator[str]:
    """Yield one row for each initial generator and for the best one."""
    coefficients = "coefficients" if result.best.groups == 1 else "coefficients, mean over layers"
    yield f"{'generator':<14}{'searched':>9}{'fresh':>8}   95 % interval    accepted  {coefficients}"
    for generator in result.initials:
        yield format_row(generator, generator.name)
    yield format_row(result.best, "best" if result.front is None else "knee")
    yield from format_passed_over(result)


def format_terms(result: SearchResult) -> Iterator[str]:
    """Yield one row for each term of a weighted sum, the floors, and a blank line. Yields nothing without terms."""
    if not result.terms:
        return
    yield f"{'value':<{NAME_WIDTH}}{'weight':>8}{'best':>8}{'initial':>9}{'gain':>8}   95 % interval"
    for term in result.terms:
        gain, values = term.gain, f"{term.best.value:>8.3f}{term.initial.value:>9.3f}"
        name = textwrap.shorten(term.name, NAME_WIDTH, placeholder="…")
        yield f"{name:<{NAME_WIDTH}}{term.weight:>8g}{values}{gain.value:>+8.3f}   {gain.low:+.3f} to {gain.high:+.3f}"
    for term in result.terms:
        yield from textwrap.wrap(format_floor(term), COLUMNS)
    if result.start:
        yield "The sum adds these values in standard deviations of the first iteration."
    yield ""


def format_floor(term: TermResult) -> str:
    """Return whether the best generator meets the floor of a term; empty without a floor."""
    found = f"fresh items give {term.best.value:.3f}, 95 % interval {term.best.low:.3f} to {term.best.high:.3f}"
    match term.floor_verdict:
        case None:
            return ""
        case FloorVerdict.MET:
            words = "met"
        case FloorVerdict.MISSED:
            words = "missed"
        case FloorVerdict.NOT_RESOLVED:
            words = "not resolved"
        case _:
            assert_never(term.floor_verdict)
    return f"floor of {term.name} {term.at_least:g}: {words}; {found}"


def format_passed_over(result: SearchResult) -> Iterator[str]:
    """Yield the generators that ranked higher but could not be measured. Yields nothing if there are none."""
    if result.passed_over:
        text = f"ranked higher, but too many fresh answers have no score: {', '.join(result.passed_over)}"
        yield from textwrap.wrap(text, COLUMNS)


def format_row(generator: EvaluatedGenerator, label: str) -> str:
    """Format the row of a generator."""
    asked = sum(rollout.asked - rollout.lost for rollout in generator.rollouts)
    search_value = "" if generator.search_value is None else f"{generator.search_value:.3f}"
    interval = f"{generator.fresh.low:.3f} to {generator.fresh.high:.3f}"
    coefficients = " ".join(f"{value:+.2f}" for value in positions.mean_block(generator.position, generator.groups))
    accepted = generator.fresh.n / max(1, asked)
    return f"{label:<14}{search_value:>9}{generator.fresh.value:>8.3f}   {interval}  {accepted:>9.0%}  {coefficients}"


def format_supplements(result: SearchResult) -> Iterator[str]:
    """Yield the lines of each supplement, followed by a blank line."""
    for one in result.supplements:
        yield from one.format_lines()
        yield ""


def format_samples(result: SearchResult) -> Iterator[str]:
    """Yield sample items of the best generator beside those of the best initial one."""
    what = "items of the best (takers that are right)" if result.best.rollouts[0].takers else "items of the best"
    yield f"{what:<45} items of the best initial one"
    ours, theirs = sample_items(result.best), sample_items(result.initial)
    for left, right in zip(ours, theirs, strict=False):
        yield f"  {left:<44}{right}"


def sample_items(generator: EvaluatedGenerator) -> list[str]:
    """Return sample items, each with the number of takers that answered it right, if takers were asked."""
    items = [item for rollout in generator.rollouts[:1] for item in rollout.items[:MAX_SAMPLES]]
    return [truncate(one.text) + (f" ({count_right(one)}/{len(one.answers)})" if one.answers else "") for one in items]


def truncate(item: str) -> str:
    """Return an item on one line of at most 34 characters."""
    line = " ".join(item.split())
    return line if len(line) <= 34 else line[:33] + "…"


def count_right(item: AnsweredItem) -> int:
    """Return the number of takers whose answer has the full score of 1."""
    return sum(1 for answer in item.answers if not isinstance(answer.score, Unscored) and answer.score == 1.0)


def format_counts(result: SearchResult) -> Iterator[str]:
    """Yield why the search ended and the counts of items, answers and tokens."""
    counts = result.counts
    rejected = ", ".join(f"{count} {gate}" for gate, count in counts.rejected.items()) or "none"
    yield f"search ended: {result.stop}"
    items = f"items requested {counts.asked:,}, accepted {counts.items:,}; rejected: {rejected}"
    yield from textwrap.wrap(items, COLUMNS, subsequent_indent="  ")
    yield from format_answers(counts)
    thinking = f", {counts.thinking_tokens:,} of them thinking" if counts.thinking_tokens else ""
    yield f"tokens generated: {counts.tokens:,}{thinking}"


def format_answers(counts: RolloutTotals) -> Iterator[str]:
    """Yield the fates of each taker's answers, and what the user can do about those without a score."""
    for taker, fates in counts.fates.items():
        yield from textwrap.wrap(f"answers of {taker}: {format_fates(fates)}", COLUMNS, subsequent_indent="  ")
    if counts.spreads:
        yield format_agreement(counts.spreads)
    yield from format_advice(counts)


def format_fates(fates: Mapping[str, int]) -> str:
    """Return the counts of answers by fate, most frequent first."""
    ordered = sorted(fates.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{count:,} {fate}" for fate, count in ordered)


def format_agreement(spreads: Sequence[float]) -> str:
    """Return how far the members of a panel agree. `spreads`: by answer, the highest score less the lowest."""
    same = sum(spread == 0 for spread in spreads) / len(spreads)
    return (
        f"the judges agree on {same:.0%} of {len(spreads):,} answers; mean range of their scores {fmean(spreads):.3f}"
    )


def format_advice(counts: RolloutTotals) -> Iterator[str]:
    """Yield what the user can do about answers without a score, one fate after another."""
    for reason, count in counts.unscored.items():
        text = f"{count:,} answers without a score ({reason}): {scores.advise(AnswerFate(reason))}"
        yield from textwrap.wrap(text, COLUMNS, subsequent_indent="  ")

"""The transfer of a search to takers that it never asked: what they make of the data found and of the initial data.

Limits: each interval is for itself. Of twenty such intervals, about one misses its value. The intervals cover the
drawing of items and answers, and not the choice of the unseen takers or of the generators.
"""

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, assert_never

from swarm_core.objectives.objective import Measurement
from swarm_core.objectives.verdict import Verdict, judge_difference
from swarm_core.rollout import Unmeasured
from swarm_trainer.report.columns import COLUMNS
from swarm_trainer.report.usage_report import Json

NAME_WIDTH = 24

Measured = Measurement | Unmeasured


@dataclass(frozen=True, slots=True)
class UnseenTaker:
    """One taker that the search never asked: its mean score on accepted items, however many were rejected."""

    name: str
    best: Measured
    """On the items of the best generator."""
    initial: Measured
    """On those of the baseline."""
    difference: Measured
    """The first minus the second. It is below 0 if the data found is harder for this taker."""


@dataclass(frozen=True, slots=True)
class GeneratorTransfer:
    """The value of one generator, by the takers of the search and by unseen ones."""

    name: str
    seen: Measurement
    unseen: Measured


@dataclass(frozen=True, slots=True)
class Transfer:
    """The measurements with unseen takers alone, on the items of the final evaluation. It is a `Supplement`."""

    field: ClassVar[str] = "transfer"
    takers: tuple[UnseenTaker, ...]
    generators: tuple[GeneratorTransfer, ...]
    """The initial generators that were measured, and the best one if it is none of them."""
    gain: Measured
    """The value of the best generator minus that of the baseline."""
    kendall: Measured
    """Kendall's tau-b between the values of the generators by the takers of the search and by unseen ones."""
    spearman: Measured
    """Spearman's rho between the same values."""
    tokens: int
    """The number of tokens that unseen takers, and the judge of their answers, generated."""
    unscored: Mapping[str, int]
    """The number of answers of unseen takers without a score, by reason."""

    def to_json(self) -> Json:
        """Return the transfer. A value that could not be measured is `{"unmeasured": REASON}`."""
        return transfer_to_json(self)

    def format_lines(self) -> Iterator[str]:
        """Yield the transfer as lines of text, under 80 columns."""
        yield from format_transfer(self)


def transfer_to_json(transfer: Transfer) -> dict[str, Json]:
    """Return the transfer as JSON."""
    gain = measured_to_json(transfer.gain)
    if isinstance(transfer.gain, Measurement):
        gain["verdict"] = str(judge_difference(transfer.gain.low, transfer.gain.high))
    return {
        "gain": gain,
        "takers": [
            {
                "name": taker.name,
                "best": measured_to_json(taker.best),
                "initial": measured_to_json(taker.initial),
                "difference": measured_to_json(taker.difference),
            }
            for taker in transfer.takers
        ],
        "generators": [
            {"name": one.name, "seen": measured_to_json(one.seen), "unseen": measured_to_json(one.unseen)}
            for one in transfer.generators
        ],
        "rankCorrelation": {
            "kendallTauB": measured_to_json(transfer.kendall),
            "spearmanRho": measured_to_json(transfer.spearman),
        },
        "unscored": dict(transfer.unscored),
        "tokens": transfer.tokens,
    }


def measured_to_json(measured: Measured) -> dict[str, Json]:
    """Return a value with its 95 % interval, or the reason why there is none."""
    if isinstance(measured, Unmeasured):
        return {"unmeasured": measured.reason}
    return {"value": measured.value, "low": measured.low, "high": measured.high}


def format_transfer(transfer: Transfer) -> Iterator[str]:
    """Yield the transfer as lines of text."""
    yield "transfer to takers that the search never asked, on the same fresh items"
    yield from format_gain(transfer.gain)
    yield f"{'mean score of':<{NAME_WIDTH}}{'best':>8}{'initial':>9}{'difference':>12}   95 % interval"
    for taker in transfer.takers:
        yield from format_taker(taker)
    yield "Each interval is for itself: of twenty, about one misses its value."
    yield f"order of {len(transfer.generators)} generators by the search's takers and by these alone:"
    yield from wrap(f"  Kendall's tau-b {format_value(transfer.kendall)}")
    yield from wrap(f"  Spearman's rho {format_value(transfer.spearman)}")
    missing = ", ".join(f"{count:,} {reason}" for reason, count in transfer.unscored.items())
    if missing:
        yield from wrap(f"answers of unseen takers without a score: {missing}")


def wrap(text: str) -> list[str]:
    """Return `text` as lines of the summary."""
    return textwrap.wrap(text, COLUMNS, subsequent_indent="  ")


def format_gain(gain: Measured) -> Iterator[str]:
    """Yield the gain with unseen takers, and what it says."""
    if isinstance(gain, Unmeasured):
        yield from wrap(f"gain with them alone {format_value(gain)}")
    else:
        yield f"gain with them alone {gain.value:+.3f}, 95 % interval {gain.low:+.3f} to {gain.high:+.3f}"
        yield format_finding(gain)


def format_finding(gain: Measurement) -> str:
    """Return what the gain with unseen takers says, in one sentence."""
    if gain.value == gain.low == gain.high == 0:
        return "No gain: the best generator is the initial one."
    verdict = judge_difference(gain.low, gain.high)
    match verdict:
        case Verdict.GAIN:
            return "A gain: the data found is better than the initial data with these takers, too."
        case Verdict.LOSS:
            return "A loss: the data found is worse than the initial data with these takers."
        case Verdict.NOT_RESOLVED:
            return "Not resolved: the interval contains 0."
        case _:
            assert_never(verdict)


def format_taker(taker: UnseenTaker) -> Iterator[str]:
    """Yield the row of an unseen taker, and why a score could not be measured."""
    name = textwrap.shorten(taker.name, NAME_WIDTH, placeholder="…")
    shown = [f"{one.value:.3f}" if isinstance(one, Measurement) else "-" for one in (taker.best, taker.initial)]
    row = f"{name:<{NAME_WIDTH}}{shown[0]:>8}{shown[1]:>9}"
    if isinstance(taker.difference, Unmeasured):
        yield f"{row}{'-':>12}"
        yield from wrap(f"  {taker.name}: {format_value(taker.difference)}")
    else:
        difference = taker.difference
        yield f"{row}{difference.value:>+12.3f}   {difference.low:+.3f} to {difference.high:+.3f}"


def format_value(measured: Measured) -> str:
    """Return a value with its interval, or why there is none."""
    if isinstance(measured, Unmeasured):
        return f"not measured ({measured.reason})"
    return f"{measured.value:.2f}, 95 % interval {measured.low:.2f} to {measured.high:.2f}"

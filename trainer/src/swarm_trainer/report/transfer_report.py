"""The transfer of a search to unseen takers, as text for the summary and as JSON for programs."""

import textwrap
from collections.abc import Iterator
from typing import assert_never

from swarm_core.objectives.objective import Measurement
from swarm_core.objectives.verdict import Verdict, judge_difference
from swarm_core.rollout import Unmeasured
from swarm_trainer.report.transfer_result import Measured, Transfer, UnseenTaker
from swarm_trainer.report.usage_report import Json

COLUMNS = 79
NAME_WIDTH = 24


def to_json(transfer: Transfer) -> dict[str, Json]:
    """Return the transfer. A value that could not be measured is `{"unmeasured": REASON}`."""
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
    """Yield the transfer as lines of text, under 80 columns, and a blank line."""
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
    yield ""


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

"""The fields of receipts: the contract between the steps that write receipts and the code that reads them.

    kind       outputs             scalars
    prepare    experiment          clusters
    train      adapter
    iterate    commit              best, best_particle, best_recipe, mean, initial, stop, items, rejected, unscored,
                                   fates, fitness, held_out, values
    conclude   result, bundle      best, best_particle, best_recipe, initial, gain, gain_low, gain_high, values

The outputs `experiment`, `commit` and `result` are required, because later work needs them. Scalars are for people,
except `stop`. A scalar may be missing (None or no entry). A scalar of the wrong type is an error.
"""

import math
from collections.abc import Iterable
from enum import StrEnum

from swarm_core.engine.work import Receipt
from swarm_core.recipe import Digest


class Output(StrEnum):
    """Names of outputs."""

    EXPERIMENT = "experiment"
    """The manifest of prepare: every input by the digest of its content."""
    ADAPTER = "adapter"
    """The adapter that was trained on one cluster."""
    COMMIT = "commit"
    """The commit of one iteration, which names the commit before it."""
    RESULT = "result"
    """The result document of the run."""
    BUNDLE = "bundle"
    """The folder with all exported results."""


class Scalar(StrEnum):
    """Names of scalars."""

    CLUSTERS = "clusters"
    BEST = "best"
    """The value of the best generator: an estimate of the search (iterate), or a measurement on fresh data (conclude).
    """
    BEST_PARTICLE = "best_particle"
    BEST_RECIPE = "best_recipe"
    """The name of the best generator's recipe."""
    MEAN = "mean"
    """Mean value of the particles that were scored in this iteration."""
    INITIAL = "initial"
    """The value of the best initial generator."""
    STOP = "stop"
    """Why the search ends with this iteration (a `StopReason`); empty while it goes on."""
    ITEMS = "items"
    """Number of items accepted in this iteration. The engine sums over iterations."""
    REJECTED = "rejected"
    """Number of items rejected in this iteration."""
    UNSCORED = "unscored"
    """Number of missing scores in this iteration."""
    FATES = "fates"
    """`fate=number` joined by commas: the number of answers by fate in this iteration. The engine sums."""
    HELD_OUT = "held_out"
    """The mean score of the best taker on held-out data, in a game. It is never used for selection."""
    FITNESS = "fitness"
    """`particle=value` joined by commas, in the order of the particles. An empty value means unscored."""
    VALUES = "values"
    """`name=value` joined by commas: the values of the best generator that a weighted sum adds."""
    GAIN = "gain"
    """Value of the best generator minus that of the best initial generator, on fresh data. `gain_low` and `gain_high`
    are the ends of its 95% interval."""
    GAIN_LOW = "gain_low"
    GAIN_HIGH = "gain_high"


FATES_FORMAT = "write `fate=number` joined by commas, with whole numbers from 0"
FITNESS_FORMAT = "write `name=value` joined by commas, with every value finite or empty"
VALUES_FORMAT = "write `name=value` joined by commas, with every value finite"


class StopReason(StrEnum):
    """The reason why a search ended: one of its own rules, or a limit of the run."""

    ITERATIONS = "Iterations"
    PATIENCE = "Patience"
    STOP_AFTER = "StopAfter"
    """`stopAfter` of the spec was reached."""
    BUDGET = "Budget"
    """The budget is used up."""
    MASTERED = "Mastered"
    """The takers reached the score `mastered` on the pool."""
    UNANSWERED = "Unanswered"
    """The generators reached the difficulty `unanswered`."""


def get_output(receipt: Receipt, name: Output) -> Digest:
    """Return the digest of an output. Raises ValueError if the receipt has no output with that name."""
    if name not in receipt.outputs:
        raise ValueError(
            f"receipt of {receipt.key}: output '{name}' is missing; the step that wrote the receipt must name it"
        )
    return receipt.outputs[name]


def get_number(receipt: Receipt, name: Scalar) -> float | None:
    """Return the number `name`; None if missing. Raises ValueError for text, a boolean or a number that is not
    finite."""
    value = receipt.scalars.get(name)
    if value is None:
        return None
    if isinstance(value, bool | str) or not math.isfinite(value):
        raise ValueError(f"receipt of {receipt.key}: scalar '{name}' is {value!r}; it must be a finite number")
    return value


def get_text(receipt: Receipt, name: Scalar) -> str:
    """Return the text `name`; empty if missing. Raises ValueError for another type."""
    value = receipt.scalars.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"receipt of {receipt.key}: scalar '{name}' is {value!r}; it must be a text")
    return value


def list_other_numbers(receipt: Receipt) -> dict[str, float]:
    """Return the numbers whose names are not in `Scalar`, in the order of their names.

    Raises ValueError for a number that is not finite.
    """
    known = set(Scalar)
    others = {name: value for name, value in sorted(receipt.scalars.items()) if name not in known}
    numbers = {name: value for name, value in others.items() if isinstance(value, int | float)}
    for name, value in numbers.items():
        if not math.isfinite(value):
            raise ValueError(f"receipt of {receipt.key}: scalar '{name}' is {value!r}; it must be a finite number")
    return {name: float(value) for name, value in numbers.items() if not isinstance(value, bool)}


def parse_fitness(receipt: Receipt) -> tuple[tuple[str, float | None], ...]:
    """Return the name and the fitness of each particle; None means unscored. Empty if the scalar is missing.

    Raises ValueError for text that does not have the format of `Scalar.FITNESS`, and for values that are not finite.
    """
    value_text = get_text(receipt, Scalar.FITNESS)
    try:
        pairs = [entry.split("=") for entry in value_text.split(",") if entry]
        fitness = tuple((name, float(value) if value else None) for name, value in pairs)
    except ValueError as error:
        raise ValueError(f"receipt of {receipt.key}: fitness {value_text!r}; {FITNESS_FORMAT}") from error
    if not all(value is None or math.isfinite(value) for _, value in fitness):
        raise ValueError(f"receipt of {receipt.key}: fitness {value_text!r}; {FITNESS_FORMAT}")
    return fitness


def format_values(values: Iterable[tuple[str, float]]) -> str:
    """Format named values for a receipt, with six digits."""
    return ",".join(f"{name}={value:.6g}" for name, value in values)


def parse_values(receipt: Receipt) -> tuple[tuple[str, float], ...]:
    """Return the named values of the best generator. Empty if the scalar is missing.

    Raises ValueError for text that does not have the format of `Scalar.VALUES`.
    """
    text = get_text(receipt, Scalar.VALUES)
    try:
        values = tuple((name, float(value)) for name, value in (entry.split("=") for entry in text.split(",") if entry))
    except ValueError as error:
        raise ValueError(f"receipt of {receipt.key}: values {text!r}; {VALUES_FORMAT}") from error
    if not all(math.isfinite(value) for _, value in values):
        raise ValueError(f"receipt of {receipt.key}: values {text!r}; {VALUES_FORMAT}")
    return values


def parse_fates(receipt: Receipt) -> dict[str, int]:
    """Return the number of answers by fate. Empty if the scalar is missing.

    Raises ValueError for text that does not have the format of `Scalar.FATES`.
    """
    text = get_text(receipt, Scalar.FATES)
    pairs = [entry.split("=") for entry in text.split(",") if entry]
    if not all(len(pair) == 2 and pair[0] and pair[1].isascii() and pair[1].isdigit() for pair in pairs):
        raise ValueError(f"receipt of {receipt.key}: fates {text!r}; {FATES_FORMAT}")
    return {name: int(count) for name, count in pairs}

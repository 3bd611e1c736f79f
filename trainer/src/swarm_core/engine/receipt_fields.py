"""What the receipts of each kind of work carry, by name: the contract between the verbs that write and who reads them.

    kind       outputs             scalars
    prepare    experiment          clusters
    seed       adapter
    iterate    commit              best, best_particle, best_recipe, mean, initial, stop, items, rejected, unscored,
                                   fitness, held_out
    conclude   result, bundle      best, best_particle, best_recipe, initial, gain, gain_low, gain_high

Outputs named `experiment`, `commit` and `result` must be there: later work is built on them. Scalars are for people,
but for `stop`, and may be missing (None, or no entry at all); one of the wrong type is refused, never guessed at.
"""

import math
from enum import StrEnum

from swarm_core.engine.work import Receipt
from swarm_core.recipe import Digest


class Output(StrEnum):
    """Names of outputs."""

    EXPERIMENT = "experiment"
    """Prepare's manifest: every input by the digest of what it holds."""
    ADAPTER = "adapter"
    """The adapter trained on one cluster."""
    COMMIT = "commit"
    """The swarm after one iteration; it names the commit before it."""
    RESULT = "result"
    """The run's result document."""
    BUNDLE = "bundle"
    """The folder of everything the run leaves."""


class Scalar(StrEnum):
    """Names of scalars."""

    CLUSTERS = "clusters"
    BEST = "best"
    """The objective of the best generator: as the search estimates it (iterate), or on fresh data (conclude)."""
    BEST_PARTICLE = "best_particle"
    BEST_RECIPE = "best_recipe"
    """The name of the best generator's recipe."""
    MEAN = "mean"
    """Mean objective of the particles scored in this iteration."""
    INITIAL = "initial"
    """The objective of the best initial generator."""
    STOP = "stop"
    """Why the search ends with this iteration (a `StopReason`); empty while it goes on."""
    ITEMS = "items"
    """Items accepted in this iteration alone; the engine adds up."""
    REJECTED = "rejected"
    """Items rejected in this iteration alone."""
    UNSCORED = "unscored"
    """Missing scores in this iteration alone."""
    HELD_OUT = "held_out"
    """The best's mean score on held-out data, where there is an adversary: shown, never selected by."""
    FITNESS = "fitness"
    """`particle=value` joined by commas, in the order of the particles; nothing after the sign: unscored."""
    GAIN = "gain"
    """Best minus best initial, on fresh data; `gain_low` and `gain_high` bound its interval."""
    GAIN_LOW = "gain_low"
    GAIN_HIGH = "gain_high"


FITNESS_FORMAT = "it must be `name=value` joined by commas, every value finite or left out"


class StopReason(StrEnum):
    """What ends a search: a rule of its own, or a limit set to it."""

    ITERATIONS = "Iterations"
    PATIENCE = "Patience"
    STOP_AFTER = "StopAfter"
    """As far as its owner wanted it to go."""
    BUDGET = "Budget"
    """What it may use is used."""
    MASTERED = "Mastered"
    """The takers answer the pool well enough."""
    UNANSWERED = "Unanswered"
    """The generators write what the takers cannot answer."""


def get_output(receipt: Receipt, name: Output) -> Digest:
    """The digest of an output. Raises ValueError if the receipt has none of that name."""
    if name not in receipt.outputs:
        raise ValueError(f"receipt of {receipt.key}: output '{name}' is missing; the verb must name it before it ends")
    return receipt.outputs[name]


def get_number(receipt: Receipt, name: Scalar) -> float | None:
    """A finite number; None if missing. Raises ValueError for anything else."""
    value = receipt.scalars.get(name)
    if value is None:
        return None
    if isinstance(value, bool | str) or not math.isfinite(value):
        raise ValueError(f"receipt of {receipt.key}: scalar '{name}' is {value!r}; it must be a finite number")
    return value


def get_text(receipt: Receipt, name: Scalar) -> str:
    """A text; empty if missing. Raises ValueError for anything else."""
    value = receipt.scalars.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"receipt of {receipt.key}: scalar '{name}' is {value!r}; it must be a text")
    return value


def list_other_numbers(receipt: Receipt) -> dict[str, float]:
    """The numbers whose names are none of `Scalar`, in the order of their names; those that are not finite are refused.

    Raises ValueError.
    """
    known = set(Scalar)
    others = {name: value for name, value in sorted(receipt.scalars.items()) if name not in known}
    numbers = {name: value for name, value in others.items() if isinstance(value, int | float)}
    for name, value in numbers.items():
        if not math.isfinite(value):
            raise ValueError(f"receipt of {receipt.key}: scalar '{name}' is {value!r}; it must be a finite number")
    return {name: float(value) for name, value in numbers.items() if not isinstance(value, bool)}


def parse_fitness(receipt: Receipt) -> tuple[tuple[str, float | None], ...]:
    """Particles by name with their fitness, None if unscored; empty if missing. Raises ValueError if unreadable."""
    said = get_text(receipt, Scalar.FITNESS)
    try:
        pairs = [entry.split("=") for entry in said.split(",") if entry]
        found = tuple((name, float(value) if value else None) for name, value in pairs)
    except ValueError as error:
        raise ValueError(f"receipt of {receipt.key}: fitness {said!r}; {FITNESS_FORMAT}") from error
    if not all(value is None or math.isfinite(value) for _, value in found):
        raise ValueError(f"receipt of {receipt.key}: fitness {said!r}; {FITNESS_FORMAT}")
    return found

"""The transfer of a search to takers that it never asked: what they make of the data found and of the initial data.

Limits: each interval is for itself. Of twenty such intervals, about one misses its value. The intervals cover the
drawing of items and answers, and not the choice of the unseen takers or of the generators.
"""

from dataclasses import dataclass, field

from swarm_core.objectives.objective import Measurement
from swarm_core.rollout import Unmeasured

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
    """The measurements with unseen takers alone, on the items of the final evaluation."""

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
    unscored: dict[str, int] = field(default_factory=dict)
    """The number of answers of unseen takers without a score, by reason."""

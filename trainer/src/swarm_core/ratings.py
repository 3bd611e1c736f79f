"""Elo ratings of the generators and takers of a game, from a matrix of their results.

The matrix has the share of a generator's items that a taker answers incorrectly, [generator][taker], which counts as
the share that the generator wins. In a game that makes progress, values rise from earlier to later generators and fall
from earlier to later takers. In a game that cycles, later takers lose to earlier generators.

Ratings are Elo's: 400 points are odds of 10 to 1. They are the maximum-likelihood strengths of Bradley and Terry
(Biometrika 39, 1952) by Hunter's iteration (Annals of Statistics 32, 2004), and their mean is 0.
"""

from collections.abc import Sequence
from math import fsum

from swarm_core import portable_math

ITERATIONS = 200
"""The number of iterations. Hunter's iteration gains a digit in a few of them on a full matrix."""
PRIOR_WINS = 0.5
"""Half a win and half a loss against a player of strength 1 are added to every player. Without them, the rating of a
player that never loses would be unbounded."""
POINTS_PER_LOG_STRENGTH = 400.0 / 2.302585092994046
"""Elo points per unit of the natural logarithm of the strength."""

Matrix = Sequence[Sequence[float]]


def compute_elo(wins: Matrix) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the ratings of the generators, [generator], and of the takers, [taker], in Elo points with mean 0.

    `wins`: the share that each generator wins against each taker, [generator][taker], in [0, 1]. Raises ValueError for
    an empty matrix and for rows of different lengths.
    """
    if not wins or not wins[0] or any(len(row) != len(wins[0]) for row in wins):
        raise ValueError("ratings need a full matrix: one row per generator, one entry per taker in each")
    ours, theirs = [1.0] * len(wins), [1.0] * len(wins[0])
    columns = list(zip(*wins, strict=True))
    for _ in range(ITERATIONS):
        ours = [_update_strength(row, own, theirs) for row, own in zip(wins, ours, strict=True)]
        losses = [[1.0 - won for won in column] for column in columns]
        theirs = [_update_strength(column, own, ours) for column, own in zip(losses, theirs, strict=True)]
    rated = [POINTS_PER_LOG_STRENGTH * portable_math.ln(strength) for strength in (*ours, *theirs)]
    middle = fsum(rated) / len(rated)
    rated = [one - middle for one in rated]
    return tuple(rated[: len(ours)]), tuple(rated[len(ours) :])


def _update_strength(won: Sequence[float], own: float, others: Sequence[float]) -> float:
    """Return one step of Hunter's iteration for one player: its wins divided by the sum of 1 / (own + other)."""
    games = fsum(1.0 / (own + other) for other in others) + 2.0 * PRIOR_WINS / (own + 1.0)
    return (fsum(won) + PRIOR_WINS) / games

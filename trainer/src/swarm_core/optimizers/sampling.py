"""Random positions that do not depend on scores."""

from swarm_core import streams
from swarm_core.optimizers import positions
from swarm_core.optimizers.positions import Position

HALF_WIDTH = 1.5
"""The box has the analogies, whose coefficients are -1, 0 and 1, and a margin of 0.5. Particles may go to 2.5, but most
adapters of that box write broken text."""


def uniform_positions(
    seed: int, basis: int, iteration: int, count: int, half_width: float = HALF_WIDTH
) -> tuple[Position, ...]:
    """Return `count` positions: each coefficient uniform in [-half_width, half_width], then shifted to sum 1."""
    return tuple(
        positions.shift_to_sum_one(
            tuple(
                half_width * (2.0 * streams.uniform(seed, "scatter", iteration, index, axis) - 1.0)
                for axis in range(basis)
            )
        )
        for index in range(count)
    )

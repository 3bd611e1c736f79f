"""The comparison at the end of a game: the baseline favors the initial takers, and the interval knows that it does."""

from functools import cache
from statistics import fmean

from swarm_core import streams
from swarm_trainer.programs.adversarial_run import taker_comparison
from swarm_trainer.report.game_result import Comparison

ITEMS, GAMES = 48, 100


@cache
def compare(game: int, initial: int) -> Comparison:
    """A game whose takers are all right on half of the items, which they draw independently."""

    def score(taker: int) -> tuple[float, ...]:
        return tuple(float(streams.uniform(game, "right", taker, item) < 0.5) for item in range(ITEMS))

    others = {f"t{taker:02d}": score(taker) for taker in range(1, initial + 1)}
    return taker_comparison.compare_takers("real", score(0), others, range(ITEMS), 0.9, game)


def test_a_baseline_that_is_selected_on_the_same_items_makes_the_gain_smaller_and_never_larger() -> None:
    one, four = ([compare(game, initial) for game in range(GAMES)] for initial in (1, 4))
    assert abs(fmean(found.gain.value for found in one)) < 0.02
    assert -0.11 < fmean(found.gain.value for found in four) < -0.05
    assert all(few.gain.value >= many.gain.value for few, many in zip(one, four, strict=True))


def test_the_interval_contains_the_gain_over_level_initial_takers_in_spite_of_that() -> None:
    found = [compare(game, 4).gain for game in range(GAMES)]
    assert sum(gain.low > 0 for gain in found) <= 0.04 * GAMES
    assert 0.90 * GAMES <= sum(gain.low <= 0 <= gain.high for gain in found) <= 0.99 * GAMES

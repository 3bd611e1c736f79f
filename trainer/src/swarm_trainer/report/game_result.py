"""The result of a game: each side at its end compared with its start, and each round against every other."""

from dataclasses import dataclass

from swarm_trainer.report.rounds import Round
from swarm_trainer.report.search_result import Interval, SearchResult

MAX_EXAMPLES = 4
"""The number of sample items shown for each round."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The last round's best taker compared with the best initial taker, on one kind of items."""

    source: str
    """The kind of items: `real`, `rivals` or `game`."""
    items: int
    """The number of items."""
    baseline: str
    """The name of the initial taker with the highest mean score on these items."""
    initial: float
    """The mean score of the baseline."""
    final: float
    """The mean score of the last round's best taker."""
    gain: Interval
    """The final score minus the initial one."""


@dataclass(frozen=True, slots=True)
class GameResult:
    """The result of the whole game."""

    generators: SearchResult
    """The result of the generators, measured with the initial takers on fresh items."""
    comparisons: tuple[Comparison, ...]
    """The comparisons of the takers: on real items first, on the game's own items last."""
    rounds: tuple[Round, ...]
    matrix: tuple[tuple[float, ...], ...]
    """The share of items that the taker gets wrong, from 0 to 1: [generators' round][takers' round]."""
    ratings: tuple[tuple[float, ...], tuple[float, ...]]
    """The Elo ratings of the generators and of the takers, by round."""
    examples: tuple[tuple[str, ...], ...]
    """Sample items of each round's best generator."""

    @property
    def finding(self) -> str:
        """Whether the takers improved, and on which items, in one sentence."""
        outside, inside = self.comparisons[0].gain.low > 0, self.comparisons[-1].gain.low > 0
        if outside:
            return "The takers improved on real items that neither side has seen."
        if inside:
            return "The takers improved only on the game's items; no gain is shown on real items."
        return "No improvement of the takers is shown, neither on the game's items nor on real items."

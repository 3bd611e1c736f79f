"""The result of a game: each side at its end compared with its start, and each round against every other."""

from dataclasses import dataclass
from typing import assert_never

from swarm_core.objectives.verdict import Verdict
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
        """What became of the takers on real items and on the game's items, in one sentence."""
        outside, inside = self.comparisons[0].gain.verdict, self.comparisons[-1].gain.verdict
        on_game = {
            Verdict.GAIN: "they improved on the game's own items",
            Verdict.LOSS: "they became worse on the game's own items",
            Verdict.NOT_RESOLVED: "on the game's own items the interval contains 0",
        }[inside]
        match outside:
            case Verdict.GAIN:
                return "The takers improved on real items that neither side has seen."
            case Verdict.LOSS:
                return f"The takers became worse on real items that neither side has seen; {on_game}."
            case Verdict.NOT_RESOLVED:
                return f"Neither a gain nor a loss of the takers is resolved on real items; {on_game}."
            case _:
                assert_never(outside)

"""What a game found: both sides at the end against themselves at the start, and every round against every other."""

from dataclasses import dataclass

from swarm_trainer.report.rounds import Round
from swarm_trainer.report.search_result import Interval, SearchResult

MAX_EXAMPLES = 4
"""Items shown of each round: enough to see what got harder."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The last taker against the best initial one, on one kind of items."""

    source: str
    """`real`, `rivals` or `game`."""
    items: int
    baseline: str
    """The initial taker that does best on these items."""
    initial: float
    """Its mean score."""
    final: float
    gain: Interval


@dataclass(frozen=True, slots=True)
class GameResult:
    """What the run found."""

    generators: SearchResult
    """For the initial takers, on fresh items."""
    comparisons: tuple[Comparison, ...]
    """The real items first, the game's own last."""
    rounds: tuple[Round, ...]
    matrix: tuple[tuple[float, ...], ...]
    """[generators' round][takers' round]: the share of items that the taker gets wrong."""
    ratings: tuple[tuple[float, ...], tuple[float, ...]]
    """Elo of the generators and of the takers, by round."""
    examples: tuple[tuple[str, ...], ...]
    """Items of each round's best generator."""

    @property
    def finding(self) -> str:
        """Whether takers improved, and where, in a sentence."""
        outside, inside = self.comparisons[0].gain.low > 0, self.comparisons[-1].gain.low > 0
        if outside:
            return "The takers improved on real items that neither side has seen."
        if inside:
            return "The takers improved on the game alone: on real items no gain is shown."
        return "No improvement of the takers is shown, neither on the game's items nor on real ones."

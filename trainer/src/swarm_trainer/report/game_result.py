"""The result of a game: each side at its end compared with its start, and each round against every other.

A comparison on items that the takers were selected by has a value and an interval, but no verdict.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from swarm_core.objectives.verdict import Verdict
from swarm_trainer.report.rounds import Round
from swarm_trainer.report.search_result import Interval, SearchResult

GAME_ITEMS = "game"
"""The name of the items of every round's best generator, which takers are selected by."""
MAX_EXAMPLES = 4
"""The number of sample items shown for each round."""


TAKERS_FINDING: Mapping[Verdict, str] = {
    Verdict.GAIN: "The takers improved on real items that neither side has seen.",
    Verdict.LOSS: "The takers became worse on real items that neither side has seen.",
    Verdict.NOT_RESOLVED: "Neither a gain nor a loss of the takers is resolved on real items.",
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """The last round's best taker compared with the best initial taker, on one kind of items."""

    source: str
    """The kind of items: `real`, `rivals`, or `GAME_ITEMS`."""
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

    @property
    def selected(self) -> bool:
        """Whether the last taker was selected by its answers to these very items, which inflates the gain."""
        return self.source == GAME_ITEMS

    @property
    def verdict(self) -> Verdict | None:
        """What the interval says about the gain; None if the taker was selected by these items."""
        return None if self.selected else self.gain.verdict


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
        """What became of the takers on real items, in one sentence."""
        verdict = self.comparisons[0].verdict
        assert verdict is not None  # takers are not selected by the real items of the final evaluation
        return TAKERS_FINDING[verdict]

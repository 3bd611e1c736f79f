"""The figure of a game: scores by round, held-out scores, each round against every other, and the ratings."""

from pathlib import Path

from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from swarm_trainer.report.game_result import GameResult
from swarm_trainer.report.search_figure import BEST_COLOR, INITIAL_COLOR, style_axes

DIFFICULTY_COLOR = "#b5443c"
REAL_COLOR, RIVALS_COLOR = "#0b6e4f", "#7fb69f"


def draw(game: GameResult, title: str, out: Path) -> None:
    """Write the figure as PNG. The same run gives the same bytes with the same version of matplotlib."""
    figure = Figure(figsize=(11, 7.4), dpi=130, layout="constrained")
    (rounds, held_out), (matrix, elo) = figure.subplots(2, 2)
    plot_rounds(rounds, game)
    plot_held_out(held_out, game)
    plot_matrix(matrix, game)
    plot_ratings(elo, game)
    figure.suptitle(f"{title}\n{game.finding}", x=0.01, ha="left", fontsize=11)
    figure.savefig(out, metadata={"Software": None})


def plot_rounds(axes: Axes, game: GameResult) -> None:
    """Plot the best taker before and after each round: the new pool lowers its score, the takers' move raises it."""
    points = []
    for one in game.rounds:
        points += [(one.number - 0.25, one.before), (one.number + 0.25, one.after)]
    known = [(x, y) for x, y in points if y is not None]
    axes.plot(*zip(*known, strict=True), "-o", color=BEST_COLOR, ms=4, label="best taker on the pool")
    difficulties = [(one.number, one.difficulty) for one in game.rounds if one.difficulty is not None]
    axes.plot(
        *zip(*difficulties, strict=True), "--s", color=DIFFICULTY_COLOR, ms=4, label="difficulty of the best generator"
    )
    axes.set_title("the game (search scores)", loc="left", fontsize=10)
    label_axes(axes, "score")


def plot_held_out(axes: Axes, game: GameResult) -> None:
    """Plot the score of each round's best taker on items that neither side has seen."""
    for name, color, label in (("real", REAL_COLOR, "real items"), ("rivals", RIVALS_COLOR, "rivals' items")):
        known = [(one.number, getattr(one, name)) for one in game.rounds if getattr(one, name) is not None]
        if known:
            axes.plot(*zip(*known, strict=True), "-o", color=color, ms=4, label=label)
    comparison = game.comparisons[0]
    axes.axhline(
        comparison.initial,
        color=INITIAL_COLOR,
        lw=1,
        ls="--",
        label="best initial taker, items of the final evaluation",
    )
    gain = comparison.gain
    gain_text = f"gain on real items {gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"
    axes.set_title(f"outside the game; {gain_text}", loc="left", fontsize=10)
    label_axes(axes, "best taker's mean score")


def plot_matrix(axes: Axes, game: GameResult) -> None:
    """Plot the win rate of each round's generator against each round's taker. Red: the generator wins."""
    axes.imshow(game.matrix, cmap="RdYlGn_r", vmin=0, vmax=1, origin="lower", aspect="auto")
    axes.set(xlabel="takers of round", ylabel="generators of round")
    axes.set_title("share of items that takers get wrong", loc="left", fontsize=10)
    if len(game.matrix) <= 16:
        for row, values in enumerate(game.matrix):
            for column, value in enumerate(values):
                axes.text(column, row, f"{100 * value:.0f}", ha="center", va="center", fontsize=7)


def plot_ratings(axes: Axes, game: GameResult) -> None:
    """Plot the Elo ratings of both sides on one scale."""
    for side, color, label in zip(game.ratings, (DIFFICULTY_COLOR, BEST_COLOR), ("generators", "takers"), strict=True):
        axes.plot(range(len(side)), side, "-o", color=color, ms=4, label=label)
    axes.set_title("ratings from that matrix", loc="left", fontsize=10)
    label_axes(axes, "Elo")


def label_axes(axes: Axes, ylabel: str) -> None:
    """Label the axes, with integer rounds on the x-axis, and add a legend."""
    axes.set(xlabel="round", ylabel=ylabel)
    axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    axes.legend(fontsize=8, frameon=False)
    style_axes(axes)

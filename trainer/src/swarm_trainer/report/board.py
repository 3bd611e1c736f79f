"""The picture of a game: the saw-tooth, held-out scores, every round against every other, and the ratings."""

from pathlib import Path

from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from swarm_trainer.report.duel import Duel
from swarm_trainer.report.picture import BEST, INITIAL, quiet

HARD = "#b5443c"
REAL, RIVALS = "#0b6e4f", "#7fb69f"


def draw(duel: Duel, title: str, out: Path) -> None:
    """Write the picture as PNG. The same run gives the same bytes with one version of matplotlib."""
    figure = Figure(figsize=(11, 7.4), dpi=130, layout="constrained")
    (saw, held), (matrix, elo) = figure.subplots(2, 2)
    sawtooth(saw, duel)
    held_out(held, duel)
    versus(matrix, duel)
    ratings(elo, duel)
    figure.suptitle(f"{title}\n{duel.finding}", x=0.01, ha="left", fontsize=11)
    figure.savefig(out, metadata={"Software": None})


def sawtooth(axes: Axes, duel: Duel) -> None:
    """Each round: the new pool pulls the best taker down, moving brings takers up again."""
    points = []
    for one in duel.rounds:
        points += [(one.number - 0.25, one.before), (one.number + 0.25, one.after)]
    known = [(x, y) for x, y in points if y is not None]
    axes.plot(*zip(*known, strict=True), "-o", color=BEST, ms=4, label="best taker on the pool")
    hard = [(one.number, one.difficulty) for one in duel.rounds if one.difficulty is not None]
    axes.plot(*zip(*hard, strict=True), "--s", color=HARD, ms=4, label="difficulty of the best generator")
    axes.set_title("the game (search scores)", loc="left", fontsize=10)
    finish(axes, "score")


def held_out(axes: Axes, duel: Duel) -> None:
    """The best taker of each round on what neither side has seen."""
    for name, color, label in (("real", REAL, "real items"), ("rivals", RIVALS, "rivals' items")):
        known = [(one.number, getattr(one, name)) for one in duel.rounds if getattr(one, name) is not None]
        if known:
            axes.plot(*zip(*known, strict=True), "-o", color=color, ms=4, label=label)
    truth = duel.truths[0]
    axes.axhline(truth.initial, color=INITIAL, lw=1, ls="--", label="best initial taker, items of the verdict")
    gain = truth.gain
    told = f"verdict on real items: {gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"
    axes.set_title(f"outside the game; {told}", loc="left", fontsize=10)
    finish(axes, "best taker's mean score")


def versus(axes: Axes, duel: Duel) -> None:
    """Every generator against every taker: red, the generator wins."""
    axes.imshow(duel.matrix, cmap="RdYlGn_r", vmin=0, vmax=1, origin="lower", aspect="auto")
    axes.set(xlabel="takers of round", ylabel="generators of round")
    axes.set_title("share of items that takers get wrong", loc="left", fontsize=10)
    if len(duel.matrix) <= 16:
        for row, values in enumerate(duel.matrix):
            for column, value in enumerate(values):
                axes.text(column, row, f"{100 * value:.0f}", ha="center", va="center", fontsize=7)


def ratings(axes: Axes, duel: Duel) -> None:
    """Both sides on one scale."""
    for side, color, label in zip(duel.ratings, (HARD, BEST), ("generators", "takers"), strict=True):
        axes.plot(range(len(side)), side, "-o", color=color, ms=4, label=label)
    axes.set_title("ratings from that matrix", loc="left", fontsize=10)
    finish(axes, "Elo")


def finish(axes: Axes, what: str) -> None:
    axes.set(xlabel="round", ylabel=what)
    axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    axes.legend(fontsize=8, frameon=False)
    quiet(axes)

"""The figure of a search for a front: the hypervolume by iteration, and the front on fresh items with its intervals.

Limits: it shows the first two objectives. The values of further ones are in the summary.
"""

from collections.abc import Sequence
from pathlib import Path

from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from swarm_core import commit
from swarm_core.commit import Commit
from swarm_core.optimizers import optimization
from swarm_trainer.report.front_report import describe_roles
from swarm_trainer.report.search_figure import BEST_COLOR, INITIAL_COLOR, PALE_COLOR, style_axes
from swarm_trainer.report.search_result import EvaluatedGenerator, FrontResult, SearchResult


def draw(commits: Sequence[Commit], result: SearchResult, front: FrontResult, title: str, out: Path) -> None:
    """Write the figure as PNG. The same run gives the same bytes with the same version of matplotlib."""
    figure = Figure(figsize=(11, 4.6), dpi=140, layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.2, 1))
    plot_hypervolume(left, commits, result)
    plot_front(right, commits, result, front)
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    figure.savefig(out, metadata={"Software": None})


def plot_hypervolume(axes: Axes, commits: Sequence[Commit], result: SearchResult) -> None:
    """Plot the hypervolume of the archive after each iteration."""
    attained = [(one.iteration, optimization.attained(optimization.from_json(one.swarm))) for one in commits]
    steps = [(iteration, value) for iteration, value in attained if value is not None]
    axes.step(*zip(*steps, strict=True), color=BEST_COLOR, lw=2, where="post")
    axes.set(xlabel="iteration", ylabel=result.label)
    axes.set_title("while searching (noisy, selected)", loc="left", fontsize=10)
    axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    style_axes(axes)


def plot_front(axes: Axes, commits: Sequence[Commit], result: SearchResult, front: FrontResult) -> None:
    """Plot the candidates of the search, the initial generators and the points of the front by two values."""
    (first, *_), (second, *_) = front.units[:2]
    seen = [commit.get_values(candidate.values) for done in commits for candidate in done.candidates]
    points = [(one[first], one[second]) for one in seen if one[first] is not None and one[second] is not None]
    if points:
        axes.plot(*zip(*points, strict=True), "o", color=PALE_COLOR, ms=3, alpha=0.6, label="searched")
    for index, generator in enumerate(result.initials):
        plot_generator(axes, generator, (first, second), INITIAL_COLOR, "initial" if index == 0 else None)
        label_generator(axes, generator, (first, second), generator.name, below=True)
    for index, point in enumerate(front.points):
        plot_generator(axes, point.generator, (first, second), BEST_COLOR, "found" if index == 0 else None)
        label_generator(axes, point.generator, (first, second), describe_roles(point))
    gain = front.gain
    title = f"on fresh items: hypervolume {gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"
    axes.set(xlabel=first.lower(), ylabel=second.lower())
    axes.set_title(title, loc="left", fontsize=10)
    axes.legend(fontsize=8, frameon=False)
    style_axes(axes)


def plot_generator(
    axes: Axes, generator: EvaluatedGenerator, names: tuple[str, str], color: str, label: str | None
) -> None:
    """Plot one generator with the 95 % intervals of its two values."""
    across, up = (generator.measurements[name] for name in names)
    axes.errorbar(
        across.value,
        up.value,
        xerr=[[across.value - across.low], [across.high - across.value]],
        yerr=[[up.value - up.low], [up.high - up.value]],
        fmt="o",
        color=color,
        capsize=3,
        label=label,
    )


def label_generator(
    axes: Axes, generator: EvaluatedGenerator, names: tuple[str, str], text: str, *, below: bool = False
) -> None:
    """Write a text above or below a generator, so that an initial one that was found has both texts."""
    place = tuple(generator.measurements[name].value for name in names)
    axes.annotate(text, (place[0], place[1]), xytext=(5, -12 if below else 5), textcoords="offset points", fontsize=8)

"""The figure of a search: the fitness of each candidate by iteration, and the final evaluation on fresh items."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from swarm_core.commit import Commit
from swarm_core.optimizers import optimization
from swarm_trainer.report.search_result import EvaluatedGenerator, SearchResult

BEST_COLOR, INITIAL_COLOR, PALE_COLOR = "#0b6e4f", "#8d99ae", "#c9d6df"
LABEL_WIDTH = 48
"""The most characters on one line of a label."""
MARKERS = {"Start": "D", "Explore": "o", "Remeasure": "x"}


def draw(commits: Sequence[Commit], result: SearchResult, title: str, out: Path) -> None:
    """Write the figure as PNG. The same run gives the same bytes with the same version of matplotlib."""
    figure = Figure(figsize=(11, 4.6), dpi=140, layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(2.2, 1), sharey=True)
    plot_search(left, commits, result)
    plot_fresh_values(right, result)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower left", ncols=5, fontsize=8, frameon=False)
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    figure.savefig(out, metadata={"Software": None})


def plot_candidates(axes: Axes, commits: Sequence[Commit]) -> None:
    """Plot the fitness of each candidate of each iteration, with a marker for its purpose."""
    for purpose, marker in MARKERS.items():
        points = [
            (commit.iteration, candidate.fitness)
            for commit in commits
            for candidate in commit.candidates
            if candidate.purpose == purpose and candidate.fitness is not None
        ]
        if points:
            label = {"Start": "start", "Explore": "particle", "Remeasure": "best, measured again"}[purpose]
            axes.plot(*zip(*points, strict=True), marker, color=INITIAL_COLOR, ms=4, alpha=0.75, label=label, ls="none")


def plot_search(axes: Axes, commits: Sequence[Commit], result: SearchResult) -> None:
    """Plot each candidate of each iteration, and the swarm's estimate of the best value."""
    plot_candidates(axes, commits)
    best_values = [(commit.iteration, optimization.best(optimization.from_json(commit.swarm))) for commit in commits]
    steps = [(iteration, best.value) for iteration, best in best_values if best is not None]
    axes.step(*zip(*steps, strict=True), color=BEST_COLOR, lw=2, where="post", label="best, averaged")
    axes.axhline(result.initial.fresh.value, color=INITIAL_COLOR, lw=1, ls="--", label="best initial, fresh items")
    axes.set(xlabel="iteration", ylabel="\n".join(textwrap.wrap(result.label, LABEL_WIDTH)))
    axes.set_title("while searching (noisy, selected)", loc="left", fontsize=10)
    axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    style_axes(axes)


def plot_fresh_values(axes: Axes, result: SearchResult) -> None:
    """Plot the values on fresh items with their 95 % intervals: the initial generators, then the best one."""
    generators: list[EvaluatedGenerator] = [*result.initials, result.best]
    for column, generator in enumerate(generators):
        value, color = generator.fresh.value, BEST_COLOR if generator is result.best else PALE_COLOR
        error = [[max(0.0, value - generator.fresh.low)], [max(0.0, generator.fresh.high - value)]]
        axes.bar(column, value, color=color, width=0.7, yerr=error, capsize=3, ecolor="#333333")
        axes.text(column, generator.fresh.high + 0.01, f"{value:.2f}", ha="center", va="bottom", fontsize=8)
    axes.set_xticks(range(len(generators)), [*(generator.name for generator in result.initials), "best"])
    gain = result.gain
    title = f"on fresh items: gain {gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"
    axes.set_title(title, loc="left", fontsize=10)
    style_axes(axes)


def style_axes(axes: Axes) -> None:
    """Remove the top and right borders and add a light grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#eeeeee")
    axes.set_axisbelow(True)

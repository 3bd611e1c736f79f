"""The calibration of a judge as a table, and as JSON."""

from collections.abc import Iterator

from swarm_core.judges.calibration import Calibration, Figure
from swarm_trainer.report.usage_report import Json


def format_lines(judge: str, found: Calibration) -> Iterator[str]:
    """Yield the table: one figure per line, each with its 95% interval and its number of answers."""
    missing = ", ".join(f"{count:,} {reason}" for reason, count in found.unscored.items()) or "none"
    yield f"judge {judge}, {found.answers:,} answers; without a score: {missing}"
    yield f"  {'figure':<38}{'value':>8}  {'95% interval':<17}{'answers':>8}"
    yield format_figure("accuracy", found.accuracy)
    yield format_figure("Cohen's kappa", found.kappa)
    yield format_figure("bias (score - gold score)", found.bias)
    yield format_figure("wrong answers with full marks", found.full_marks)
    for group in found.lengths:
        name = f"of {group.shortest:,} to {group.longest:,} characters"
        yield format_figure(f"accuracy {name}", group.accuracy)
        yield format_figure(f"bias {name}", group.bias)


def format_figure(name: str, figure: Figure) -> str:
    """Return a figure on one line."""
    value = "-" if figure.value is None else f"{figure.value:.3f}"
    return f"  {name:<38}{value:>8}  {f'{figure.low:.3f} to {figure.high:.3f}':<17}{figure.answers:>8,}"


def build_figures(judge: str, found: Calibration) -> dict[str, Json]:
    """Return the figures for programs."""
    return {
        "judge": judge,
        "answers": found.answers,
        "unscored": dict(found.unscored),
        "accuracy": figure_to_json(found.accuracy),
        "kappa": figure_to_json(found.kappa),
        "bias": figure_to_json(found.bias),
        "fullMarksOfWrongAnswers": figure_to_json(found.full_marks),
        "byLength": [
            {
                "shortest": group.shortest,
                "longest": group.longest,
                "accuracy": figure_to_json(group.accuracy),
                "bias": figure_to_json(group.bias),
            }
            for group in found.lengths
        ],
    }


def figure_to_json(figure: Figure) -> dict[str, Json]:
    """Return a figure; its value is null if it is not defined."""
    return {"value": figure.value, "low": figure.low, "high": figure.high, "answers": figure.answers}

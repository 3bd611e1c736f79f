"""Figures of a status as text for people: rounded, while the status keeps the exact value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_core import catalog
from swarm_core.api import custom_resources, figures
from swarm_core.api.figures import Figure, FigureShape

GAIN = Figure("gain", "gain", FigureShape.DIFFERENCE, column="Gain")
BEST = Figure("best", "best", column="Best")
FINITE = st.floats(-1e6, 1e6)


@pytest.mark.parametrize(
    ("figure", "status", "cell"),
    [
        (BEST, {"best": 0.48148148148148145}, "0.481"),
        (BEST, {"best": {"value": 0.48148148148148145, "particle": "p03"}}, "0.481"),
        (BEST, {"best": -0.0001}, "0.000"),
        (GAIN, {"gain": {"value": 0.0241, "low": 0.012, "high": 0.0362}}, "+0.024 ±0.012"),
        (GAIN, {"gain": {"value": 0.1, "low": -0.2, "high": 0.15}}, "+0.100 ±0.300"),
        (GAIN, {"gain": {"value": -0.2, "low": -0.3, "high": -0.1}}, "-0.200 ±0.100"),
        (
            Figure("values", "values", FigureShape.VALUES, column="Values"),
            {"values": [{"name": "Difficulty", "value": 0.51234}, {"name": "Novelty", "value": 0.0004}]},
            "Difficulty 0.512, Novelty 0.000",
        ),
        (Figure("n", "n", FigureShape.COUNT, column="N"), {"n": 12}, "12"),
        (Figure("round", "round", FigureShape.PROGRESS, column="Progress"), {"round": 3, "rounds": 10}, "3/10"),
    ],
)
def test_a_cell_is_short(figure: Figure, status: dict[str, object], cell: str) -> None:
    assert figures.format_columns([figure], status) == {figure.field: cell}


def test_counts_name_what_was_counted() -> None:
    answers = Figure("answers", "answers", FigureShape.COUNTS)
    status = {"answers": {"scored": 118, "cutOff": 3}}
    assert figures.format_short(answers, status) == "answers 118 Scored, 3 CutOff"
    assert figures.format_finding(answers, status) == "118 Scored, 3 CutOff"


@given(value=FINITE, down=st.floats(0, 1e3), up=st.floats(0, 1e3))
def test_a_margin_never_claims_more_than_the_interval(value: float, down: float, up: float) -> None:
    cell = figures.format_cell(GAIN, {"gain": {"value": value, "low": value - down, "high": value + up}})
    shown, margin = cell.split(" ±")
    assert float(shown) - float(margin) <= value - down + 0.0011
    assert float(shown) + float(margin) >= value + up - 0.0011


@given(value=FINITE)
def test_a_cell_is_within_half_of_its_last_digit(value: float) -> None:
    assert abs(float(figures.format_cell(BEST, {"best": value})) - value) <= 0.0005 + 1e-9


def test_a_figure_without_a_value_or_a_column_has_no_cell() -> None:
    assert figures.format_columns([BEST, Figure("x", "x")], {"best": None, "x": 1.0}) == {}


@pytest.mark.parametrize("kind", catalog.PROGRAMS)
def test_every_kind_has_the_same_first_and_last_columns(kind: str) -> None:
    resource = custom_resources.find_resource(kind)
    usual = [column.title for column in resource.columns if not column.wide]
    assert usual[:3] == ["Phase", "Reason", "Progress"]
    assert usual[-3:] == ["Gain", "GPU-h", "Age"]
    assert resource.columns[-1].title == "Message"
    fields = resource.status.model_json_schema(by_alias=True)["properties"]
    assert {one.field for one in resource.figures} <= set(fields)

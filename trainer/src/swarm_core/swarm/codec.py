"""A swarm as JSON text and back, exactly: floats are written by their shortest decimal that reads back the same.

The text is canonical (sorted keys, no spaces), so equal swarms have equal digests. A rule is written with its name.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import fields as fields_of
from typing import Any

from swarm_core.recipe import canonical_json
from swarm_core.swarm.plan import CmaEs, Compat, Plan, Published, RandomSearch, Rule, Standard
from swarm_core.swarm.positions import Position
from swarm_core.swarm.state import Evolution, Measured, Particle, Swarm, Trace

LATER: Mapping[str, object] = {"groups": 1, "cohesion": 0.2, "rescored": False, "decay": 1.0, "scattered": 0}
"""What came later, with the value that a search had before there was any. It is left out where it has this value and
meant where it is left out: a swarm that does not use it is the text that it was, and an older text reads as it did."""
Fields = Mapping[str, Any]  # a parsed JSON object: the edge, left behind by every function below
RULES = {rule.__name__: rule for rule in (Standard, Published, RandomSearch, CmaEs)}


def to_json(swarm: Swarm) -> str:
    rule = {"name": type(swarm.plan.rule).__name__, **_told(swarm.plan.rule)}
    return canonical_json({**asdict(swarm), "plan": {**_told(swarm.plan), "rule": rule}}).decode()


def from_json(text: str) -> Swarm:
    """Raises ValueError when `text` is not a swarm that `to_json` wrote."""
    try:
        return _swarm(json.loads(text))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a swarm: {error!r} in {text[:80]!r}; only what to_json wrote can be read") from error


def _told(settings: Plan | Rule) -> dict[str, Any]:
    """The settings, but for those of `LATER` that go without saying."""
    return {name: value for name, value in asdict(settings).items() if name not in LATER or LATER[name] != value}


def _meant(kind: type[Plan | Rule], told: Fields) -> dict[str, Any]:
    """The settings told, and those that went without saying."""
    return {field.name: LATER[field.name] for field in fields_of(kind) if field.name in LATER} | dict(told)


def _swarm(fields: Fields) -> Swarm:
    worst, evolution = fields["worst"], fields.get("evolution")
    given = {
        "plan": Plan(**_meant(Plan, {**fields["plan"], "rule": _rule(fields["plan"]["rule"])})),
        "particles": tuple(_particle(particle) for particle in fields["particles"]),
        "measured": tuple(_measured(record) for record in fields["measured"]),
        "worst": None if worst is None else _measured(worst),
        "evolution": None if evolution is None else _evolution(evolution),
    }
    return Swarm(**{**fields, **given})


def _rule(fields: Fields) -> Rule:
    constants = {name: value for name, value in fields.items() if name != "name"}
    if "compat" in constants:
        constants["compat"] = Compat(constants["compat"])
    kind = RULES[fields["name"]]
    return kind(**_meant(kind, constants))


def _particle(fields: Fields) -> Particle:
    best, trace = fields["best"], fields.get("trace")
    given = {
        "position": _position(fields["position"]),
        "velocity": _position(fields["velocity"]),
        "best": None if best is None else _position(best),
        "trace": None if trace is None else Trace(**trace),
    }
    return Particle(**{**fields, **given})


def _measured(fields: Fields) -> Measured:
    return Measured(**{**fields, "position": _position(fields["position"])})


def _evolution(fields: Fields) -> Evolution:
    vectors = {name: tuple(fields[name]) for name in ("mean", "step_path", "shape_path")}
    return Evolution(**{**fields, **vectors, "covariance": tuple(map(tuple, fields["covariance"]))})


def _position(values: list[float]) -> Position:
    return tuple(values)

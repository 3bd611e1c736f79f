"""A swarm as JSON text and back, exactly: floats are written by their shortest decimal that reads back the same.

The text is canonical (sorted keys, no spaces), so equal swarms have equal digests. A rule is written with its name.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from swarm_core.recipe import canonical_json
from swarm_core.swarm.plan import Plan, Published, Rule, Standard
from swarm_core.swarm.positions import Position
from swarm_core.swarm.state import Measured, Particle, Swarm

Fields = Mapping[str, Any]  # a parsed JSON object: the edge, left behind by every function below
RULES = {rule.__name__: rule for rule in (Standard, Published)}


def to_json(swarm: Swarm) -> str:
    fields = asdict(swarm)
    fields["plan"]["rule"] = {"name": type(swarm.plan.rule).__name__, **fields["plan"]["rule"]}
    return canonical_json(fields).decode()


def from_json(text: str) -> Swarm:
    """Raises ValueError when `text` is not a swarm that `to_json` wrote."""
    try:
        return _swarm(json.loads(text))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a swarm: {error!r} in {text[:80]!r}; only what to_json wrote can be read") from error


def _swarm(fields: Fields) -> Swarm:
    worst = fields["worst"]
    given = {
        "plan": Plan(**{**fields["plan"], "rule": _rule(fields["plan"]["rule"])}),
        "particles": tuple(_particle(particle) for particle in fields["particles"]),
        "measured": tuple(_measured(record) for record in fields["measured"]),
        "worst": None if worst is None else _measured(worst),
    }
    return Swarm(**{**fields, **given})


def _rule(fields: Fields) -> Rule:
    constants = {name: value for name, value in fields.items() if name != "name"}
    return RULES[fields["name"]](**constants)


def _particle(fields: Fields) -> Particle:
    best = fields["best"]
    given = {
        "position": _position(fields["position"]),
        "velocity": _position(fields["velocity"]),
        "best": None if best is None else _position(best),
    }
    return Particle(**{**fields, **given})


def _measured(fields: Fields) -> Measured:
    return Measured(**{**fields, "position": _position(fields["position"])})


def _position(values: list[float]) -> Position:
    return tuple(values)

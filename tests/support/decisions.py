"""States of a small run, what is seen of its work, and what the engine decides on it."""

from collections.abc import Mapping

from engine_simulation import list_training

from swarm_core.engine.decide import Decision, decide
from swarm_core.engine.phases import Phase
from swarm_core.engine.planning import Outline
from swarm_core.engine.state import EngineState
from swarm_core.engine.work import (
    Action,
    Done,
    Failed,
    FailureReason,
    Launch,
    Observation,
    Observations,
    Receipt,
)
from swarm_core.recipe import Digest, digest_bytes

NOW = 1000.0
DEADLINE = 100.0
OUTLINE = Outline(iterations=2, training=list_training(generators=2), attempts=3, item_deadline_seconds=DEADLINE)
SUSPENDED = Outline(
    iterations=2, training=list_training(generators=2), attempts=3, item_deadline_seconds=DEADLINE, suspended=True
)
EXPERIMENT, COMMIT, RESULT = (digest_bytes(name) for name in (b"experiment", b"commit", b"result"))
PREPARING = EngineState(phase=Phase.PREPARING, started=1.0)
SEEDING = EngineState(phase=Phase.SEEDING, started=1.0, experiment=EXPERIMENT)
ITERATING = EngineState(phase=Phase.ITERATING, started=1.0, experiment=EXPERIMENT, commit=COMMIT, iteration=1)
CONCLUDING = EngineState(phase=Phase.CONCLUDING, started=1.0, experiment=EXPERIMENT, commit=COMMIT, iteration=2)
SEEDS = ("train.generators.000", "train.generators.001")

PREPARED = Receipt("prepare", {"experiment": EXPERIMENT}, {"clusters": 2})
CHOSEN = {"best": 0.75, "best_particle": "p01", "best_recipe": "r"}
CONCLUDED = Receipt("conclude", {"result": RESULT}, {"gain": 0.25, "gain_low": 0.125, "gain_high": 0.5, **CHOSEN})


def seeded(index: int) -> Receipt:
    return Receipt(f"train.generators.{index:03d}", {"adapter": digest_bytes(bytes([index]))})


def committed(index: int, commit: Digest = COMMIT, **scalars: float | str | None) -> Receipt:
    return Receipt(f"iterate.generators.{index:04d}", {"commit": commit}, {"stop": "", **scalars})


def see(
    state: EngineState, items: Mapping[str, Observation] | None = None, outline: Outline = OUTLINE, now: float = NOW
) -> Decision:
    return decide(outline, state, Observations(items or {}), now)


def done(*receipts: Receipt) -> dict[str, Observation]:
    return {receipt.key: Done(receipt) for receipt in receipts}


def error(attempt: int, message: str = "disk full") -> Failed:
    return Failed(attempt, FailureReason.ERROR, message)


def lost(attempt: int, at: float = 0.0) -> Failed:
    return Failed(attempt, FailureReason.LOST, "killed", at)


def launched(actions: tuple[Action, ...]) -> list[tuple[str, int]]:
    return [(action.item.key, action.item.attempt) for action in actions if isinstance(action, Launch)]

"""A final evaluation of scripted generators: how hard the items of each are, and which of its takers are silent."""

from collections.abc import Set
from dataclasses import replace
from pathlib import Path

import swarmrun_documents as documents
from scripted_engine import Scripted

from swarm_core.api import loading, resolution
from swarm_core.composition import Single
from swarm_core.engine.work import Kind, WorkItem
from swarm_core.experiment import Experiment, PinnedTaker, SeedData
from swarm_core.items import build_items
from swarm_core.objectives.accuracy import Accuracy
from swarm_core.objectives.difficulty import Difficulty
from swarm_core.objectives.objective import Objective
from swarm_core.objectives.scores import UnscoredReason
from swarm_core.optimizers.positions import Position
from swarm_core.ports import Completion, Request, RequestFailure
from swarm_core.programs import search_settings
from swarm_core.recipe import digest_bytes
from swarm_core.weighted_sum import Term, WeightedSum
from swarm_trainer.evaluation import evaluator
from swarm_trainer.evaluation.evaluator import Evaluator
from swarm_trainer.evaluation.final_evaluation import (
    FinalEvaluation,
)
from swarm_trainer.evaluation.search_setup import SearchSetup
from swarm_trainer.runtime.context import Context
from swarm_trainer.runtime.search_space import SearchSpace
from swarm_trainer.stores.local import LocalStore

BASE, FIRST, SECOND, HELD = (digest_bytes(name.encode()) for name in ("base", "one", "two", "data"))
CORNERS: tuple[Position, ...] = ((1.0, 0.0), (0.0, 1.0))
DIFFICULTY = {(1.0, 0.0): 0.2, (0.0, 1.0): 0.4, (0.5, 0.5): 0.6, (2.0, -1.0): 0.9, (-1.0, 2.0): 0.8}
"""The share of its items that the taker gets wrong, by position."""
BEYOND = tuple(position for position in DIFFICULTY if position not in CORNERS)
ITEMS = 10
BOTH: dict[str, Objective] = {"Difficulty": Difficulty(), "Accuracy": Accuracy()}
FLOORED = WeightedSum((Term("Difficulty", 1.0, (0.0, 1.0)), Term("Accuracy", 0.5, (0.0, 1.0), 0.15)))
"""Difficulty, and half of the accuracy, which is at least 0.15."""


def made() -> SearchSetup:
    """A search over two given adapters, with one taker, ten items in the choice and ten in the final evaluation."""
    document = documents.patched(
        {
            "spec.generators.adapters": ["a", "b"],
            "spec.takers": [{"name": "taker", "adapter": "t"}],
            "spec.generation": {"shots": 1},
            "spec.evaluation": {"items": ITEMS, "finalists": 4, "reserve": 0.01, "final": {"items": ITEMS, "seeds": 1}},
        }
    )
    resolved = resolution.resolve_run(loading.parse_object(document, "run.yaml"))
    experiment = Experiment(BASE, BASE, (PinnedTaker("taker", BASE, HELD),), HELD, (FIRST, SECOND))
    return SearchSetup(
        resolved=resolved,
        manifest=BASE,
        experiment=experiment,
        plan=search_settings.build_plan(resolved),
        space=SearchSpace(BASE, (FIRST, SECOND), resolved.base.dtype),
        evaluator=Evaluator(
            evaluator.build_examination(resolved, experiment, SeedData((build_items(["100+1", "100+2"]),), ())),
            (("Difficulty", Difficulty()),),
            Single("Difficulty"),
            resolved.evaluation.coverage,
        ),
    )


def court(folder: Path, silent: Set[tuple[str, Position]], composition: WeightedSum | None = None) -> FinalEvaluation:
    """A court whose generators are as hard as `DIFFICULTY` says; the taker is silent at the (place, position) named."""
    ready = made()
    if composition is not None:
        several = replace(ready.evaluator, objectives=tuple(BOTH.items()), composition=composition)
        ready = replace(ready, evaluator=several)
    names = {ready.space.recipe(position).name: position for position in DIFFICULTY}
    written: dict[str, tuple[Position, int]] = {}

    def answered(item: str) -> Completion | RequestFailure:
        position, number = written[item]
        if ("choice" if number < ITEMS else "final", position) in silent:
            return RequestFailure("flagged", UnscoredReason.REFUSED)
        wrong = number % ITEMS < round(ITEMS * DIFFICULTY[position])
        return Completion("0" if wrong else str(eval(item)), 1, True)

    def script(request: Request) -> Completion | RequestFailure:
        if request.model in names:
            position = names[request.model]
            number = sum(1 for other, _ in written.values() if other == position)
            item = f"{10 + list(DIFFICULTY).index(position)}+{10 + number}"
            written[item] = position, number
            return Completion(f"- {item}\n", 1, True)
        (item,) = (text for text in written if text in request.prompt)
        return answered(item)

    context = Context(ready.resolved, LocalStore(folder), folder / "cache", folder, lambda _: None)
    context.engines[ready.manifest] = [Scripted(script)]
    return FinalEvaluation(WorkItem(Kind.CONCLUDE), context, ready)

"""A finished search over two given adapters, and the context in which one rival of it is carried out.

Generators write sums. The taker fails on hard ones, so an engine that says which items are hard decides every value.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import swarmrun_documents as documents
from scripted_engine import Scripted

from swarm_core import streams
from swarm_core.api import loading, resolution
from swarm_core.composition import Single
from swarm_core.engine.work import Kind, WorkItem
from swarm_core.experiment import Experiment, PinnedTaker, SeedData
from swarm_core.items import build_items
from swarm_core.objectives.difficulty import Difficulty
from swarm_core.optimizers import optimization
from swarm_core.optimizers.positions import Position
from swarm_core.ports import Completion, InferenceError, Request, RequestFailure
from swarm_core.programs import search_settings
from swarm_core.recipe import Recipe, digest_bytes
from swarm_core.rivals.rival import SearchCost
from swarm_trainer.evaluation import evaluator
from swarm_trainer.evaluation.evaluator import Evaluator
from swarm_trainer.evaluation.final_evaluation import FinalCandidate, FinalEvaluation, Ranking
from swarm_trainer.evaluation.search_setup import SearchSetup
from swarm_trainer.rivals.rival_context import RivalContext
from swarm_trainer.runtime.context import Context
from swarm_trainer.runtime.search_space import SearchSpace
from swarm_trainer.stores.local import LocalStore

BASE, FIRST, SECOND, TAKER = (digest_bytes(name.encode()) for name in ("base", "one", "two", "taker"))
CORNERS: tuple[Position, ...] = ((1.0, 0.0), (0.0, 1.0))
ITEMS, SEEDS = 20, 2
BUDGET = SearchCost(240, 240, 10_000)


class SumWriter(Scripted):
    """Writes sums that are hard with the probability that each model has, and answers them.

    `hardness`: the probability by the first adapter of a model, 0.3 if it has none there. After `lasts` calls, the
    engine is out of order.
    """

    def __init__(self, hardness: Mapping[str, float] | None = None, lasts: int = 10**9) -> None:
        super().__init__(self.reply)
        self.hardness, self.lasts = dict(hardness or {}), lasts
        self.recipes: dict[str, Recipe] = {}
        self.hard: dict[str, bool] = {}

    def serve(self, live: Sequence[Recipe]) -> None:
        self.recipes |= {recipe.name: recipe for recipe in live}

    def complete(self, requests: Sequence[Request]) -> list[Completion | RequestFailure]:
        if self.lasts == 0:
            raise InferenceError("the server is gone")
        self.lasts -= 1
        return super().complete(requests)

    def asked_to_write(self) -> list[Request]:
        """The requests to generators."""
        return [request for request in self.asked if TAKER not in self.recipes[request.model].basis]

    def reply(self, request: Request) -> Completion | RequestFailure:
        recipe = self.recipes[request.model]
        if TAKER in recipe.basis:
            item = max((item for item in self.hard if item in request.prompt), key=len)
            return Completion("0" if self.hard[item] else str(sum(map(int, item.split("+")))), 1, True)
        return self.write(request, self.hardness.get(recipe.basis[0] if recipe.basis else "", 0.3))

    def write(self, request: Request, hardness: float) -> Completion | RequestFailure:
        """The reply of a generator: one new sum."""
        item = f"{1000 + request.seed % 9000}+{1000 + request.seed // 9000 % 9000}"
        self.hard[item] = streams.uniform(request.seed, "hard") < hardness
        return Completion(f"1. {item}\n", 5, True)


def load_setup(rival: documents.Document, changes: documents.Document | None = None) -> SearchSetup:
    """A search over two given adapters, with one taker, one item per request and few items."""
    document = documents.patched({
        "spec.generators.adapters": ["a", "b"],
        "spec.takers": [{"name": "taker", "adapter": "t"}],
        "spec.generation": {"shots": 1, "rounds": 2},
        "spec.evaluation": {
            "items": 12, "finalists": 2, "final": {"items": ITEMS, "seeds": SEEDS}, "rivals": [rival],
        },
        **(changes or {}),
    })  # fmt: skip
    resolved = resolution.resolve_run(loading.parse_object(document, "run.yaml"))
    experiment = Experiment(BASE, BASE, (PinnedTaker("taker", BASE, TAKER),), TAKER, (FIRST, SECOND))
    data = SeedData((build_items(f"{n}+{n}" for n in range(100, 140)),), ())
    examination = evaluator.build_examination(resolved, experiment, data)
    return SearchSetup(
        resolved=resolved,
        manifest=BASE,
        experiment=experiment,
        plan=search_settings.build_plan(resolved),
        space=SearchSpace(BASE, (FIRST, SECOND), resolved.base.dtype),
        evaluator=Evaluator(examination, (("Difficulty", Difficulty()),), Single("Difficulty"), 0.95),
    )


def make_context(
    folder: Path,
    engine: SumWriter,
    rival: documents.Document,
    budget: SearchCost = BUDGET,
    changes: documents.Document | None = None,
) -> RivalContext:
    """The context of one rival of a search whose best generator is the first adapter."""
    setup = load_setup(rival, changes)
    context = Context(setup.resolved, LocalStore(folder), folder / "cache", folder, lambda _: None)
    lasts, engine.lasts = engine.lasts, 10**9
    context.engines[setup.manifest] = [engine]
    item, ranking = WorkItem(Kind.CONCLUDE), Ranking((FinalCandidate("g00", CORNERS[0], 0.5),), CORNERS)
    found = FinalEvaluation(item, context, setup).evaluate(ranking, optimization.start(setup.plan), ())
    engine.lasts = lasts
    return RivalContext(rival["type"], item, context, setup, found, {}, budget, budget)

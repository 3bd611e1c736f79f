"""A game in memory: real verbs, swarms and store protocol, and an engine whose models are functions of coefficients.

A generator writes sums whose left operand grows with its second coefficient; a taker is right on operands below what
its coefficients let it reach. So both sides have something to find, in microseconds.
"""

import random
from collections.abc import Sequence
from pathlib import Path

import swarmrun_documents as documents
from fake_store import FakeStore

from swarm_core.api import defaults, loading
from swarm_core.engine import absorb
from swarm_core.engine import state as states
from swarm_core.engine.phases import Fact, Phase
from swarm_core.engine.plan import wanted
from swarm_core.engine.receipts import Output
from swarm_core.engine.search import outline
from swarm_core.engine.state import EngineState
from swarm_core.engine.work import Kind, Receipt, WorkItem
from swarm_core.experiment import Adversary, Experiment, SeedData
from swarm_core.ports import Completion, Failure, Request
from swarm_core.recipe import Digest, Recipe, digest_bytes
from swarm_trainer import verbs
from swarm_trainer.verbs import receipts
from swarm_trainer.verbs.context import Context

SHOTS = 2
BASE, G0, G1, T0, T1 = (digest_bytes(name.encode()) for name in ("base", "g0", "g1", "t0", "t1"))
SEEDS = SeedData((tuple(f"{n}+1" for n in range(24)),), ("99+1",))
QUESTIONS = SeedData((tuple(f"{n}+2" for n in range(12)),), tuple(f"{n}+3" for n in range(12)))
REFERENCE = {"rule": "Published", "published": {"compat": "Reference"}, "particles": 2}


class Engine:
    """Answers for every recipe it was told to serve."""

    def __init__(self) -> None:
        self.known: dict[str, Recipe] = {}

    def serve(self, live: Sequence[Recipe]) -> None:
        self.known.update({recipe.name: recipe for recipe in live})

    def complete(self, requests: Sequence[Request]) -> list[Completion | Failure]:
        return [self.one(request) for request in requests]

    def one(self, request: Request) -> Completion:
        coefficients = self.known[request.model].groups[0].coefficients
        if not request.prompt.startswith("Q: "):
            drawn = random.Random(request.seed)
            high = max(2, round(20 + 40 * coefficients[1]))
            items = [f"{drawn.randrange(high)}+{drawn.randrange(10, 99)}" for _ in range(SHOTS)]
            return Completion("".join(f"- {item}\n" for item in items), 8, True)
        item = request.prompt.removeprefix("Q: ").removesuffix("\nA:")
        left, right = map(int, item.split("+"))
        knows = left < 15 + 30 * coefficients[1] + 10 * coefficients[0]
        return Completion(f" {left + right if knows else 0}", 4, True)

    def close(self) -> None:
        pass


class Store(FakeStore):
    """The store in memory, telling what is written in which order."""

    def __init__(self, scratch: Path, log: list[str]) -> None:
        super().__init__(scratch)
        self.log = log

    def publish(self, key: str, data: bytes) -> bytes:
        if key not in self.names:
            self.log.append(key)
        return super().publish(key, data)


def document() -> documents.Document:
    """The shortest game worth playing."""
    return {
        "apiVersion": "dataswarm.io/v1alpha1",
        "kind": "AdversarialRun",
        "metadata": {"name": "fake"},
        "spec": {
            "seed": 3,
            "base": {"model": "base", "template": "Plain"},
            "generators": {"data": {"uri": "seeds"}, "adapters": ["g0", "g1"], "swarm": {"particles": 3}},
            "takers": {"data": {"uri": "takers"}, "adapters": ["t0", "t1"], "swarm": {"particles": 3}},
            "judge": {"type": "Verifier", "verifier": {"name": "Arithmetic"}},
            "generation": {"shots": SHOTS},
            "pool": {"size": 12, "turnover": 0.5, "archive": 6},
            "rounds": 3,
            "evaluation": {"items": 8},
        },
    }


def context(scratch: Path, patch: documents.Patch, log: list[str]) -> Context:
    """A prepared game of two adapters on either side."""
    resolved = defaults.resolve(loading.from_object(documents.patched(patch, document()), "fake"))
    store = Store(scratch, log)
    pinned = Experiment(
        digest=BASE,
        base=BASE,
        takers=(),
        data=store.put(SEEDS.to_bytes()),
        adapters=(G0, G1),
        adversary=Adversary(store.put(QUESTIONS.to_bytes()), (T0, T1)),
    )
    manifest = store.put(pinned.to_bytes())
    prepared = Receipt(WorkItem(Kind.PREPARE).key, {Output.EXPERIMENT: manifest})
    store.publish(receipts.key(prepared.key), prepared.to_bytes())
    made = Context(resolved, store, scratch, scratch, lambda _: None)
    made.engines[manifest] = [Engine()]
    log.clear()
    return made


def played(game: Context, turns: int, train: Digest | None = None) -> list[Receipt]:
    """The receipts of the first `turns` turns, carried out in the order the engine wants them.

    Where takers train, `train` stands for every adapter trained: nothing here can train one.
    """
    known = receipts.stored(game.store, "prepare")
    assert known is not None
    state = EngineState(phase=Phase.ITERATING, experiment=known.outputs[Output.EXPERIMENT])
    found: list[Receipt] = []
    while len(found) < turns:
        (item,) = wanted(outline(game.resolved), state)
        if item.kind is Kind.SEED:
            assert train is not None
            receipt = Receipt(item.key, {Output.ADAPTER: train})
            game.store.publish(receipts.key(item.key), receipt.to_bytes())
        else:
            receipt = verbs.carry_out(item, game)
            found.append(receipt)
        state = after(game, state, item, receipt)
    return found


def after(game: Context, state: EngineState, item: WorkItem, receipt: Receipt) -> EngineState:
    """The state with one item more done; a new iteration where none is left."""
    state = absorb.receipt(state, item, receipt)
    return state if wanted(outline(game.resolved), state) else states.enter(state, Fact.COMMITTED, 0.0)

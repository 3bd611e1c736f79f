"""A game in memory: real verbs, swarms and store protocol, and an engine whose models are functions of coefficients.

A generator writes sums whose left operand grows with its second coefficient; a taker is right on operands below what
its coefficients let it reach. So both sides have something to find, in microseconds.
"""

import random
from collections.abc import Sequence
from pathlib import Path

import swarmrun_documents as documents
from fake_store import FakeStore

from swarm_core.api import loading, resolution
from swarm_core.engine import state as states
from swarm_core.engine import state_update
from swarm_core.engine.phases import Fact, Phase
from swarm_core.engine.planning import list_pending_items
from swarm_core.engine.receipt_fields import Output
from swarm_core.engine.state import EngineState
from swarm_core.engine.work import Kind, Receipt, WorkItem
from swarm_core.experiment import Adversary, Experiment, SeedData
from swarm_core.items import build_items
from swarm_core.ports import Completion, Request, RequestFailure
from swarm_core.programs.program_protocol import build_outline
from swarm_core.recipe import Digest, Recipe, digest_bytes
from swarm_trainer import steps
from swarm_trainer.run_store import receipt_store
from swarm_trainer.runtime.context import Context

SHOTS = 2
BASE, G0, G1, T0, T1 = (digest_bytes(name.encode()) for name in ("base", "g0", "g1", "t0", "t1"))
SEEDS = SeedData((build_items(f"{n}+1" for n in range(24)),), build_items(["99+1"]))
QUESTIONS = SeedData((build_items(f"{n}+2" for n in range(12)),), build_items(f"{n}+3" for n in range(12)))
REFERENCE = {"rule": "Published", "published": {"compat": "Reference"}, "particles": 2}


class Engine:
    """Answers for every recipe it was told to serve."""

    def __init__(self) -> None:
        self.known: dict[str, Recipe] = {}

    def serve(self, live: Sequence[Recipe]) -> None:
        self.known.update({recipe.name: recipe for recipe in live})

    def complete(self, requests: Sequence[Request]) -> list[Completion | RequestFailure]:
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
    """The store in memory, which records what is written in which order."""

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
            "judge": {"type": "Verifier", "verifier": {"type": "Arithmetic"}},
            "generation": {"shots": SHOTS},
            "pool": {"size": 12, "turnover": 0.5, "archive": 6},
            "rounds": 3,
            "evaluation": {"items": 8},
        },
    }


def context(scratch: Path, patch: documents.Patch, log: list[str]) -> Context:
    """A prepared game of two adapters on either side."""
    resolved = resolution.resolve_run(loading.parse_object(documents.patched(patch, document()), "fake"))
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
    store.publish(receipt_store.key(prepared.key), prepared.to_bytes())
    made = Context(resolved, store, scratch, scratch, lambda _: None)
    made.engines[manifest] = [Engine()]
    log.clear()
    return made


def play_turns(game: Context, turns: int, train: Digest | None = None) -> list[Receipt]:
    """The receipts of the first `turns` turns, executed in the order that the engine needs.

    If takers train, `train` takes the place of every trained adapter, because nothing here can train one.
    """
    known = receipt_store.load(game.store, "prepare")
    assert known is not None
    state = EngineState(phase=Phase.ITERATING, experiment=known.outputs[Output.EXPERIMENT])
    found: list[Receipt] = []
    while len(found) < turns:
        (item,) = list_pending_items(build_outline(game.resolved), state)
        if item.kind is Kind.TRAIN:
            assert train is not None
            receipt = Receipt(item.key, {Output.ADAPTER: train})
            game.store.publish(receipt_store.key(item.key), receipt.to_bytes())
        else:
            receipt = steps.execute(item, game)
            found.append(receipt)
        state = complete_item(game, state, item, receipt)
    return found


def complete_item(game: Context, state: EngineState, item: WorkItem, receipt: Receipt) -> EngineState:
    """The state after one more item; a new iteration if no item is left."""
    state = state_update.apply_receipt(state, item, receipt)
    return (
        state
        if list_pending_items(build_outline(game.resolved), state)
        else states.apply_fact(state, Fact.COMMITTED, 0.0)
    )

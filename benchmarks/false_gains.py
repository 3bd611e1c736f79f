"""How often does a run report a gain where there is none? Simulates whole runs on landscapes that are flat, and counts.

Every generator of a landscape has the same true value, whatever its coefficients. A run is the product's own: the engine
decides, the steps ask the optimizer, write prompts, parse, gate, judge and commit, and the final evaluation chooses
among the finalists, measures on fresh items and gives its verdict. Only the models are simulated: the text of a
completion and of an answer is drawn. At most 2.5 % of the verdicts may be a gain, and the mean gain has to be within
0.005 of 0.

    python benchmarks/false_gains.py --runs 1000 --write docs/results.md

The outcomes are kept in a file (`--into`), so a stopped benchmark goes on where it stopped.

Limits: runs are short (`SPEC`), so that a thousand of them take an hour. The adapters are names, so nothing is trained and
`prepare` is replaced by its receipt. No figure and no data set are written.
"""

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from published_table import insert_table

from swarm_core import streams
from swarm_core.api import loading, resolution
from swarm_core.engine.decide import decide
from swarm_core.engine.phases import Phase
from swarm_core.engine.receipt_fields import Output
from swarm_core.engine.state import EngineState
from swarm_core.engine.work import Done, Kind, Launch, Observation, Observations, Receipt, WorkItem
from swarm_core.experiment import Experiment, PinnedTaker, SeedData
from swarm_core.items import build_items
from swarm_core.objectives.scores import UnscoredReason
from swarm_core.objectives.verdict import Verdict
from swarm_core.ports import Completion, Request, RequestFailure
from swarm_core.programs.program_protocol import build_outline
from swarm_core.recipe import Recipe, digest_bytes
from swarm_trainer import steps
from swarm_trainer.evaluation import search_setup
from swarm_trainer.report.search_result import Interval, SearchResult
from swarm_trainer.run_store import commit_chain, receipt_store
from swarm_trainer.runtime.context import Context
from swarm_trainer.steps import conclude
from swarm_trainer.stores.local import LocalStore

MARK = "benchmarks/false_gains.py"
SHOTS = 5
"""The number of items per completion."""
FIRST_SEED = 5001
SPEC = {
    "base": {"model": "base", "template": "Plain"},
    "generators": {"data": {"uri": "seeds"}, "adapters": ["g0", "g1", "g2"]},
    "judge": {"type": "Verifier", "verifier": {"type": "Arithmetic"}},
    "generation": {"shots": SHOTS},
    "swarm": {"particles": 3, "iterations": 2, "standard": {"scattered": 4}},
    "evaluation": {"items": 20, "finalists": 4, "coverage": 0.8, "final": {"items": 60, "seeds": 2}},
}
"""A short run with all the parts of a long one."""
SEEDS = SeedData((build_items(f"{number}+1" for number in range(24)),), build_items(["99+1"]))


@dataclass(frozen=True, slots=True)
class Landscape:
    """The distribution of items and answers, the same for every generator."""

    skills: tuple[float, ...] = (0.6, 0.45)
    """The probability of a right answer of each taker."""
    correlation: float = 0.3
    """The correlation of two answers to items of one completion."""
    accepted: float = 0.85
    """The probability that an item is one that the gates accept."""
    lost: float = 0.02
    """The probability that a request is lost, for items or for an answer."""
    shared: float = 0.3
    """The share of completions that are the same for all generators, because they get the same prompts and seeds."""
    objective: str = "Difficulty"
    final_seeds: int = 2


@dataclass(slots=True)
class FlatModels:
    """An engine whose generators all draw from one landscape."""

    landscape: Landscape
    seed: int
    takers: dict[str, int] = field(default_factory=dict)
    """The index of each taker by the name of its model."""
    right: dict[str, tuple[bool, ...]] = field(default_factory=dict)
    """Whether each taker answers an item right, by the item's text."""

    def serve(self, live: Sequence[Recipe]) -> None:
        """All models are the same."""

    def close(self) -> None:
        """Nothing is held."""

    def complete(self, requests: Sequence[Request]) -> list[Completion | RequestFailure]:
        return [self.answer(one) if one.model in self.takers else self.write(one) for one in requests]

    def write(self, request: Request) -> Completion | RequestFailure:
        """Write the items of one completion, or lose it."""
        drawn = random.Random(streams.derive_seed(self.seed, "completion", request.seed))
        if drawn.random() >= self.landscape.shared:
            drawn = random.Random(streams.derive_seed(self.seed, "completion", request.seed, request.model))
        if drawn.random() < self.landscape.lost:
            return RequestFailure("lost", UnscoredReason.REFUSED)
        rates = [self.draw_rate(drawn, skill) for skill in self.landscape.skills]
        accepted = self.draw_rate(drawn, self.landscape.accepted)
        return Completion("".join(f"- {self.write_item(drawn, accepted, rates)}\n" for _ in range(SHOTS)), 8, True)

    def write_item(self, drawn: random.Random, accepted: float, rates: Sequence[float]) -> str:
        """Write one item, and decide which takers will answer it right."""
        if drawn.random() >= accepted:
            return "no sum"
        text = f"{drawn.randrange(10**9)}+{drawn.randrange(10**9)}"
        self.right[text] = tuple(drawn.random() < rate for rate in rates)
        return text

    def draw_rate(self, drawn: random.Random, rate: float) -> float:
        """Draw the rate of one completion, so that two of its items have the landscape's correlation."""
        if self.landscape.correlation == 0 or rate in (0.0, 1.0):
            return rate
        scale = (1 - self.landscape.correlation) / self.landscape.correlation
        return drawn.betavariate(rate * scale, (1 - rate) * scale)

    def answer(self, request: Request) -> Completion | RequestFailure:
        """Answer one item as decided when it was written, or lose the request."""
        item = request.prompt.removeprefix("Q: ").removesuffix("\nA:")
        if streams.uniform(self.seed, "lost", request.model, item) < self.landscape.lost:
            return RequestFailure("lost", UnscoredReason.REFUSED)
        left, right = map(int, item.split("+"))
        return Completion(f" {left + right if self.right[item][self.takers[request.model]] else 0}", 4, True)


def build_context(landscape: Landscape, seed: int, folder: Path) -> Context:
    """Return a prepared run on a landscape."""
    names = [f"t{index}" for index in range(len(landscape.skills))]
    spec: dict[str, Any] = {
        **SPEC,
        "seed": seed,
        "takers": [{"name": name, "adapter": name} for name in names],
        "objective": {"type": landscape.objective},
    }
    spec["evaluation"] = {**spec["evaluation"], "final": {"items": 60, "seeds": landscape.final_seeds}}
    document = {"apiVersion": "dataswarm.io/v1alpha1", "kind": "SwarmRun", "metadata": {"name": "flat"}, "spec": spec}
    resolved = resolution.resolve_run(loading.parse_object(document, "flat"))
    store = LocalStore(folder / "store")
    base = digest_bytes(b"base")
    takers = tuple(PinnedTaker(name, base, digest_bytes(name.encode())) for name in names)
    adapters = tuple(digest_bytes(name.encode()) for name in spec["generators"]["adapters"])
    pinned = Experiment(base, base, takers, store.put(SEEDS.to_bytes()), adapters)
    manifest = store.put(pinned.to_bytes())
    prepared = Receipt(WorkItem(Kind.PREPARE).key, {Output.EXPERIMENT: manifest})
    store.publish(receipt_store.key(prepared.key), prepared.to_bytes())
    context = Context(resolved, store, folder, folder, lambda _: None)
    models = pinned.taker_models(resolved.base.dtype)
    context.engines[manifest] = [FlatModels(landscape, seed, {model: i for i, (_, model) in enumerate(models)})]
    return context


def run_search(context: Context) -> SearchResult:
    """Run a prepared search as a host does, and return its result."""
    outline, state, done = build_outline(context.resolved), EngineState(), dict[str, Observation]()
    found: list[SearchResult] = []

    def execute(item: WorkItem) -> Receipt:
        if item.kind is not Kind.CONCLUDE:
            return steps.execute(item, context)
        setup, commits = search_setup.load(context), list(commit_chain.walk(context.store))[::-1]
        found.append(conclude.evaluate_search(item, context, setup, commits))
        nothing = context.store.put(b"")
        return conclude.build_receipt(item, found[0], {Output.BUNDLE: nothing, Output.RESULT: nothing})

    while state.phase is not Phase.SUCCEEDED:
        decision = decide(outline, state, Observations(done), 0.0)
        state = decision.state
        if state.phase is Phase.FAILED:
            raise RuntimeError(f"the run failed: {state.failure}")
        for action in decision.actions:
            assert isinstance(action, Launch)
            done[action.item.key] = Done(execute(action.item))
    return found[0]


def simulate(landscape: Landscape, seed: int) -> Interval:
    """Return the gain that a run on a landscape reports."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        return run_search(build_context(landscape, seed, Path(folder))).gain

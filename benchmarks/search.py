"""Measures what a search gains: every optimizer on every arena, with paired seeds, one budget and fresh items, in one
table.

    python benchmarks/search.py --write docs/results.md

For each arena and seed the generators are fine-tuned once, and every contestant starts from them. A contestant has the
measurements of the default swarm (`optimization.budget`), no patience limit, and the same reserve for its final choice.
The report uses two sets of fresh items that no search has seen, for the chosen generator and for every initial one.
Contestants of one seed get the same examples and sampling seeds, so their differences are paired.

Every result is one line of `benchmarks/search.jsonl`, written as soon as it exists. So a killed benchmark resumes,
nothing is measured twice, and the table can be made from the lines alone (`--seeds 0`). One contestant and seed take
two to four minutes on one core.

`search_table` makes the table. Limits: each arena is a toy. Greedy answers are cached within a process, because a taker
gives the same answer to the same question. This saves two thirds of the time and changes about one token in a million,
as any change of batches does.
"""

import argparse
import dataclasses
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from itertools import islice
from math import ceil
from multiprocessing import get_context
from pathlib import Path

import torch
import yaml
from published_table import insert_table
from search_table import DEFAULT, SearchOutcome, format_table, load_outcomes

from swarm_core.api import loading, resolution
from swarm_core.engine.work import Kind, WorkItem
from swarm_core.objectives import intervals
from swarm_core.objectives.difficulty import Difficulty
from swarm_core.objectives.scores import CoverageError
from swarm_core.optimizers import optimization, positions
from swarm_core.optimizers.estimates import Estimate
from swarm_core.optimizers.positions import Position
from swarm_core.ports import Completion, Inference, Judge, Request, RequestFailure
from swarm_core.programs import search_settings
from swarm_core.recipe import ModelName, Recipe
from swarm_core.rollout import Rollout, build_sample
from swarm_trainer import steps
from swarm_trainer.evaluation import examine, search_setup, serving
from swarm_trainer.evaluation.completions import Asker, complete, count_tokens
from swarm_trainer.evaluation.examine import Examination, ExaminationState, Stage
from swarm_trainer.evaluation.search_setup import SearchSetup
from swarm_trainer.runtime.context import Context
from swarm_trainer.stores.local import LocalStore

EXAMPLES = Path(__file__).parents[1] / "examples"
ARENAS = ("arithmetic", "arithmetic-2", "arithmetic-3")
RESULTS = Path(__file__).with_suffix(".jsonl")
FIRST_SEED = 2001
"""Tuning used seeds below 1000 and, for `scattered`, those of arena 2 up to 2020. `ten_seeds.py` uses seeds
from 1001."""
GATES = ("Verifiable", "HeldOut", "Duplicate")
"""The gates of the published table. The gate `Seed` is newer, so copies of seed items count as items here."""
PARTICLES, ITERATIONS, ITEMS = 8, 10, 120
FINAL_ITEMS, FINAL_SETS = 800, 2
CONTESTANTS: dict[str, dict[str, object]] = {
    DEFAULT: {},
    "Unscattered": {"standard": {"scattered": 0}},
    "CmaEs": {"optimizer": "CmaEs"},
    "RandomSearch": {"optimizer": "RandomSearch"},
    "Published": {"rule": "Published"},
    "Reference": {"rule": "Published", "published": {"compat": "Reference"}},
    "Exact": {"merge": "Exact"},
    "CmaEs, Exact": {"optimizer": "CmaEs", "merge": "Exact"},
    "PerLayer": {"groups": "PerLayer"},
}
"""The `spec.swarm` of each contestant; everything else is the same."""


class GreedyCache:
    """An engine that answers each greedy request only once."""

    def __init__(self, engine: Inference) -> None:
        self.engine = engine
        self.known: dict[Request, Completion | RequestFailure] = {}

    def serve(self, live: Sequence[Recipe]) -> None:
        self.engine.serve(live)

    def complete(self, requests: Sequence[Request]) -> list[Completion | RequestFailure]:
        keys = [dataclasses.replace(one, seed=0) if one.temperature == 0 else one for one in requests]
        new = list(dict.fromkeys(key for key in keys if key not in self.known))
        answers = dict(zip(new, self.engine.complete(new), strict=True))
        self.known.update({key: answer for key, answer in answers.items() if key.temperature == 0})
        return [answers[key] if key in answers else self.known[key] for key in keys]

    def close(self) -> None:
        self.engine.close()


def examine_models(
    exam: Examination, engine: Inference, models_at_stages: Sequence[tuple[ModelName, Stage]], items: int
) -> list[Rollout]:
    """Examine each model at its stage, as `examine.examine_generator` does.

    The models write side by side: the same requests go out in larger batches, which takes half the time.
    """
    states = [exam.start() for _ in models_at_stages]
    askers = [Asker(engine) for _ in models_at_stages]
    for turn in range(exam.rounds):
        counts = [ceil(max(0, items - len(state.accepted)) / exam.shots) for state in states]
        requests = [
            examine.build_round(exam, state, model, [(*stage, turn, number) for number in range(count)])
            for (model, stage), state, count in zip(models_at_stages, states, counts, strict=True)
        ]
        replies = iter(complete(engine, [request for mine in requests for request in mine]))
        for state, ask, count in zip(states, askers, counts, strict=True):
            results = list(islice(replies, count))
            ask.tokens += count_tokens(results)
            examine.admit_items(exam, state, results, ask)
    return [
        build_rollout(exam, model, stage, state, ask)
        for (model, stage), state, ask in zip(models_at_stages, states, askers, strict=True)
    ]


def build_rollout(exam: Examination, model: ModelName, stage: Stage, state: ExaminationState, ask: Asker) -> Rollout:
    """Have the takers answer the admitted items of one model; return its rollout."""
    answered = examine.collect_answers(exam, stage, state.accepted, ask)
    takers = tuple(name for name, _ in exam.takers)
    return Rollout(
        model,
        takers,
        state.asked,
        state.lost,
        answered,
        tuple(state.rejections),
        ask.tokens,
        tuple(state.requests),
    )


def measure_difficulty(rollouts: Sequence[Rollout], coverage: float, judge: Judge) -> float | None:
    """Return the difficulty as `objectives.difficulty` defines it, without an interval; a comparison over seeds needs
    none.
    """
    try:
        objective = Difficulty()
        return objective.value(intervals.select_measured(build_sample(rollouts, judge), objective, coverage))
    except CoverageError:
        return None


@dataclass(frozen=True, slots=True)
class Case:
    """One arena and seed."""

    arena: str
    seed: int


def build_document(case: Case, swarm: Mapping[str, object]) -> dict[str, object]:
    """Build the arena's SwarmRun with the sizes of this comparison."""
    loaded: dict[str, object] = yaml.safe_load((EXAMPLES / case.arena / "swarmrun.yaml").read_text())
    spec = loaded["spec"]
    assert isinstance(spec, dict)
    spec["seed"] = case.seed
    spec["evaluation"] = {**spec["evaluation"], "items": ITEMS}
    spec["swarm"] = {"particles": PARTICLES, "iterations": ITERATIONS, "patience": 1000, **swarm}
    spec["gates"] = [{"type": name} for name in GATES]
    spec["execution"] = {"local": {"device": "cpu", "threads": 1}}
    return loaded


def resolve_spec(case: Case, swarm: Mapping[str, object]) -> resolution.ResolvedSpec:
    resolved = resolution.resolve_run(loading.parse(yaml.safe_dump(build_document(case, swarm)), case.arena))
    assert isinstance(resolved, resolution.ResolvedSpec)
    return resolved


def resolve_with_default_budget(case: Case, swarm: Mapping[str, object]) -> resolution.ResolvedSpec:
    """Resolve the spec with as many iterations as the default's number of measurements allows."""
    resolved = resolve_spec(case, swarm)
    allowed = optimization.budget(search_settings.build_plan(resolve_spec(case, {})))
    iterations = 1
    while optimization.budget(search_settings.build_plan(_with_iterations(resolved, iterations + 1))) <= allowed:
        iterations += 1
    return _with_iterations(resolved, iterations)


def _with_iterations(spec: resolution.ResolvedSpec, iterations: int) -> resolution.ResolvedSpec:
    return spec.model_copy(update={"swarm": spec.swarm.model_copy(update={"iterations": iterations})})


class SearchBenchmark:
    """One case, prepared: the generators are trained, and the models are loaded."""

    def __init__(self, case: Case, work: Path) -> None:
        self.case, self.work = case, work
        folder = work / f"{case.arena}-{case.seed}"
        self.context = Context(
            resolve_spec(case, {}),
            LocalStore(folder / "store"),
            folder / "cache",
            EXAMPLES / case.arena,
            lambda _: None,
        )
        steps.execute(WorkItem(Kind.PREPARE), self.context)
        for index in range(self.context.resolved.generators.count):
            steps.execute(WorkItem(Kind.TRAIN, index=index), self.context)
        self.default = search_setup.load(self.context)
        self.engine = GreedyCache(serving.serve(self.context, self.default, [])[0])
        self.spent: list[Rollout] = []

    def setup(self, swarm: Mapping[str, object]) -> SearchSetup:
        """Load the same experiment with another search."""
        return search_setup.load(dataclasses.replace(self.context, run=resolve_with_default_budget(self.case, swarm)))

    def measure(
        self, chosen: SearchSetup, spots: Sequence[Position], stages: Sequence[Stage], items: int
    ) -> list[float | None]:
        """Return the difficulty of the generator at each position, pooled over `stages`; None without enough scores."""
        recipes = [chosen.space.recipe(position) for position in spots]
        self.engine.serve([*recipes, *chosen.fixed_takers])
        asked = [(recipe.name, stage) for recipe in recipes for stage in stages]
        rollouts = examine_models(chosen.examination, self.engine, asked, items)
        self.spent += rollouts
        width = len(stages)
        return [
            measure_difficulty(rollouts[at : at + width], chosen.evaluator.coverage, chosen.examination.judge)
            for at in range(0, len(rollouts), width)
        ]

    def measure_fresh(self, chosen: SearchSetup, spots: Sequence[Position]) -> list[float | None]:
        """Return the values on fresh items; None without enough scores."""
        stages: list[Stage] = [("final", number) for number in range(FINAL_SETS)]
        return self.measure(chosen, spots, stages, FINAL_ITEMS)

    def measure_initial(self) -> float:
        """Return the value of the best initial generator on fresh items."""
        return max(
            value or 0.0 for value in self.measure_fresh(self.default, positions.vertices(self.default.plan.basis))
        )

    def record(
        self, contestant: str, iteration: int, spots: Sequence[Position], values: Sequence[float | None]
    ) -> None:
        """Append the measurements of one iteration to a file, for studies of the landscape."""
        fields = {**asdict(self.case), "contestant": contestant, "iteration": iteration}
        with (self.work / "measured.jsonl").open("a") as file:
            for spot, value in zip(spots, values, strict=True):
                file.write(json.dumps({**fields, "position": spot, "value": value}) + "\n")

    def evaluate(self, chosen: SearchSetup, finalists: Sequence[Estimate]) -> tuple[Estimate, float]:
        """Make the final evaluation as `evaluation.final_evaluation` does: return the best finalist that fresh items
        can score, and its value.

        Returns the first finalist and 0 if none can be scored; a run would end without a result.
        """
        scored = self.measure(
            chosen,
            [one.position for one in finalists],
            [("choice",)],
            search_settings.items_per_finalist(chosen.resolved),
        )
        known = [(value, one) for value, one in zip(scored, finalists, strict=True) if value is not None]
        for _, one in sorted(known, key=lambda pair: -pair[0]):
            fresh = self.measure_fresh(chosen, [one.position])[0]
            if fresh is not None:
                return one, fresh
        return finalists[0], 0.0

    def run(self, contestant: str, initial: float) -> SearchOutcome:
        """Run one contestant."""
        chosen, begin, self.spent = self.setup(CONTESTANTS[contestant]), time.monotonic(), []
        swarm, measured = optimization.start(chosen.plan), 0
        while optimization.stop_reason(swarm) is None:
            candidates = optimization.ask(swarm)
            spots = [candidate.position for candidate in candidates]
            values = self.measure(chosen, spots, [("iteration", swarm.iteration)], ITEMS)
            measured += len(candidates)
            self.record(contestant, swarm.iteration, spots, values)
            swarm = optimization.tell(
                swarm, {candidate.name: value for candidate, value in zip(candidates, values, strict=True)}
            )
        finalists = optimization.select_finalists(swarm, chosen.resolved.evaluation.finalists)
        best, fresh = self.evaluate(chosen, finalists)
        asked, tokens = sum(one.asked for one in self.spent), sum(one.tokens for one in self.spent)
        return SearchOutcome(
            arena=self.case.arena,
            seed=self.case.seed,
            contestant=contestant,
            name=best.name,
            searched=best.value,
            led=finalists[0].value,
            fresh=fresh,
            initial=initial,
            measured=measured,
            items=asked,
            tokens=tokens,
            seconds=time.monotonic() - begin,
            position=best.position,
        )


def run_case(case: Case, contestants: Sequence[str], results: Path, work: Path) -> int:
    """Run the missing contestants of a case, in a process of its own; return their number."""
    torch.set_num_threads(1)
    mine = [one for one in load_outcomes(results) if (one.arena, one.seed) == (case.arena, case.seed)]
    missing = [name for name in contestants if name not in {one.contestant for one in mine}]
    if not missing:
        return 0
    bench = SearchBenchmark(case, work)
    initial = mine[0].initial if mine else bench.measure_initial()
    for name in missing:
        outcome = bench.run(name, initial)
        with results.open("a") as file:  # one short write, so that lines of two processes do not mix
            file.write(json.dumps(asdict(outcome)) + "\n")
        print(f"{case.arena} {case.seed} {name}: {outcome.fresh:.3f} in {outcome.seconds:.0f} s", flush=True)
    return len(missing)


def run_cases(cases: Sequence[Case], contestants: Sequence[str], results: Path, work: Path, at_once: int) -> None:
    """Run the missing contestants of every case. Raises what a case raises; then no new case begins."""
    with ProcessPoolExecutor(at_once, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(run_case, case, contestants, results, work) for case in cases]
        try:
            for job in as_completed(jobs):
                job.result()
        except Exception:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--results", type=Path, default=RESULTS, help="the file of results to resume from and to append to"
    )
    parser.add_argument("--work", type=Path, help="the folder for trained generators; default: a temporary one")
    parser.add_argument("--arenas", nargs="+", default=list(ARENAS))
    parser.add_argument("--contestants", nargs="+", default=list(CONTESTANTS), choices=list(CONTESTANTS))
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--seeds", type=int, default=10, help="the number of seeds; 0 only makes the table")
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--write", type=Path, help="the document whose table is replaced")
    chosen = parser.parse_args()
    seeds = range(chosen.first_seed, chosen.first_seed + chosen.seeds)
    cases = [Case(arena, seed) for seed in seeds for arena in chosen.arenas]
    with tempfile.TemporaryDirectory() as scratch:
        work = chosen.work or Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        run_cases(cases, chosen.contestants, chosen.results, work, chosen.at_once)
    text = format_table(load_outcomes(chosen.results), list(CONTESTANTS))
    print(text)
    if chosen.write:
        insert_table(chosen.write, "benchmarks/search.py", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

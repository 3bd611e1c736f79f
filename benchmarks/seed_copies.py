"""Measures what the gate against copies of seed items changes, in one table: the initial generators of every arena, and
the one that a search found, with the gate `Seed` and without it.

    python benchmarks/seed_copies.py --write docs/results.md

For each arena and seed the generators are fine-tuned once. The found generator is the one that `search.py` found with
the same seed; `search.jsonl` has its position. Every generator writes items twice, with the same examples and sampling
seeds: without the gate, where the copies among its accepted items are counted, and with it.

Limits: toys, and few items for each generator. The found generators were found by searches without the gate.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean

import torch
from published_table import insert_table
from search import ARENAS, RESULTS, Case, SearchBenchmark, examine_models, measure_difficulty
from search_table import DEFAULT, load_outcomes

from swarm_core.gates.registry import DEFAULT_CHOICES, GateChoice
from swarm_core.item_index import ItemIndex
from swarm_core.items import Item
from swarm_core.optimizers import positions
from swarm_core.optimizers.positions import Position
from swarm_core.recipe import ModelName
from swarm_core.rollout import Rollout
from swarm_trainer.evaluation.examine import Examination, Stage, draw_examples

ITEMS = 300
STAGE: Stage = ("final", 0)
SEED_GATE = "Seed"
WITHOUT = tuple(one for one in DEFAULT_CHOICES if one.name != SEED_GATE)


@dataclass(frozen=True, slots=True)
class GeneratorOutcome:
    """What one generator wrote without the gate and with it. Shares are of the items that were accepted without it."""

    case: Case
    generator: str
    accepted: int
    """The items that were accepted without the gate."""
    copies: float
    shown: float
    """The share of items that are an example of their own prompt."""
    without: float | None
    with_gate: float | None
    """The difficulty."""


def measure_case(case: Case, items: int, work: Path) -> list[GeneratorOutcome]:
    """Measure the initial generators of a case, and the found one, in a process of its own."""
    torch.set_num_threads(1)
    bench = SearchBenchmark(case, work)
    named = dict(list_generators(case, bench))
    recipes = [bench.default.space.recipe(position) for position in named.values()]
    bench.engine.serve([*recipes, *bench.default.fixed_takers])
    models = [recipe.name for recipe in recipes]
    pairs = [measure_gates(bench, gates, models, items) for gates in (WITHOUT, DEFAULT_CHOICES)]
    coverage = bench.default.evaluator.coverage
    return [
        build_outcome(case, name, bench.default.evaluator.examination, without, with_gate, coverage)
        for name, without, with_gate in zip(named, *pairs, strict=True)
    ]


def list_searched_seeds(arena: str) -> list[int]:
    """List the seeds with which the default search of an arena has run."""
    return sorted({one.seed for one in load_outcomes(RESULTS) if (one.arena, one.contestant) == (arena, DEFAULT)})


def list_generators(case: Case, bench: SearchBenchmark) -> Iterator[tuple[str, Position]]:
    """Name the initial generators, and the one that the default search found with this seed."""
    for index, position in enumerate(positions.vertices(bench.default.plan.basis)):
        yield f"initial {index}", position
    for one in load_outcomes(RESULTS):
        if (one.arena, one.seed, one.contestant) == (case.arena, case.seed, DEFAULT):
            yield "found", one.position


def measure_gates(
    bench: SearchBenchmark, gates: tuple[GateChoice, ...], models: Sequence[ModelName], items: int
) -> list[Rollout]:
    """Examine the models with these gates."""
    exam = replace(bench.default.evaluator.examination, gates=gates)
    return examine_models(exam, bench.engine, [(model, STAGE) for model in models], items)


def build_outcome(
    case: Case, name: str, exam: Examination, without: Rollout, with_gate: Rollout, coverage: float
) -> GeneratorOutcome:
    """Count the copies among the items that were accepted without the gate."""
    items = [one.item for one in without.items]
    copies = sum(exam.seeds.find(item) is not None for item in items)
    shown = sum(list_shown(exam, without, item).find(item) is not None for item in items)
    return GeneratorOutcome(
        case,
        name,
        len(items),
        copies / max(1, len(items)),
        shown / max(1, len(items)),
        measure_difficulty([without], coverage, exam.judge),
        measure_difficulty([with_gate], coverage, exam.judge),
    )


def list_shown(exam: Examination, rollout: Rollout, item: Item) -> ItemIndex:
    """Return the examples that the request of an item showed."""
    request = rollout.requests[item.request]
    return ItemIndex(draw_examples(exam, (*STAGE, request.round, request.number)), exam.judge)


def format_copies(outcomes: Sequence[GeneratorOutcome]) -> str:
    """Format the table: one line for each arena and generator, the mean over its seeds."""
    lines = [
        "| arena | generator | seed items | shown examples | difficulty without | with the gate |",
        "|---|---|---|---|---|---|",
    ]
    for arena, name in dict.fromkeys((one.case.arena, one.generator) for one in outcomes):
        mine = [one for one in outcomes if (one.case.arena, one.generator) == (arena, name)]
        shares = [f"{100 * fmean(found):.0f} %" for found in ([o.copies for o in mine], [o.shown for o in mine])]
        values = [format_mean([one.without for one in mine]), format_mean([one.with_gate for one in mine])]
        lines.append(f"| {' | '.join([arena, name, *shares, *values])} |")
    return "\n".join(lines)


def format_mean(values: Sequence[float | None]) -> str:
    """Format the mean of the known values."""
    known = [value for value in values if value is not None]
    return f"{fmean(known):.3f}" if known else "not measurable"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arenas", nargs="+", default=list(ARENAS))
    parser.add_argument("--seeds", type=int, default=1, help="the number of seeds of each arena")
    parser.add_argument("--items", type=int, default=ITEMS, help="the number of items of each generator")
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--write", type=Path, help="the document whose table is replaced")
    chosen = parser.parse_args()
    cases = [Case(arena, seed) for arena in chosen.arenas for seed in list_searched_seeds(arena)[: chosen.seeds]]
    with tempfile.TemporaryDirectory() as work, ProcessPoolExecutor(chosen.at_once, get_context("spawn")) as pool:
        jobs = [pool.submit(measure_case, case, chosen.items, Path(work)) for case in cases]
        text = format_copies([outcome for job in jobs for outcome in job.result()])
    print(text)
    if chosen.write:
        insert_table(chosen.write, "benchmarks/seed_copies.py", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

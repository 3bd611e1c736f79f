"""Does a search find better data than it starts with, and than other ways to spend its budget? Whole runs with rivals.

    python benchmarks/rivals.py --write docs/results.md
    python benchmarks/rivals.py --group searching --objectives Difficulty Separation --seeds 5 --write docs/results.md

Each run is a whole `dataswarm run` of a search of `arena_searches` with a group of rivals: it fine-tunes the generators
anew, searches, chooses, and measures on fresh items. Its outcomes are one line of `benchmarks/rivals.jsonl`, written as
soon as they exist. A stopped run resumes in its folder, and nothing that has a line is run again. So the table can be
made from the lines alone (`--seeds 0`). A run that fails is printed, and has no line.

Limits: each arena is a toy. The intervals of `rivals_table` cover seeds, and no other arena. Rivals that need a model
which follows instructions are left out.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

from arena_searches import ARENAS, EXAMPLES, OBJECTIVES, build_document
from published_table import insert_table
from rivals_table import FOUND, INITIAL, Outcome, format_table, load_outcomes
from ten_seeds import start_run

from swarm_core import catalog

RESULTS = Path(__file__).with_suffix(".jsonl")
MARK = "benchmarks/rivals.py"
FIRST_SEED = 3001
"""Far from the seeds of tuning, of `ten_seeds.py` and of `search.py`."""
SEARCHING = ("RandomSearch", "CmaEs", "Dpo")
"""Rivals that cost as much as the search."""
INSTRUCTING = ("Rewrite", "DescriptionSearch")
"""Rivals that need a model which follows instructions. The bases of the arenas do not."""
GROUPS = {
    "cheap": tuple(name for name in catalog.RIVALS if name not in (*SEARCHING, *INSTRUCTING)),
    "searching": SEARCHING,
}
SETTINGS: dict[str, dict[str, Any]] = {
    "Dpo": {"dpo": {"rounds": 2, "training": {"epochs": 3, "learningRate": 1.0e-3, "maxLength": 192}}},
}
"""Settings of rivals that suit the arenas; the others have their defaults."""


@dataclass(frozen=True, slots=True)
class Case:
    """One run."""

    arena: str
    objective: str
    seed: int
    group: str
    """The group of rivals."""

    @property
    def name(self) -> str:
        """The name of the run's folder."""
        return f"{self.arena}-{self.objective}-{self.seed}-{self.group}"


def build_case(case: Case) -> dict[str, Any]:
    """Build the SwarmRun of a case."""
    document = build_document(case.arena, case.objective, case.seed)
    rivals = [{"type": name, **SETTINGS.get(name, {})} for name in GROUPS[case.group]]
    document["spec"]["evaluation"]["rivals"] = rivals
    return document


def run_case(case: Case, into: Path, results: Path) -> bool:
    """Run a case, or resume it, and append its line. Return whether it has a result."""
    folder = into / case.name
    done = (folder / "result.json").is_file() or start_run(build_case(case), EXAMPLES / case.arena, folder)
    print(f"{case.name}: {'done' if done else 'failed'}", flush=True)
    if not done:
        return False
    outcomes = list(read_result(case, json.loads((folder / "result.json").read_text())))
    with results.open("a") as lines:  # one short write, so that lines of two runs do not mix
        lines.write(json.dumps([asdict(one) for one in outcomes]) + "\n")
    return True


def read_result(case: Case, result: dict[str, Any]) -> Iterator[Outcome]:
    """Yield the outcomes of a run."""
    where, budget = asdict(case), result["rivals"]["budget"]
    yield Outcome(**where, name=FOUND, fresh=result["best"]["fresh"]["value"], difference=None, share=1.0)
    gain = read_difference(result["gain"])
    yield Outcome(**where, name=INITIAL, fresh=result["initial"]["fresh"]["value"], difference=gain, share=0.0)
    for rival in result["rivals"]["compared"]:
        measured = "fresh" in rival
        yield Outcome(
            **where,
            name=rival["name"],
            fresh=rival["fresh"]["value"] if measured else None,
            difference=read_difference(rival["gain"]) if measured else None,
            share=max(rival["spent"][part] / limit for part, limit in budget.items() if limit),
        )


def read_difference(gain: dict[str, Any]) -> tuple[float, float, float]:
    """Return a difference with its interval."""
    return gain["value"], gain["low"], gain["high"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=RESULTS, help="the file of results to append to")
    parser.add_argument("--into", type=Path, default=Path("runs/rivals"), help="the folder that keeps the runs")
    parser.add_argument("--arenas", nargs="+", default=list(ARENAS), choices=ARENAS)
    parser.add_argument("--objectives", nargs="+", default=list(OBJECTIVES), choices=OBJECTIVES)
    parser.add_argument("--group", default="cheap", choices=GROUPS, help="the group of rivals")
    parser.add_argument("--seeds", type=int, default=10, help="the number of seeds; 0 only makes the table")
    parser.add_argument("--at-once", type=int, default=1, help="runs at the same time")
    parser.add_argument("--write", type=Path, help="the document whose table is replaced")
    chosen = parser.parse_args()
    known = {(one.arena, one.objective, one.seed, one.group) for one in load_outcomes(chosen.results)}
    seeds = range(FIRST_SEED, FIRST_SEED + chosen.seeds)
    cases = [
        Case(arena, objective, seed, chosen.group)
        for seed, objective, arena in product(seeds, chosen.objectives, chosen.arenas)
        if (arena, objective, seed, chosen.group) not in known
    ]
    with ThreadPoolExecutor(chosen.at_once) as pool:
        done = list(pool.map(lambda case: run_case(case, chosen.into, chosen.results), cases))
    text = format_table(load_outcomes(chosen.results))
    print(text)
    if chosen.write:
        insert_table(chosen.write, MARK, text)
    return 0 if all(done) else 1


if __name__ == "__main__":
    sys.exit(main())

"""Does the search find a better generator for every objective? Repeats one search per arena, objective and run seed.

    python benchmarks/objectives.py --into runs/objectives --write docs/results.md

Each run is a whole `dataswarm run` of the size of the demo: it fine-tunes the generators anew, searches, chooses, and
measures on fresh items. The seeds are those of `ten_seeds`. No run is left out or repeated; a failed run counts as no
gain. Runs are kept in a folder, so a killed benchmark goes on, and the table can be made of the finished runs alone
(`--seeds 0`).

Limits: toy arenas. A search with `Consistency` divides its items among four repeats, so that it asks for as many items
as the others; its values are those of small sets. Values of different objectives do not compare.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import yaml
from published_table import insert_table
from ten_seeds import FIRST_SEED, SeedOutcome, load_outcome, run_document

EXAMPLES = Path(__file__).parents[1] / "examples"
MARK = "benchmarks/objectives.py"
ARENAS = {"arithmetic": "demo.yaml", "stories": "swarmrun.yaml"}
"""Arena -> its SwarmRun. Both have the same sizes."""
CORPUS = "users.jsonl"
REPEATS = 4
OBJECTIVES: dict[str, dict[str, Any]] = {
    "Difficulty": {"objective": {"type": "Difficulty"}},
    "Separation": {"objective": {"type": "Separation"}},
    "Novelty": {"objective": {"type": "Novelty"}},
    "Consistency": {
        "objective": {"type": "Consistency", "consistency": {"repeats": REPEATS}},
        "evaluation": {"items": 80 // REPEATS, "final": {"items": 160 // REPEATS, "seeds": 2}},
    },
    "Personalization": {"objective": {"type": "Personalization", "corpus": {"uri": CORPUS}}, "takers": []},
}
"""Objective -> the fields that replace those of the arena's spec."""


@dataclass(frozen=True, slots=True)
class Search:
    """One row of the table."""

    arena: str
    objective: str

    def build_document(self, seed: int) -> dict[str, Any]:
        """Build the SwarmRun of one seed."""
        document: dict[str, Any] = yaml.safe_load((EXAMPLES / self.arena / ARENAS[self.arena]).read_text())
        spec, changes = document["spec"], OBJECTIVES[self.objective]
        evaluation = {**spec["evaluation"], **changes.get("evaluation", {})}
        document["spec"] = {**spec, **changes, "evaluation": evaluation, "seed": seed}
        return document

    def find_folder(self, into: Path, seed: int) -> Path:
        """Return the folder of the run of one seed."""
        return into / f"{self.arena}-{self.objective.lower()}" / str(seed)

    def run(self, into: Path, seed: int) -> SeedOutcome:
        """Return the outcome of one seed, from this call or an earlier one."""
        folder = self.find_folder(into, seed)
        return run_document(self.build_document(seed), EXAMPLES / self.arena, seed, folder)

    def list_outcomes(self, into: Path) -> list[SeedOutcome]:
        """List the outcomes of the finished runs, in the order of their seeds."""
        folders = self.find_folder(into, 0).parent.glob("*/result.json")
        seeds = sorted(int(file.parent.name) for file in folders)
        return [load_outcome(seed, self.find_folder(into, seed)) for seed in seeds]


def format_row(search: Search, outcomes: Sequence[SeedOutcome]) -> str:
    """Return one line of the table."""
    found = [one for one in outcomes if one.gain is not None]
    gains = [one.gain[0] for one in found if one.gain is not None]
    if len(gains) < 2:
        return f"| {search.arena} | {search.objective} | {len(outcomes)} | - | - | - | - | - |"
    initial, best = (fmean(value or 0.0 for value in values) for values in zip(*map(list_values, found), strict=True))
    gain = f"{fmean(gains):+.4f} ± {stdev(gains) / len(gains) ** 0.5:.4f}"
    above, below = sum(one.significant for one in outcomes), sum(one.is_loss for one in outcomes)
    cells = (search.arena, search.objective, len(outcomes), f"{initial:.4f}", f"{best:.4f}", gain, above, below)
    return f"| {' | '.join(map(str, cells))} |"


def list_values(outcome: SeedOutcome) -> tuple[float | None, float | None]:
    """Return the value of the best initial generator, and that of the best generator."""
    return outcome.initial, outcome.best


def format_table(rows: Iterable[tuple[Search, Sequence[SeedOutcome]]]) -> Iterator[str]:
    yield "| arena | objective | seeds | best initial | best found | mean gain ± standard error | gains | losses |"
    yield "|---|---|---|---|---|---|---|---|"
    for search, outcomes in rows:
        yield format_row(search, outcomes)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arena", choices=ARENAS, action="append", help="default: all")
    parser.add_argument("--objective", choices=OBJECTIVES, action="append", help="default: all")
    parser.add_argument("--into", type=Path, default=Path("runs/objectives"), help="the folder that keeps the runs")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--at-once", type=int, default=1, help="runs at the same time")
    parser.add_argument("--write", type=Path, help="the file whose table to replace")
    chosen = parser.parse_args()
    searches = [Search(*pair) for pair in product(chosen.arena or ARENAS, chosen.objective or OBJECTIVES)]
    seeds = range(FIRST_SEED, FIRST_SEED + chosen.seeds)
    with ThreadPoolExecutor(chosen.at_once) as pool:
        for outcome in pool.map(lambda job: job[1].run(chosen.into, job[0]), product(seeds, searches)):
            print(json.dumps({"seed": outcome.seed, "gain": outcome.gain}), flush=True)
    every = [Search(*pair) for pair in product(ARENAS, OBJECTIVES)]
    table = "\n".join(format_table((search, search.list_outcomes(chosen.into)) for search in every))
    print(table)
    if chosen.write is not None:
        insert_table(chosen.write, MARK, table)
    return 0


if __name__ == "__main__":
    sys.exit(main())

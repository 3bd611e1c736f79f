"""Does a search beat other ways to spend its budget? Whole runs with rivals, on any arena, with any objective.

    python benchmarks/rivals.py --arenas arithmetic stories --objectives Difficulty --write docs/results.md

Each run is a whole `dataswarm run` of a file of an arena (`swarmrun.yaml`, or `--file`) with another seed, another
objective and all rivals of the catalog. Its outcomes are one line of `benchmarks/rivals.jsonl`, written as soon as they
exist. A stopped run resumes in its folder, and nothing that has a line is run again. So the table can be made from the
lines alone (`--seeds 0`).

The table has the value on fresh items of the best generator, of the best initial one and of each rival, and the
difference of the best generator to it, with Student's interval over seeds. Limits: each arena is a toy. The interval
covers seeds, and no other arena.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import yaml
from published_table import insert_table
from search_table import format_interval

from swarm_core import catalog

EXAMPLES = Path(__file__).parents[1] / "examples"
RESULTS = Path(__file__).with_suffix(".jsonl")
MARK = "benchmarks/rivals.py"
FIRST_SEED = 3001
"""Far from the seeds of tuning, of `ten_seeds.py` and of `search.py`."""
FOUND, INITIAL = "best found", "best initial"
SETTINGS: dict[str, dict[str, Any]] = {
    "Dpo": {"dpo": {"rounds": 2, "training": {"epochs": 3, "learningRate": 1.0e-3, "maxLength": 96}}},
}
"""Settings of rivals that suit the arenas; the others have their defaults."""


@dataclass(frozen=True, slots=True)
class Case:
    """One run."""

    arena: str
    file: str
    """The name of the arena's SwarmRun without `.yaml`."""
    objective: str
    seed: int

    @property
    def name(self) -> str:
        """The name of the run's folder."""
        return f"{self.arena}-{self.file}-{self.objective}-{self.seed}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One generator or rival of one run. The values are None if it could not be measured."""

    arena: str
    file: str
    objective: str
    seed: int
    name: str
    fresh: float | None
    difference: tuple[float, float, float] | None
    """The value of the best generator minus its own: estimate and 95 % interval."""
    share: float
    """The largest share of the search's items, answers or tokens that it spent."""


def load_outcomes(results: Path) -> list[Outcome]:
    """Load the outcomes from a JSON Lines file; none if it does not exist."""
    lines = results.read_text().splitlines() if results.exists() else []
    return [read_outcome(fields) for line in lines for fields in json.loads(line)]


def read_outcome(fields: dict[str, Any]) -> Outcome:
    """Return the outcome that `asdict` made JSON of."""
    return Outcome(**{**fields, "difference": None if fields["difference"] is None else tuple(fields["difference"])})


def build_document(case: Case, rivals: Sequence[str]) -> dict[str, Any]:
    """Build the SwarmRun of a case."""
    document: dict[str, Any] = yaml.safe_load((EXAMPLES / case.arena / f"{case.file}.yaml").read_text())
    spec = document["spec"]
    spec["seed"], spec["objective"] = case.seed, {"type": case.objective}
    spec["evaluation"]["rivals"] = [{"type": name, **SETTINGS.get(name, {})} for name in rivals]
    return document


def run_case(case: Case, rivals: Sequence[str], into: Path, results: Path) -> bool:
    """Run a case, or resume it, and append its line. Return whether it has a result."""
    file = EXAMPLES / case.arena / f".rivals-{os.getpid()}-{case.name}.yaml"  # beside what its paths name
    file.write_text(yaml.safe_dump(build_document(case, rivals)))
    try:
        command = [sys.executable, "-m", "swarm_trainer", "run", str(file), "--folder", str(into / case.name)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        file.unlink()
    if done.returncode != 0:
        print(f"{case.name}: {done.stderr[-2000:]}", file=sys.stderr)
        return False
    outcomes = list(read_result(case, json.loads((into / case.name / "result.json").read_text())))
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


def format_rows(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yield a row for each generator and rival of each arena and objective."""
    groups = dict.fromkeys((one.arena, one.file, one.objective, one.name) for one in outcomes)
    for group in groups:
        mine = [one for one in outcomes if (one.arena, one.file, one.objective, one.name) == group]
        values = [one.fresh for one in mine if one.fresh is not None]
        differences = [one.difference for one in mine if one.difference is not None]
        fresh = f"{fmean(values):.3f}" if values else "-"
        spread = f" ± {stdev(values):.3f}" if len(values) > 1 else ""
        yield (
            f"| {' | '.join(group)} | {len(values)} of {len(mine)} | {fresh}{spread} |"
            f" {format_differences(differences)} | {fmean(one.share for one in mine):.0%} |"
        )


def format_differences(differences: Sequence[tuple[float, float, float]]) -> str:
    """Format the mean difference over seeds, and how many runs report a gain, a loss, or neither."""
    if not differences:
        return " | "
    gains, losses = sum(low > 0 for _, low, _ in differences), sum(high < 0 for _, _, high in differences)
    values = [value for value, _, _ in differences]
    mean = format_interval(values) if len(values) > 1 else f"{values[0]:+.3f}"
    return f"{mean} | {gains} / {losses} / {len(differences) - gains - losses}"


def format_table(outcomes: Sequence[Outcome]) -> str:
    """Format the whole table."""
    values = "measured | fresh, sd over seeds | best found minus this | gains / losses / not resolved | spent"
    return "\n".join([f"| arena | file | objective | data of | {values} |", "|" + "---|" * 9, *format_rows(outcomes)])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=RESULTS, help="the file of results to append to")
    parser.add_argument("--into", type=Path, default=Path("runs/rivals"), help="the folder that keeps the runs")
    parser.add_argument("--arenas", nargs="+", default=["arithmetic"], help="folders of examples/")
    parser.add_argument("--file", default="swarmrun", help="the SwarmRun of the arenas, without .yaml")
    parser.add_argument("--objectives", nargs="+", default=["Difficulty"], help="types without required settings")
    parser.add_argument("--rivals", nargs="+", default=list(catalog.RIVALS), choices=list(catalog.RIVALS))
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--seeds", type=int, default=10, help="the number of seeds; 0 only makes the table")
    parser.add_argument("--at-once", type=int, default=1, help="runs at the same time")
    parser.add_argument("--write", type=Path, help="the document whose table is replaced")
    chosen = parser.parse_args()
    known = {(one.arena, one.file, one.objective, one.seed) for one in load_outcomes(chosen.results)}
    seeds = range(chosen.first_seed, chosen.first_seed + chosen.seeds)
    cases = [
        Case(arena, chosen.file, kind, seed) for seed in seeds for arena in chosen.arenas for kind in chosen.objectives
    ]
    missing = [case for case in cases if (case.arena, case.file, case.objective, case.seed) not in known]
    chosen.into.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(chosen.at_once) as pool:
        done = list(pool.map(lambda case: run_case(case, chosen.rivals, chosen.into, chosen.results), missing))
    text = format_table(load_outcomes(chosen.results))
    print(text)
    if chosen.write:
        insert_table(chosen.write, MARK, text)
    return 0 if all(done) else 1


if __name__ == "__main__":
    sys.exit(main())

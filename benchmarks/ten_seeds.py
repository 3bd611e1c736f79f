"""Does the search find a better generator with every seed? Repeats one SwarmRun with ten seeds, and prints every run.

Each run is a whole `dataswarm run`: it fine-tunes the generators anew, searches, chooses, and evaluates on fresh items.
No run is left out or repeated; a failed run is printed as failed and counts as no gain. Runs are kept in a folder: a
finished run is not repeated, and a stopped run resumes.

    python benchmarks/ten_seeds.py --into runs/ten-seeds --write docs/results.md

Limits: one arena, one recipe. The interval of one run covers items and sampling, not the training of the generators;
the ten seeds cover that.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import yaml
from published_table import insert_table

ARENA = Path(__file__).parents[1] / "examples" / "arithmetic" / "swarmrun.yaml"
MARK = "benchmarks/ten_seeds.py"
FIRST_SEED = 1001
"""Far from every seed that was used for tuning."""


@dataclass(frozen=True, slots=True)
class SeedOutcome:
    """The result of one run; it has no gain if the run failed."""

    seed: int
    best: float | None = None
    initial: float | None = None
    gain: tuple[float, float, float] | None = None

    @property
    def significant(self) -> bool:
        """Whether the interval of the gain lies above 0."""
        return self.gain is not None and self.gain[1] > 0


def run_seed(arena: Path, seed: int, folder: Path, rule: str | None) -> SeedOutcome:
    """Return the outcome of `arena` with another seed, in its own folder, from this call or an earlier one."""
    document, own = yaml.safe_load(arena.read_text()), folder / str(seed)
    document["spec"]["seed"] = seed
    if rule is not None:
        document["spec"]["swarm"] = {**document["spec"]["swarm"], "rule": rule}
    if not (own / "result.json").is_file() and not start_run(document, arena.parent, own):
        return SeedOutcome(seed)
    result = json.loads((own / "result.json").read_text())
    gain = (result["gain"]["value"], result["gain"]["low"], result["gain"]["high"])
    return SeedOutcome(seed, result["best"]["fresh"]["value"], result["initial"]["fresh"]["value"], gain)


def start_run(document: dict[str, Any], arena: Path, folder: Path) -> bool:
    """Start a run whose paths are relative to the folder `arena`, or resume it. Return whether it has a result."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", prefix=".run-", suffix=".yaml", dir=arena) as file:  # for relative paths
        yaml.safe_dump(document, file)
        file.flush()
        command = [sys.executable, "-m", "swarm_trainer", "run", file.name, "--folder", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(done.stderr[-2000:], file=sys.stderr)
    return done.returncode == 0


def format_rows(outcomes: list[SeedOutcome]) -> Iterator[str]:
    yield "| seed | best initial | best found | gain | 95 % interval | above 0 |"
    yield "|---|---|---|---|---|---|"
    for one in outcomes:
        if one.gain is None:
            yield f"| {one.seed} | - | - | failed | - | no |"
            continue
        value, low, high = one.gain
        mark = "yes" if one.significant else "no"
        yield f"| {one.seed} | {one.initial:.3f} | {one.best:.3f} | {value:+.3f} | {low:+.3f} to {high:+.3f} | {mark} |"


def format_totals(outcomes: list[SeedOutcome]) -> str:
    """Return the mean gain, its spread and the number of intervals above 0, in a sentence each."""
    gains = [one.gain[0] for one in outcomes if one.gain is not None]
    above = f"The interval lies above 0 in {sum(one.significant for one in outcomes)} of {len(outcomes)} seeds."
    if len(gains) < 2:
        return above
    return (
        f"The mean gain is {fmean(gains):+.3f}, with a standard deviation between seeds of {stdev(gains):.3f}. {above}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arena", type=Path, default=ARENA, help="the SwarmRun to repeat")
    parser.add_argument("--into", type=Path, default=Path("runs/ten-seeds"), help="the folder that keeps the runs")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--rule", choices=["Standard", "Published"], help="another rule than the file's")
    parser.add_argument("--at-once", type=int, default=1, help="runs at the same time")
    parser.add_argument("--write", type=Path, help="the file whose table to replace")
    arguments = parser.parse_args()
    folder = arguments.into / f"{arguments.arena.stem}-{arguments.rule or 'as-written'}"
    with ThreadPoolExecutor(arguments.at_once) as pool:
        seeds = range(FIRST_SEED, FIRST_SEED + arguments.seeds)
        outcomes = list(pool.map(lambda seed: run_seed(arguments.arena, seed, folder, arguments.rule), seeds))
    table = "\n".join([*format_rows(outcomes), "", format_totals(outcomes)])
    print(table)
    if arguments.write is not None:
        insert_table(arguments.write, MARK, table)
    return 0


if __name__ == "__main__":
    sys.exit(main())

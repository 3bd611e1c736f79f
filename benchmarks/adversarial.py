"""Do takers learn something that also holds outside the game? Repeats one AdversarialRun with several seeds.

Each run is a whole `dataswarm run`: it trains both sides and the rivals anew, plays the game, and evaluates on items
that no round has seen. The script prints every run. Runs are kept in a folder: a finished run is not repeated, and a
stopped run resumes.

    python benchmarks/adversarial.py --into runs/games --seeds 10 --write docs/results.md

Limits: one arena, one recipe. The interval of one run covers the items, not the training of the adapters; the seeds
cover that. `--rule Reference` plays the game as in the released code, whose best values go stale.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import yaml
from published_table import insert_table

from swarm_trainer.report.game_result import GAME_ITEMS

GAME = Path(__file__).parents[1] / "examples" / "adversarial" / "run.yaml"
MARK = "benchmarks/adversarial.py"
FIRST_SEED = 2001
"""Far from every seed that was used for tuning."""
AS_RELEASED = {"rule": "Published", "published": {"compat": "Reference"}}
SOURCES = ("real", "rivals", GAME_ITEMS)

Result = dict[str, Any]


def run_game(game: Path, seed: int, folder: Path, rule: str) -> Result | None:
    """Return the result of `game` with another seed, from this call or an earlier one; None if the run failed."""
    result = folder / "result.json"
    if not result.is_file():
        document = yaml.safe_load(game.read_text())
        spec = document["spec"]
        spec["seed"] = seed
        if rule == "Reference":
            for side in ("generators", "takers"):
                spec[side]["swarm"] = {**spec[side].get("swarm", {}), **AS_RELEASED}
        document_file = game.with_name(
            f".{game.stem}-{os.getpid()}-{seed}.yaml"
        )  # next to the original, for its relative paths
        document_file.write_text(yaml.safe_dump(document))
        try:
            command = [sys.executable, "-m", "swarm_trainer", "run", str(document_file), "--folder", str(folder)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        finally:
            document_file.unlink()
        if done.returncode != 0:
            print(done.stderr[-2000:], file=sys.stderr)
            return None
    loaded: Result = json.loads(result.read_text())
    return loaded


def format_rows(results: dict[int, Result | None]) -> Iterator[str]:
    """Yield the table's lines, one per seed."""
    yield "| seed | rounds | takers, real items | takers, rivals' items | takers, the game's | generators, difficulty |"
    yield "|---|---|---|---|---|---|"
    for seed, result in results.items():
        if result is None:
            yield f"| {seed} | - | failed | - | - | - |"
            continue
        gains = [result["takers"][source]["gain"] for source in SOURCES] + [result["gain"]]
        yield f"| {seed} | {len(result['rounds']) - 1} | {' | '.join(map(format_gain, gains))} |"


def format_gain(gain: dict[str, float]) -> str:
    """Format a gain with its interval."""
    return f"{gain['value']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]"


def format_totals(results: dict[int, Result | None]) -> Iterator[str]:
    """Yield the mean gains with the standard deviation between seeds, the number of intervals above 0 out of all
    requested seeds, and the saw-tooth. Intervals on items that takers were selected by are not counted."""
    done = [result for result in results.values() if result is not None]
    if not done:
        return
    for name, gains in (
        *((f"takers, {source}", [result["takers"][source]["gain"] for result in done]) for source in SOURCES),
        ("generators", [result["gain"] for result in done]),
    ):
        values = [gain["value"] for gain in gains]
        spread = f", standard deviation {stdev(values):.3f}" if len(values) > 1 else ""
        above = f"interval above 0 in {sum(gain['low'] > 0 for gain in gains)} of {len(results)} seeds"
        words = "they were selected by these items" if name == f"takers, {GAME_ITEMS}" else above
        yield f"- {name}: mean gain {fmean(values):+.3f}{spread}; {words}"
    falls, rises = zip(*(measure_sawtooth(result) for result in done), strict=True)
    yield f"- saw-tooth: a new pool changes the best taker by {fmean(falls):+.3f}, a move by {fmean(rises):+.3f}"


def measure_sawtooth(result: Result) -> tuple[float, float]:
    """Return the mean change of the best taker on a new pool, and its mean change by moving, over the rounds."""
    rounds = [one for one in result["rounds"] if one["after"] is not None]
    pairs = list(itertools.pairwise(rounds))
    falls = [new["before"] - old["after"] for old, new in pairs if new["before"] is not None]
    rises = [new["after"] - new["before"] for _, new in pairs if new["before"] is not None]
    return (fmean(falls), fmean(rises)) if falls else (0.0, 0.0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--game", type=Path, default=GAME, help="the AdversarialRun to repeat")
    parser.add_argument("--into", type=Path, required=True, help="the folder that keeps the runs")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--rule", choices=["Standard", "Reference"], default="Standard")
    parser.add_argument("--write", type=Path, help="the file whose table to replace")
    arguments = parser.parse_args()
    seeds = range(FIRST_SEED, FIRST_SEED + arguments.seeds)
    results = {
        seed: run_game(arguments.game, seed, arguments.into / f"{arguments.rule}-{seed}", arguments.rule)
        for seed in seeds
    }
    table = "\n".join([*format_rows(results), "", *format_totals(results)])
    print(table)
    if arguments.write is not None:
        insert_table(arguments.write, MARK, table)
    return 0


if __name__ == "__main__":
    sys.exit(main())

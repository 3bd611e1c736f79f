"""Do takers learn something that holds outside the game? Several run seeds of one AdversarialRun, every one printed.

Each run is a whole `dataswarm run`: both sides and the rivals fine-tuned anew, the game, the verdict on items that no
round has seen. Runs are kept in a folder: what is finished is not run again, what was stopped goes on where it was.

    python benchmarks/adversarial.py --into runs/games --seeds 10

Limits: one arena, one recipe. The interval of one run covers items, not the training of the adapters: that is what
several seeds are for. `--rule Reference` plays the game as released, with bests that go stale.
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

GAME = Path(__file__).parents[1] / "examples" / "adversarial" / "run.yaml"
FIRST_SEED = 2001
"""Far from every seed that anything was tuned with."""
AS_RELEASED = {"rule": "Published", "published": {"compat": "Reference"}}
SOURCES = ("real", "rivals", "game")

Result = dict[str, Any]


def run_game(game: Path, seed: int, folder: Path, rule: str) -> Result | None:
    """The result of `game` with another seed, made now or before; None if it failed."""
    result = folder / "result.json"
    if not result.is_file():
        document = yaml.safe_load(game.read_text())
        spec = document["spec"]
        spec["seed"] = seed
        if rule == "Reference":
            for side in ("generators", "takers"):
                spec[side]["swarm"] = {**spec[side].get("swarm", {}), **AS_RELEASED}
        file = game.with_name(f".{game.stem}-{os.getpid()}-{seed}.yaml")  # its relative paths start beside the original
        file.write_text(yaml.safe_dump(document))
        try:
            command = [sys.executable, "-m", "swarm_trainer", "run", str(file), "--folder", str(folder)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        finally:
            file.unlink()
        if done.returncode != 0:
            print(done.stderr[-2000:], file=sys.stderr)
            return None
    found: Result = json.loads(result.read_text())
    return found


def format_rows(found: dict[int, Result | None]) -> Iterator[str]:
    yield "| seed | rounds | takers, real items | takers, rivals' items | takers, the game's | generators, difficulty |"
    yield "|---|---|---|---|---|---|"
    for seed, result in found.items():
        if result is None:
            yield f"| {seed} | - | failed | - | - | - |"
            continue
        gains = [result["takers"][source]["gain"] for source in SOURCES] + [result["gain"]]
        yield f"| {seed} | {len(result['rounds']) - 1} | {' | '.join(map(format_gain, gains))} |"


def format_gain(gain: dict[str, float]) -> str:
    return f"{gain['value']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]"


def format_totals(found: dict[int, Result | None]) -> Iterator[str]:
    """How often each gain's interval lies above 0, of all seeds asked for; and whether the saw-tooth is there."""
    done = [result for result in found.values() if result is not None]
    for name, gains in (
        *((f"takers, {source}", [result["takers"][source]["gain"] for result in done]) for source in SOURCES),
        ("generators", [result["gain"] for result in done]),
    ):
        values = [gain["value"] for gain in gains]
        spread = f", standard deviation {stdev(values):.3f}" if len(values) > 1 else ""
        above = sum(gain["low"] > 0 for gain in gains)
        yield f"{name}: mean gain {fmean(values):+.3f}{spread}; interval above 0 in {above} of {len(found)}"
    falls, rises = zip(*(measure_sawtooth(result) for result in done), strict=True)
    yield f"saw-tooth: a new pool costs the best taker {fmean(falls):+.3f}, a move brings back {fmean(rises):+.3f}"


def measure_sawtooth(result: Result) -> tuple[float, float]:
    """By how much the best taker falls on a new pool, and rises by moving, in the mean of the rounds."""
    rounds = [one for one in result["rounds"] if one["after"] is not None]
    pairs = list(itertools.pairwise(rounds))
    falls = [new["before"] - old["after"] for old, new in pairs if new["before"] is not None]
    rises = [new["after"] - new["before"] for _, new in pairs if new["before"] is not None]
    return (fmean(falls), fmean(rises)) if falls else (0.0, 0.0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--game", type=Path, default=GAME, help="the AdversarialRun to repeat")
    parser.add_argument("--into", type=Path, required=True, help="where the runs are kept")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--rule", choices=["Standard", "Reference"], default="Standard")
    arguments = parser.parse_args()
    seeds = range(FIRST_SEED, FIRST_SEED + arguments.seeds)
    found = {
        seed: run_game(arguments.game, seed, arguments.into / f"{arguments.rule}-{seed}", arguments.rule)
        for seed in seeds
    }
    print("\n".join(format_rows(found)), end="\n\n")
    print("\n".join(format_totals(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

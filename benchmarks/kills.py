"""Killed anywhere, the same result? The short run of the arena, its host killed with SIGKILL at random moments.

One undisturbed run sets the digest and the time scale. Then every round starts a run in a new folder, kills the host at
a moment drawn uniformly over the undisturbed run's time, runs it again to its end and compares the digest in
`result.json`. A run that was over before its moment came was not killed: it is printed and another moment drawn.

Limits: one machine, one engine; kills of the host alone (its worker dies with it).
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ARENA = Path(__file__).parents[1] / "examples" / "arithmetic" / "short.yaml"


def start(folder: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "swarm_trainer", "run", str(ARENA), "--folder", str(folder)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def finish(folder: Path) -> str:
    """Run to the end; the digest of the result."""
    code = start(folder).wait()
    if code != 0:
        raise SystemExit(f"the run in {folder} ended with exit code {code}; see its worker.log")
    return str(json.loads((folder / "result.json").read_text())["digest"])


def killed(folder: Path, after: float) -> str | None:
    """Start a run, kill it `after` seconds; the phase it had come to, None if it was over before."""
    process = start(folder)
    try:
        process.wait(after)
        return None
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    status = folder / "status.json"
    return str(json.loads(status.read_text())["phase"]) if status.exists() else "Starting"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0, help="draws the moments")
    arguments = parser.parse_args()
    draw = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as root:
        begun = time.monotonic()
        expected = finish(Path(root) / "undisturbed")
        lasted = time.monotonic() - begun
        print(f"undisturbed: {lasted:.0f} s, digest {expected[:16]}", flush=True)
        kills, differing = 0, 0
        while kills < arguments.times:
            folder, moment = Path(root) / str(kills), draw.uniform(0, lasted)
            phase = killed(folder, moment)
            same = finish(folder) == expected
            kills, differing = kills + (phase is not None), differing + (not same)
            verdict = "same" if same else "OTHER"
            print(f"{kills:3d}  {moment:5.1f} s  {phase or 'over before':<12} {verdict}", flush=True)
            shutil.rmtree(folder)
    print(f"{kills} kills; another digest than the undisturbed run's {differing} times")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())

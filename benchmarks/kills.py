"""Killed anywhere, the same result? A short search of the arena, its host killed with SIGKILL at random moments.

One undisturbed run sets the digest and the time scale. Then every round starts a run, kills the host at a moment drawn
uniformly over the undisturbed run's time, as often as `--per-run` says, runs it to its end and looks at what came out.
A run that was over before its moment came was not killed: it is printed and another moment drawn.

    python benchmarks/kills.py                                   the short run, its store in its folder
    python benchmarks/kills.py --bucket --per-run 5              a shorter one in a bucket, brought on from a new folder
    python benchmarks/kills.py --bucket --vllm --times 4         with texts from vLLM

What must come out: the digest in `result.json`. vLLM writes other texts every time as far as nobody stored the first
ones, so there the experiment must be the same, every rollout that stood at a kill must stand unchanged, and
`dataswarm verify` must replay them to the swarm that was committed.

Limits: one machine; kills of the host alone (its worker dies with it, and a server by its guard).
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
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import s3_servers
import shortest_run

ARENA = Path(__file__).parents[1] / "examples" / "arithmetic"


@dataclass(frozen=True, slots=True)
class KillSetup:
    """Where runs are run."""

    root: Path
    server: s3_servers.Server | None
    vllm: bool

    def document(self, bucket: str) -> Path:
        """What is run; each bucket has a file of its own."""
        if self.server is None:
            return ARENA / "short.yaml"
        patches = [shortest_run.bucket_patch(self.server, bucket), *([shortest_run.IN_VLLM] if self.vllm else [])]
        arena = Path(shutil.copytree(ARENA, self.root / f"arena-{bucket}"))
        return shortest_run.write_document(arena, *patches)


def start_run(file: Path, folder: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "swarm_trainer", "run", str(file), "--folder", str(folder)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def run_to_end(file: Path, folder: Path) -> dict[str, str]:
    """Run to the end; the result."""
    code = start_run(file, folder).wait()
    if code != 0:
        raise SystemExit(f"the run in {folder} ended with exit code {code}; see its worker.log")
    found: dict[str, str] = json.loads((folder / "result.json").read_text())
    return found


def run_and_kill(file: Path, folder: Path, after: float) -> str | None:
    """Start a run, kill it `after` seconds; the phase it had come to, None if it was over before."""
    process = start_run(file, folder)
    try:
        process.wait(after)
        return None
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    status = folder / "status.json"
    return str(json.loads(status.read_text())["phase"]) if status.exists() else "Starting"


@dataclass
class KillRound:
    """One run, killed and brought on."""

    site: KillSetup
    name: str
    expected: dict[str, str]

    def kills(self, times: int, moments: Iterator[float]) -> Iterator[str | None]:
        """Kill it `times`, or until it is over; then bring it to its end and say what came out."""
        file, stood = self.site.document(self.name), dict[Path, bytes]()
        for number in range(times):
            moment = next(moments)
            phase = run_and_kill(file, self.folder(number), moment)
            stood |= self.rollouts()
            print(f"{self.name}  {moment:6.1f} s  {phase or 'over before'}", flush=True)
            yield phase
            if phase is None:
                break
        self.check(run_to_end(file, self.folder(times)), stood)

    def folder(self, number: int) -> Path:
        """In a bucket every start is another machine's."""
        return self.site.root / (self.name if self.site.server is None else f"{self.name}-{number}")

    def rollouts(self) -> dict[Path, bytes]:
        """What stands now."""
        server = self.site.server
        if server is None:
            return {}
        names = shortest_run.names_folder(server, self.name)
        return {path: path.read_bytes() for path in names.rglob("*.json.gz")}

    def check(self, result: dict[str, str], stood: dict[Path, bytes]) -> None:
        """Raises SystemExit unless what came out is what must come out."""
        key = "experimentDigest" if self.site.vllm else "digest"
        if result[key] != self.expected[key]:
            raise SystemExit(f"{self.name}: another {key} than the undisturbed run's")
        now = self.rollouts()
        if any(now.get(path) != data for path, data in stood.items()):
            raise SystemExit(f"{self.name}: a rollout that stood at a kill is gone or another")
        if self.site.server is not None:
            uri = [f"s3://{self.name}/{shortest_run.NAME}", "--endpoint", self.site.server.endpoint]
            said = subprocess.run(
                [sys.executable, "-m", "swarm_trainer", "verify", *uri], capture_output=True, text=True, check=True
            )
            if result["lastCommit"] not in said.stdout:
                raise SystemExit(f"{self.name}: verified another chain")
        print(f"{self.name}  same; {len(stood)} rollouts stood at a kill", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=30)
    parser.add_argument("--per-run", type=int, default=1, help="kills of each run before it may end")
    parser.add_argument("--bucket", action="store_true", help="a shorter run, in a bucket of a real gateway")
    parser.add_argument("--vllm", action="store_true", help="texts from vLLM; needs --bucket")
    parser.add_argument("--seed", type=int, default=0, help="draws the moments")
    arguments = parser.parse_args()
    if arguments.vllm and not arguments.bucket:
        parser.error("--vllm needs --bucket")
    os.environ.update({name: value for name, value in s3_servers.KEYS.items() if value})
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(s3_servers.versitygw(root / "s3")) if arguments.bucket else None
        site = KillSetup(root, server, arguments.vllm)
        begun = time.monotonic()
        expected = run_to_end(site.document("undisturbed"), root / "undisturbed")
        lasted = time.monotonic() - begun
        print(f"undisturbed: {lasted:.0f} s, digest {expected['digest'][:16]}", flush=True)
        draw, kills, rounds = random.Random(arguments.seed), 0, 0
        moments = iter(lambda: draw.uniform(0, lasted), None)
        while kills < arguments.times:
            once = KillRound(site, f"round-{rounds:02d}", expected)
            phases = once.kills(min(arguments.per_run, arguments.times - kills), moments)
            kills, rounds = kills + sum(phase is not None for phase in phases), rounds + 1
    print(f"{kills} kills of {rounds} runs; each ended as if undisturbed")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Does a run end with the same result if its host is killed at random moments? Kills the host of a short search with
SIGKILL.

One undisturbed run gives the digest and the time scale. Then every round starts a run and kills the host at a moment
drawn uniformly over the time of the undisturbed run, as many times as `--per-run` says. It runs the run to its end and
checks the result. If the run ends before its moment, it was not killed: the script says so and draws another moment.

    python benchmarks/kills.py                                   the short run, with its store in its folder
    python benchmarks/kills.py --bucket --per-run 5              a shorter run in a bucket, resumed from a new folder
    python benchmarks/kills.py --bucket --vllm --times 4         with texts from vLLM

The expected result is the digest in `result.json`. vLLM writes different texts each time, unless the first texts were
stored. So with vLLM the experiment must be the same, every rollout stored at a kill must stay unchanged, and `dataswarm
verify` must replay the rollouts to the committed swarm.

Limits: one machine. Only the host is killed; its worker dies with it, and its guard ends a server.
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
    """The place where the runs take place."""

    root: Path
    server: s3_servers.Server | None
    vllm: bool

    def document(self, bucket: str) -> Path:
        """Return the file to run; each bucket has its own file."""
        if self.server is None:
            return ARENA / "short.yaml"
        patches = [shortest_run.bucket_patch(self.server, bucket), *([shortest_run.IN_VLLM] if self.vllm else [])]
        arena = Path(shutil.copytree(ARENA, self.root / f"arena-{bucket}"))
        file: Path = shortest_run.write_document(arena, *patches)
        return file


def start_run(file: Path, folder: Path) -> "subprocess.Popen[bytes]":
    """Start a run in its own session."""
    command = [sys.executable, "-m", "swarm_trainer", "run", str(file), "--folder", str(folder)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def run_to_end(file: Path, folder: Path) -> dict[str, str]:
    """Run to the end; return the result. Raises SystemExit if the run fails."""
    code = start_run(file, folder).wait()
    if code != 0:
        raise SystemExit(f"the run in {folder} ended with exit code {code}; see its worker.log")
    result: dict[str, str] = json.loads((folder / "result.json").read_text())
    return result


def run_and_kill(file: Path, folder: Path, after: float) -> str | None:
    """Start a run and kill it after `after` seconds; return its phase, or None if it ended before."""
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
    """One run, killed and resumed."""

    site: KillSetup
    name: str
    expected: dict[str, str]

    def kills(self, times: int, moments: Iterator[float]) -> Iterator[str | None]:
        """Kill the run `times` times, or until it ends; yield the phase at each kill. Then run it to its end and check
        the result.
        """
        file, stored = self.site.document(self.name), dict[Path, bytes]()
        for number in range(times):
            moment = next(moments)
            phase = run_and_kill(file, self.folder(number), moment)
            stored |= self.rollouts()
            print(f"{self.name}  {moment:6.1f} s  {phase or 'ended before'}", flush=True)
            yield phase
            if phase is None:
                break
        self.check(run_to_end(file, self.folder(times)), stored)

    def folder(self, number: int) -> Path:
        """Return the folder of one start. With a bucket, every start has a new folder, like another machine."""
        return self.site.root / (self.name if self.site.server is None else f"{self.name}-{number}")

    def rollouts(self) -> dict[Path, bytes]:
        """Return the rollouts that are stored now."""
        server = self.site.server
        if server is None:
            return {}
        names = shortest_run.names_folder(server, self.name)
        return {path: path.read_bytes() for path in names.rglob("*.json.gz")}

    def check(self, result: dict[str, str], stored: dict[Path, bytes]) -> None:
        """Check the result. Raises SystemExit if it is not the expected one."""
        key = "experimentDigest" if self.site.vllm else "digest"
        if result[key] != self.expected[key]:
            raise SystemExit(f"{self.name}: the {key} differs from that of the undisturbed run")
        current = self.rollouts()
        if any(current.get(path) != data for path, data in stored.items()):
            raise SystemExit(f"{self.name}: a rollout stored at a kill is gone or has changed")
        if self.site.server is not None:
            uri = [f"s3://{self.name}/{shortest_run.NAME}", "--endpoint", self.site.server.endpoint]
            verified = subprocess.run(
                [sys.executable, "-m", "swarm_trainer", "verify", *uri], capture_output=True, text=True, check=True
            )
            if result["lastCommit"] not in verified.stdout:
                raise SystemExit(f"{self.name}: verify replayed another chain")
        print(f"{self.name}  same; {len(stored)} rollouts were stored at a kill", flush=True)


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
    print(f"{kills} kills of {rounds} runs; each run ended with the undisturbed result")
    return 0


if __name__ == "__main__":
    sys.exit(main())

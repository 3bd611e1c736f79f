"""Measures how fast a large file goes to a bucket and comes back, with our store and with two common tools.

A file of 135 MB, the size of a basis adapter of a 1B model, is uploaded and downloaded by our store, by `aws s3 cp` and
by `rclone copyto`, each with its defaults. Every tool runs in every round, in a rotating order, as its own process,
which is timed from start to end. The server is versitygw on this machine. Every round has new bytes, because a store
that already has a blob sends nothing.

"Whole" is the whole process: wall time (median and minimum) and processor seconds. "Bytes alone" is the whole minus the
same command for one byte. On a busy machine the difference of two medians is unreliable, so there the minimum counts.

The tools do not do the same work. Ours names the file by its SHA-256 (one pass before a byte is sent), checks whether
the store verifies a part's CRC32, and verifies the whole file by SHA-256 after the download. rclone computes an MD5;
aws computes a CRC and signs every part.

Memory: VmHWM of each process minus that of the same command for one byte, at 135 MB; for ours at 540 MB too.

Limits: server and client share the cores, so the ratio counts, not the rate. `--aws` and `--rclone` name the programs;
a missing one is left out, and the script says so.
"""

import argparse
import filecmp
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import s3_servers

MB = 1_000_000
SIZE, LARGE = 135 * MB, 540 * MB
OURS, AWS, RCLONE = "ours", "aws s3 cp", "rclone copyto"
BUCKET, DIGEST = "transfers", "digest"
DIRECTIONS = ("up", "down")
TARGET_RATIO = 0.9
"""The required ratio to the best rate of the other tools."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a process."""

    wall: float
    processor: float
    """Seconds over all threads."""
    memory: float
    """Peak memory in bytes."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """One transfer of one file with one tool."""

    large: Cost
    small: Cost
    """The cost of the same command for one byte."""

    @property
    def memory(self) -> float:
        """Peak bytes beyond those of the process for one byte."""
        return self.large.memory - self.small.memory


Transfers = dict[tuple[str, str], list[Transfer]]
CopyCommand = Callable[[str, Path, str], list[str]]
"""Returns the command that uploads or downloads a file under a key."""


@dataclass(slots=True)
class StoreBenchmark:
    """A server, a folder, and the tools."""

    endpoint: str
    folder: Path
    tools: Mapping[str, CopyCommand]
    transfers: Transfers = field(default_factory=dict)

    def run_round(self, number: int) -> None:
        """Run every tool once, up and down."""
        names = list(self.tools)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            for direction, trip in zip(DIRECTIONS, self.transfer_both_ways(name, SIZE), strict=True):
                self.transfers.setdefault((name, direction), []).append(trip)

    def transfer_both_ways(self, name: str, size: int) -> tuple[Transfer, Transfer]:
        """Upload and download new bytes. Raises SystemExit if the downloaded bytes differ."""
        files = {
            "small": write_random_file(self.folder / "small", 1),
            "large": write_random_file(self.folder / "large", size),
        }
        back, key, took = self.folder / "back", uuid.uuid4().hex, {}
        for direction in DIRECTIONS:
            for kind, file in files.items():
                os.sync()
                place = file if direction == "up" else back / kind
                took[direction, kind] = measure_process(self.tools[name](direction, place, f"{key}-{kind}"))
        if not filecmp.cmp(files["large"], find_downloaded_file(back / "large"), shallow=False):
            raise SystemExit(f"{name} returned different bytes")
        shutil.rmtree(back)
        up, down = (Transfer(took[direction, "large"], took[direction, "small"]) for direction in DIRECTIONS)
        return up, down

    def ours(self, direction: str, file: Path, key: str) -> list[str]:
        """Build the command of our store. It names blobs by content, so the key's digest is stored next to the file."""
        return [sys.executable, __file__, "--child", self.endpoint, direction, str(file), str(self.folder / key)]

    def aws(self, program: str) -> CopyCommand:
        """Build the command maker of `aws s3 cp`."""

        def build_command(direction: str, file: Path, key: str) -> list[str]:
            pair = (str(file), f"s3://{BUCKET}/{key}")
            return [
                program,
                "s3",
                "cp",
                "--quiet",
                "--endpoint-url",
                self.endpoint,
                *order_by_direction(direction, pair),
            ]

        return build_command

    def rclone(self, program: str) -> CopyCommand:
        """Build the command maker of `rclone copyto`."""

        def build_command(direction: str, file: Path, key: str) -> list[str]:
            pair = (str(file), f":s3:{BUCKET}/{key}")
            settings = ["--s3-provider", "Other", "--s3-env-auth", "--s3-endpoint", self.endpoint]
            return [program, "copyto", "--config", os.devnull, *settings, *order_by_direction(direction, pair)]

        return build_command


def order_by_direction(direction: str, pair: tuple[str, str]) -> tuple[str, str]:
    return pair if direction == "up" else (pair[1], pair[0])


def write_random_file(file: Path, size: int) -> Path:
    with file.open("wb") as out:
        for start in range(0, size, MB):
            out.write(os.urandom(min(MB, size - start)))
    return file


def find_downloaded_file(place: Path) -> Path:
    """Return the downloaded file: the path itself, or the one blob below it."""
    return place if place.is_file() else next(path for path in place.rglob("*") if path.is_file())


def measure_process(command: Sequence[str]) -> Cost:
    """Measure the cost of a command. Raises SystemExit if it fails."""
    begin = perf_counter()
    number = os.posix_spawn(command[0], list(command), os.environ)
    _, status, usage = os.wait4(number, 0)
    seconds = perf_counter() - begin
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{' '.join(command)}: ended with {os.waitstatus_to_exitcode(status)}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024.0)


def run_transfer(endpoint: str, direction: str, file: Path, digest: Path) -> None:
    """Make one transfer with our store."""
    from swarm_core.api.execution import S3Storage  # noqa: PLC0415 (the parent stays small, because a child inherits its peak)
    from swarm_core.recipe import Digest  # noqa: PLC0415
    from swarm_trainer.stores.s3 import S3Store  # noqa: PLC0415

    store = S3Store(S3Storage(bucket=BUCKET, prefix="ours", endpoint=endpoint), file)
    if direction == "up":
        digest.write_text(store.put(file))
    else:
        store.get(Digest(digest.read_text()))


Figure = Callable[[Sequence[Transfer]], float]
FIGURES: dict[str, Figure] = {
    "whole, median": lambda transfers: median(one.large.wall for one in transfers),
    "whole, minimum": lambda transfers: min(one.large.wall for one in transfers),
    "bytes alone, minimum": lambda transfers: (
        min(one.large.wall for one in transfers) - min(one.small.wall for one in transfers)
    ),
    "processor, whole": lambda transfers: median(one.large.processor for one in transfers),
    "processor, bytes alone": lambda transfers: median(one.large.processor - one.small.processor for one in transfers),
}
"""The figures of the table, in seconds."""


def format_transfers(transfers: Transfers) -> Iterator[str]:
    yield f"| 135 MB | {' | '.join(FIGURES)} | memory |"
    yield f"|---|{'---|' * (len(FIGURES) + 1)}"
    for (name, direction), measured in sorted(transfers.items(), key=lambda one: DIRECTIONS.index(one[0][1])):
        figures = " | ".join(f"{figure(measured):.2f} s" for figure in FIGURES.values())
        yield f"| {name}, {direction} | {figures} | {max(one.memory for one in measured) / MB:.0f} MB |"


def format_ratios(transfers: Transfers) -> Iterator[str]:
    yield f"| best other / ours (goal: {TARGET_RATIO}) | {' | '.join(FIGURES)} |"
    yield f"|---|{'---|' * len(FIGURES)}"
    others = {name for name, _ in transfers} - {OURS}
    for direction in DIRECTIONS:
        ratios = [
            min(figure(transfers[o, direction]) for o in others) / figure(transfers[OURS, direction])
            for figure in FIGURES.values()
        ]
        yield f"| {direction} | {' | '.join(f'{ratio:.2f}' for ratio in ratios)} |"


def run_benchmark(server: s3_servers.Server, folder: Path, arguments: argparse.Namespace) -> None:
    """Run all rounds and print the tables."""
    bench = StoreBenchmark(server.endpoint, folder, {})
    programs = {AWS: shutil.which(arguments.aws), RCLONE: shutil.which(arguments.rclone)}
    makers = {AWS: bench.aws, RCLONE: bench.rclone}
    bench.tools = {OURS: bench.ours, **{name: makers[name](found) for name, found in programs.items() if found}}
    for name in programs.keys() - bench.tools.keys():
        print(f"{name}: not installed, left out")
    for number in range(arguments.rounds):
        bench.run_round(number)
        print(f"round {number + 1}, load {os.getloadavg()[0]:.1f}", flush=True)
    peaks = bench.transfer_both_ways(OURS, LARGE)
    print("\n".join(format_transfers(bench.transfers)), end="\n\n")
    if len(bench.tools) > 1:
        print("\n".join(format_ratios(bench.transfers)), end="\n\n")
    print(
        f"ours at {LARGE // MB} MB: memory {peaks[0].memory / MB:.0f} / {peaks[1].memory / MB:.0f} MB up / down;",
        end=" ",
    )
    print(f"{arguments.rounds} rounds, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="the folder for 4 GB; default: the system's temporary folder")
    parser.add_argument("--aws", default="aws")
    parser.add_argument("--rclone", default="rclone")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    os.environ.update({name: value for name, value in s3_servers.KEYS.items() if value})
    os.environ.update(AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull)
    if arguments.child:
        endpoint, direction, *places = arguments.child
        run_transfer(endpoint, direction, *map(Path, places))
        return 0
    with tempfile.TemporaryDirectory(dir=arguments.folder) as root, s3_servers.versitygw(Path(root) / "s3") as server:
        server.bucket(BUCKET)
        run_benchmark(server, Path(root), arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""How fast a large file goes to a bucket and comes back, beside the two tools that people use for it.

A file of 135 MB, the size of a basis adapter of a 1B model, is put and fetched by our store, by `aws s3 cp` and by
`rclone copyto`, each with its defaults: in turn, every way in every round, the order turned each time. Each is a
process of its own, timed from start to end. The server is versitygw on this machine; every round has new bytes, for a
store that knows a blob sends nothing.

Whole: the process, by the clock (median, and least) and in processor seconds. Bytes alone: the whole less the same
command over one byte, measured beside it. A command of a second that starts in two is hard to take apart on a busy
machine, so there the least counts.

What is not the same: ours names the file by its sha256 (one pass over it before a byte is sent), finds out whether the
store looks at a part's CRC32, and verifies the whole by sha256 when it comes back. rclone takes an md5; aws a CRC, and
signs every part.

Memory: VmHWM of each process over the same command for one byte, at 135 MB; ours at 540 MB too.

Limits: server and client share the cores, so the ratio counts, not the rate. `--aws` and `--rclone` name the programs;
one that is missing is left out, and said to be.
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
"""Of the best of the others' rates."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a process."""

    wall: float
    processor: float
    """Seconds of all threads."""
    memory: float
    """Bytes at its peak."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """One way of one file."""

    large: Cost
    small: Cost
    """Of the same for one byte."""

    @property
    def memory(self) -> float:
        """Bytes, above those of the process for one byte."""
        return self.large.memory - self.small.memory


Transfers = dict[tuple[str, str], list[Transfer]]
CopyCommand = Callable[[str, Path, str], list[str]]
"""The command that brings a file up or down under a key."""


@dataclass(slots=True)
class StoreBenchmark:
    """A server, a folder, and the ways there are."""

    endpoint: str
    folder: Path
    ways: Mapping[str, CopyCommand]
    trips: Transfers = field(default_factory=dict)

    def round(self, number: int) -> None:
        """Every way once, up and down."""
        names = list(self.ways)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            for way, trip in zip(DIRECTIONS, self.there_and_back(name, SIZE), strict=True):
                self.trips.setdefault((name, way), []).append(trip)

    def there_and_back(self, name: str, size: int) -> tuple[Transfer, Transfer]:
        """Bring new bytes up and down. Raises SystemExit when other bytes come back."""
        files = {
            "small": write_random_file(self.folder / "small", 1),
            "large": write_random_file(self.folder / "large", size),
        }
        back, key, took = self.folder / "back", uuid.uuid4().hex, {}
        for way in DIRECTIONS:
            for kind, file in files.items():
                os.sync()
                place = file if way == "up" else back / kind
                took[way, kind] = measure_process(self.ways[name](way, place, f"{key}-{kind}"))
        if not filecmp.cmp(files["large"], fetched_file(back / "large"), shallow=False):
            raise SystemExit(f"{name} brought back other bytes")
        shutil.rmtree(back)
        up, down = (Transfer(took[way, "large"], took[way, "small"]) for way in DIRECTIONS)
        return up, down

    def ours(self, way: str, file: Path, key: str) -> list[str]:
        """Our blobs are named by what they hold, so the key's digest is left beside the file."""
        return [sys.executable, __file__, "--child", self.endpoint, way, str(file), str(self.folder / key)]

    def aws(self, program: str) -> CopyCommand:
        def copying(way: str, file: Path, key: str) -> list[str]:
            pair = (str(file), f"s3://{BUCKET}/{key}")
            return [program, "s3", "cp", "--quiet", "--endpoint-url", self.endpoint, *order_by_direction(way, pair)]

        return copying

    def rclone(self, program: str) -> CopyCommand:
        def copying(way: str, file: Path, key: str) -> list[str]:
            pair = (str(file), f":s3:{BUCKET}/{key}")
            settings = ["--s3-provider", "Other", "--s3-env-auth", "--s3-endpoint", self.endpoint]
            return [program, "copyto", "--config", os.devnull, *settings, *order_by_direction(way, pair)]

        return copying


def order_by_direction(way: str, pair: tuple[str, str]) -> tuple[str, str]:
    return pair if way == "up" else (pair[1], pair[0])


def write_random_file(file: Path, size: int) -> Path:
    with file.open("wb") as out:
        for start in range(0, size, MB):
            out.write(os.urandom(min(MB, size - start)))
    return file


def fetched_file(place: Path) -> Path:
    """The file that was fetched: the place itself, or the one blob in it."""
    return place if place.is_file() else next(path for path in place.rglob("*") if path.is_file())


def measure_process(command: Sequence[str]) -> Cost:
    """What a program costs. Raises SystemExit if it fails."""
    begin = perf_counter()
    number = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(number, 0)
    seconds = perf_counter() - begin
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{' '.join(command)}: ended with {os.waitstatus_to_exitcode(status)}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024.0)


def run_transfer(endpoint: str, way: str, file: Path, digest: Path) -> None:
    """One trip of ours."""
    from swarm_core.api.execution import S3Storage  # noqa: PLC0415 (the parent stays small: its peak is inherited)
    from swarm_core.recipe import Digest  # noqa: PLC0415
    from swarm_trainer.stores.s3 import S3Store  # noqa: PLC0415

    store = S3Store(S3Storage(bucket=BUCKET, prefix="ours", endpoint=endpoint), file)
    if way == "up":
        digest.write_text(store.put(file))
    else:
        store.get(Digest(digest.read_text()))


Figure = Callable[[Sequence[Transfer]], float]
FIGURES: dict[str, Figure] = {
    "whole, median": lambda trips: median(one.large.wall for one in trips),
    "whole, least": lambda trips: min(one.large.wall for one in trips),
    "bytes alone, least": lambda trips: min(one.large.wall for one in trips) - min(one.small.wall for one in trips),
    "processor, whole": lambda trips: median(one.large.processor for one in trips),
    "processor, bytes alone": lambda trips: median(one.large.processor - one.small.processor for one in trips),
}
"""Seconds."""


def format_transfers(trips: Transfers) -> Iterator[str]:
    yield f"| 135 MB | {' | '.join(FIGURES)} | memory |"
    yield f"|---|{'---|' * (len(FIGURES) + 1)}"
    for (name, way), here in sorted(trips.items(), key=lambda one: DIRECTIONS.index(one[0][1])):
        figures = " | ".join(f"{figure(here):.2f} s" for figure in FIGURES.values())
        yield f"| {name}, {way} | {figures} | {max(one.memory for one in here) / MB:.0f} MB |"


def format_ratios(trips: Transfers) -> Iterator[str]:
    yield f"| best other / ours ({TARGET_RATIO} wanted) | {' | '.join(FIGURES)} |"
    yield f"|---|{'---|' * len(FIGURES)}"
    others = {name for name, _ in trips} - {OURS}
    for way in DIRECTIONS:
        ratios = [min(figure(trips[o, way]) for o in others) / figure(trips[OURS, way]) for figure in FIGURES.values()]
        yield f"| {way} | {' | '.join(f'{ratio:.2f}' for ratio in ratios)} |"


def run_benchmark(server: s3_servers.Server, folder: Path, arguments: argparse.Namespace) -> None:
    """All rounds, and the tables."""
    bench = StoreBenchmark(server.endpoint, folder, {})
    programs = {AWS: shutil.which(arguments.aws), RCLONE: shutil.which(arguments.rclone)}
    makers = {AWS: bench.aws, RCLONE: bench.rclone}
    bench.ways = {OURS: bench.ours, **{name: makers[name](found) for name, found in programs.items() if found}}
    for name in programs.keys() - bench.ways.keys():
        print(f"{name}: not installed, left out")
    for number in range(arguments.rounds):
        bench.round(number)
        print(f"round {number + 1}, load {os.getloadavg()[0]:.1f}", flush=True)
    peaks = bench.there_and_back(OURS, LARGE)
    print("\n".join(format_transfers(bench.trips)), end="\n\n")
    if len(bench.ways) > 1:
        print("\n".join(format_ratios(bench.trips)), end="\n\n")
    print(
        f"ours at {LARGE // MB} MB: memory {peaks[0].memory / MB:.0f} / {peaks[1].memory / MB:.0f} MB up / down;",
        end=" ",
    )
    print(f"{arguments.rounds} rounds, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where to put 4 GB; default: the system's temporary folder")
    parser.add_argument("--aws", default="aws")
    parser.add_argument("--rclone", default="rclone")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    os.environ.update({name: value for name, value in s3_servers.KEYS.items() if value})
    os.environ.update(AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull)
    if arguments.child:
        endpoint, way, *places = arguments.child
        run_transfer(endpoint, way, *map(Path, places))
        return 0
    with tempfile.TemporaryDirectory(dir=arguments.folder) as root, s3_servers.versitygw(Path(root) / "s3") as server:
        server.bucket(BUCKET)
        run_benchmark(server, Path(root), arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())

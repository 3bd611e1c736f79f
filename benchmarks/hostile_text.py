"""Measure how the time to read foreign text grows with its length, on texts that are made to be slow.

    python benchmarks/hostile_text.py --write docs/results.md

Every reader (`tests/support/hostile_readers.py`) reads every text of 2 kB, and the slowest of them at 16 kB. For each
reader, the two that took longest are then read at 64 kB, 256 kB and 1 MB. A reader in linear time takes 4 times as long
for 4 times the text. The command exits with 1 if one takes more than 3 times that. The table has the slowest text of
each reader, in seconds of processor time.

Limits: it finds slow texts only among those that it makes.
"""

import argparse
import gc
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))

import hostile_readers  # noqa: E402 - it is found by the line above
from published_table import insert_table  # noqa: E402 - ruff sorts it below the line above

SCREENS = ((2_000, 60), (16_000, 2))
"""The lengths at which texts are compared, and how many of the slowest are kept."""
LENGTHS = (64_000, 256_000, 1_024_000)
NOISE_SECONDS = 0.02
"""A time below this says nothing about growth."""
MAX_GROWTH = 3 * 4
"""The largest ratio of the times for two lengths, one 4 times the other, that is accepted."""


def find_worst(reader: str) -> list[str]:
    """Return the names of the texts that take the reader longest."""
    read, names = hostile_readers.READERS[reader], list(dict(hostile_readers.make_texts(1)))
    for length, kept in SCREENS:
        times = {name: hostile_readers.measure(read, hostile_readers.make_text(name, length)) for name in names}
        names = sorted(times, key=lambda name: -times[name])[:kept]
    return names


@dataclass(frozen=True)
class Measured:
    """The times for one text at all lengths."""

    reader: str
    text: str
    seconds: tuple[float, ...]

    @property
    def growth(self) -> float:
        """The largest ratio of the times for two lengths that follow each other."""
        return max(late / max(early, NOISE_SECONDS) for early, late in pairwise(self.seconds))

    def format(self) -> str:
        """The row of the table."""
        cells = " | ".join(f"{seconds:.3f}" for seconds in self.seconds)
        return f"| {self.reader} | `{self.text}` | {cells} | {self.growth:.1f} |"


def measure(reader: str, text: str) -> Measured:
    """Read a text at all lengths."""
    read = hostile_readers.READERS[reader]
    times = (hostile_readers.measure(read, hostile_readers.make_text(text, length)) for length in LENGTHS)
    return Measured(reader, text, tuple(times))


def main() -> int:
    """Print the table; return 1 if a time grows too fast."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, help="the file whose table to replace")
    options = parser.parse_args()
    lines = ["| reader | text | 64 kB | 256 kB | 1 MB | growth |", "|---|---|---|---|---|---|"]
    failed = False
    gc.freeze()  # a collection looks at what a reader makes, not at the libraries that are loaded here
    for reader in hostile_readers.READERS:
        found = [measure(reader, text) for text in find_worst(reader)]
        failed |= any(one.growth > MAX_GROWTH for one in found)
        lines.append(max(found, key=lambda one: one.seconds[-1]).format())
        print(lines[-1], flush=True)
    if options.write is not None:
        insert_table(options.write, "benchmarks/hostile_text.py", "\n".join(lines))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

"""Measure how the time to read foreign text grows with its length, on texts that are made to be slow.

    python benchmarks/hostile_text.py

Every reader (`tests/support/hostile_readers.py`) reads every text of 16 kB. For each reader, the texts that took
longest are then read at 64 kB, 256 kB and 1 MB. A reader in linear time takes 4 times as long for 4 times the text. The
command exits with 1 if one takes more than 3 times that.

Limits: it finds slow texts only among those that it makes.
"""

import sys
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))

import hostile_readers  # noqa: E402 - it is found by the line above

SCREENED, LENGTHS = 16_000, (64_000, 256_000, 1_024_000)
WORST = 2
"""Number of texts per reader that are read at every length."""
NOISE_SECONDS = 0.02
"""A time below this says nothing about growth."""


def find_worst(reader: str) -> list[str]:
    """Return the names of the texts that take the reader longest."""
    read = hostile_readers.READERS[reader]
    times = {name: hostile_readers.measure(read, text) for name, text in hostile_readers.make_texts(SCREENED)}
    return sorted(times, key=lambda name: -times[name])[:WORST]


def main() -> int:
    """Print the table; return 1 if a time grows too fast."""
    print("| reader | text | 64 kB | 256 kB | 1 MB | growth |")
    print("|---|---|---|---|---|---|")
    failed = False
    for reader, read in hostile_readers.READERS.items():
        for name in find_worst(reader):
            times = [hostile_readers.measure(read, hostile_readers.make_text(name, length)) for length in LENGTHS]
            growth = max(late / max(early, NOISE_SECONDS) for early, late in pairwise(times))
            failed |= growth > 3 * 4
            cells = " | ".join(f"{seconds:.3f} s" for seconds in times)
            print(f"| {reader} | `{name}` | {cells} | {growth:.1f} |", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

"""How much time and memory does seed data of a million records take to read? One line per format.

python benchmarks/seed_files.py [--records 1000000] [--files list.json table.parquet]

Each format is read in a process of its own, so that the peak of its memory is its own. The records have a question of
about 80 characters, an answer and a field that is not read.
"""

import argparse
import csv
import gzip
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

MEASURE = "--measure"


def build_records(count: int) -> Iterator[dict[str, str]]:
    for number in range(count):
        question = (
            f"Question {number}: a field has {number % 977} rows of {number % 89} trees. How many trees are there?"
        )
        yield {"question": question, "answer": str(number), "source": "a page that nobody reads"}


def write_json_lines(path: Path, count: int) -> None:
    with path.open("w") as file:
        file.writelines(json.dumps(record) + "\n" for record in build_records(count))


def write_gzip(path: Path, count: int) -> None:
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.writelines(json.dumps(record) + "\n" for record in build_records(count))


def write_list(path: Path, count: int) -> None:
    with path.open("w") as file:
        file.write("[")
        file.writelines(("," if number else "") + json.dumps(one) for number, one in enumerate(build_records(count)))
        file.write("]")


def write_document(path: Path, count: int) -> None:
    with path.open("w") as file:
        file.write('{"name": "fields", "dev": [')
        file.writelines(("," if number else "") + json.dumps(one) for number, one in enumerate(build_records(count)))
        file.write('], "test": []}')


def write_csv(path: Path, count: int) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ("question", "answer", "source"))
        writer.writeheader()
        writer.writerows(build_records(count))


def write_parquet(path: Path, count: int) -> None:
    pq.write_table(pa.Table.from_pylist(list(build_records(count))), path)


WRITERS = {
    "lines.jsonl": write_json_lines,
    "lines.jsonl.gz": write_gzip,
    "list.json": write_list,
    "document.json": write_document,
    "table.csv": write_csv,
    "table.parquet": write_parquet,
}


def read_peak() -> int:
    """The peak of the resident memory of this program in KiB. That of `resource` counts the parent before `exec`."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def measure(path: Path) -> None:
    from swarm_core.api.generators import SeedDataSource  # noqa: PLC0415
    from swarm_trainer.data import seeds  # noqa: PLC0415

    resting = read_peak()
    start, cpu = time.perf_counter(), time.process_time()
    found = seeds.read(path, SeedDataSource(uri=path.name))
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = read_peak()
    size = path.stat().st_size / 2**20
    print(
        f"{path.name:<15} {size:6.0f} MiB, {found.records:,} records, {len(found.items):,} items:"
        f" {cpu:.0f} s of processor time, {seconds:.0f} s, {(peak - resting) / 1024:.0f} MiB more memory"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--files", nargs="*", choices=WRITERS, default=list(WRITERS))
    parser.add_argument(MEASURE, type=Path)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure)
        return
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.files:
            path = Path(folder) / name
            WRITERS[name](path, arguments.records)
            subprocess.run([sys.executable, __file__, MEASURE, str(path)], check=True)
            path.unlink()


if __name__ == "__main__":
    main()

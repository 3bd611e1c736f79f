"""Files of seed data as people have them, odd and hostile ones too, with what is right for each.

`python tests/support/odd_data_files.py` reads each of them and prints the counts.
"""

import tempfile
from pathlib import Path

from odd_file import OddFile
from odd_formats import encoded, foreign
from odd_records import csv_files, json_files, mapped_files, parquet_files

GROUPS = {
    "encodings": encoded,
    "other formats": foreign,
    "JSON": json_files,
    "CSV": csv_files,
    "Parquet": parquet_files,
    "fields": mapped_files,
}


def build() -> tuple[OddFile, ...]:
    """All files."""
    return tuple(one for group in GROUPS.values() for one in group())


def main() -> None:
    from swarm_core.api.generators import SeedDataSource  # noqa: PLC0415
    from swarm_core.errors import BadInputError  # noqa: PLC0415
    from swarm_trainer.data import seeds  # noqa: PLC0415

    files, read, wrong = build(), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for one in files:
            path = Path(folder) / one.name
            path.write_bytes(one.content)
            try:
                items = seeds.read(path, SeedDataSource(uri=one.name, **one.data)).items
                right = one.texts is not None and [seed.item.text for seed in items] == [*one.texts]
                told = f"{len(items)} items"
                read += 1
            except BadInputError as error:
                told = str(error)
                right = one.texts is None and all(word in told for word in one.words) and "\n" not in told
            if not right:
                wrong += 1
                print(f"{one.name} {one.content[:60]!r}: {one.words}: {told[:400]}")
    print(f"{len(files)} files: {read} read, {len(files) - read} refused, {wrong} not as they should be")


if __name__ == "__main__":
    main()

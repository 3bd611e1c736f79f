"""Replaces the table of a benchmark in a page of the documentation, between two marks that name the benchmark."""

from pathlib import Path


def insert_table(file: Path, script: str, text: str) -> None:
    """Replace the table of `script` in `file`. Raises SystemExit if the marks are missing."""
    begin, end = f"<!-- {script} begins -->", f"<!-- {script} ends -->"
    old = file.read_text(encoding="utf-8")
    before, _, rest = old.partition(begin)
    _, mark, after = rest.partition(end)
    if not mark:
        raise SystemExit(f"{file}: has no lines {begin!r} and {end!r}; add them where the table belongs")
    file.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")

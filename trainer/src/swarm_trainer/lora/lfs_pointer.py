"""Finds Git LFS pointers: small texts that a clone without `git lfs` has in the place of large files.

Limits: it knows the pointers of version 1, which are all that exist.
"""

from pathlib import Path

SIGNATURE = b"version https://git-lfs.github.com/spec/"


def find_pointer(folder: Path) -> str | None:
    """Return what is wrong and the way out, if a file in `folder` is a pointer; None if none is."""
    for path in sorted(folder.iterdir()):
        if path.is_file():
            with path.open("rb") as file:
                if file.read(len(SIGNATURE)) == SIGNATURE:
                    return f"{path.name} is a Git LFS pointer, not the file itself; fetch it: `git lfs pull`"
    return None

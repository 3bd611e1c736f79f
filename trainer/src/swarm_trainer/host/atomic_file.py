"""Replaces a file atomically: readers see the old or the new content, also after a power cut.

The name of the temporary file follows from the name of the file, so a killed process leaves at most one behind.

Limits: one writer at a time. The lock of the run folder ensures that.
"""

import os
from pathlib import Path

from swarm_trainer.stores import files


def replace(path: Path, data: bytes) -> None:
    """Replace the content of `path` with `data`. Raises OSError and then leaves the old content in place."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        files.rename(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        error.filename = error.filename or str(path)  # the error of a failed write names no file
        raise

"""Replacing a file so that it is whole at any moment, also after a power cut.

The name of the temporary file is a function of the file's: who is killed leaves at most one. Only the holder of the
run folder's lock writes, so nobody else has it.
"""

import os
from pathlib import Path

from swarm_trainer.stores import files


def replace(path: Path, data: bytes) -> None:
    """Make `path` hold `data`. Raises OSError; then the old content stands."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        files.rename(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        error.filename = error.filename or str(path)  # a failed write names no file by itself
        raise

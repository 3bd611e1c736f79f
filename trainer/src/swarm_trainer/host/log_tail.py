"""The end of a log, for messages."""

import os
from pathlib import Path

LOG_TAIL_BYTES = 4096
LOG_TAIL_LINES = 3
"""Enough for the name of an exception and the line before it; the log has the rest."""


def read_log_tail(log: Path) -> str:
    """The last lines of `log` on one line; a few words where there are none."""
    with log.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - LOG_TAIL_BYTES))
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    return " | ".join(lines[-LOG_TAIL_LINES:]) or "(the log is empty)"

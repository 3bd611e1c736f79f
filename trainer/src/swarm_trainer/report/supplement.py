"""A supplement of a result: a further comparison on fresh items, which has its own place in every report.

A new supplement is one module with a class of this protocol; no report changes. Limits: a supplement never changes
which generator was chosen, nor the gain.
"""

from collections.abc import Iterator
from typing import Protocol

from swarm_trainer.report.usage_report import Json


class Supplement(Protocol):
    """A further part of a result."""

    @property
    def field(self) -> str:
        """The name of its field in `result.json`."""
        ...

    def to_json(self) -> Json:
        """Return the value of its field in `result.json`."""
        ...

    def format_lines(self) -> Iterator[str]:
        """Yield its lines of the summary, under 80 columns."""
        ...

"""The gate that keeps held-out items out: data copied from a test set is not new, however hard it is.

Limits: finds copies of a whole text, whatever its case and spacing (`swarm_core.text.normalization`); not paraphrases.
"""

from collections.abc import Iterable

from swarm_core.text.normalization import normalize


class HeldOutGate:
    """Refuses the texts it was given."""

    name = "leaked"

    def __init__(self, held_out: Iterable[str]) -> None:
        self.held_out = frozenset(map(normalize, held_out))

    def refusal(self, item: str) -> str | None:
        """Why `item` is rejected: it stands in the held-out data; None if it does not."""
        return "stands in the held-out data" if normalize(item) in self.held_out else None

"""The gate that admits a text once: copies of one item say no more than the item.

It remembers what it has admitted, so an instance serves one measurement and is asked last but for gates that hold
nothing. Two texts are the same if their normal forms are (`swarm_core.text.normalization`).
"""

from swarm_core.text.normalization import normalize


class DuplicateGate:
    """Admits the first of equal texts."""

    name = "duplicate"

    def __init__(self) -> None:
        self.admitted: dict[str, str] = {}

    def refusal(self, item: str) -> str | None:
        """Which earlier item `item` repeats; None admits and remembers it."""
        form = normalize(item)
        if form in self.admitted:
            return f"repeats {self.admitted[form][:80]!r}"
        self.admitted[form] = item
        return None

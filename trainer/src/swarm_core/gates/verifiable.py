"""The gate that admits what the judge can judge: an item nobody can verify measures nothing."""

from typing import Protocol


class ItemChecker(Protocol):
    """Whoever can say that it cannot judge."""

    def refusal(self, item: str) -> str | None: ...


class VerifiableGate:
    """Asks the judge; holds nothing."""

    name = "verifiable"

    def __init__(self, judge: ItemChecker) -> None:
        self.judge = judge

    def refusal(self, item: str) -> str | None:
        """What the judge says against `item`; None if it can be judged."""
        return self.judge.refusal(item)

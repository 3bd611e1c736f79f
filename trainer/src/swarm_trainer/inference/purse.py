"""What a run may spend at other people's servers, kept in its store, so that it holds over restarts and machines.

Calls are taken from the store in small lots before they are made, so that a process that is killed has counted more
than it made, by a lot at most, and never less. Tokens are known afterwards and told with the next lot: what was under
way may go beyond the budget, and what a killed process had not told is not counted.
"""

import json
import threading

from swarm_core.api.endpoints import Budget
from swarm_core.errors import BadInputError
from swarm_core.ports import ArtifactStore
from swarm_core.recipe import canonical_json

KEY = "endpoints/spent.json"
LOT = 16
"""Calls taken at once: a request to a distant store for so many to the endpoint."""
GO_ON = "what was answered is kept; raise it and run again, and the run goes on where it was"


class Purse:
    """The budget of a run. Safe to use from many threads."""

    def __init__(self, store: ArtifactStore, budget: Budget) -> None:
        self._store, self._budget = store, budget
        self._lock = threading.Lock()
        self._calls = self._tokens = self._known = 0
        """Calls in hand, below 0 those made that are not told; tokens not yet told; tokens known of before those."""

    def take(self) -> None:
        """One call may be made. Raises BadInputError when the budget is used up, StoreError."""
        with self._lock:
            if self._calls == 0 and self._budget != Budget():
                self._calls = self._lot()
            limit = self._budget.tokens
            if limit is not None and self._known + self._tokens >= limit:
                raise BadInputError(f"spec.budget.tokens: {limit} are used up; {GO_ON}")
            self._calls -= 1

    def spent(self, tokens: int) -> None:
        """So many tokens were used."""
        with self._lock:
            self._tokens += tokens

    def settle(self) -> None:
        """Tell the store what it does not know yet, and give back what is in hand. Raises StoreError."""
        with self._lock:
            if self._calls or self._tokens:
                self._move(-self._calls)
                self._calls = 0

    def _lot(self) -> int:
        """Take a lot of calls. Raises BadInputError when there are none."""
        limit = self._budget.calls
        calls = self._spent()[0]
        lot = LOT if limit is None else min(LOT, limit - calls)
        if lot <= 0:
            raise BadInputError(f"spec.budget.calls: {limit} are used up; {GO_ON}")
        self._move(lot)
        return lot

    def _move(self, calls: int) -> None:
        """Add to what is spent. Whoever else spends meanwhile is counted too."""
        while True:
            standing = self._store.read(KEY)
            fields = json.loads(standing or b'{"calls": 0, "moves": 0, "tokens": 0}')
            moved = {
                "calls": fields["calls"] + calls,
                "moves": fields["moves"] + 1,  # a pointer must never return to a value that it had
                "tokens": fields["tokens"] + self._tokens,
            }
            if self._store.swap(KEY, standing, canonical_json(moved)):
                self._known, self._tokens = moved["tokens"], 0
                return

    def _spent(self) -> tuple[int, int]:
        standing = self._store.read(KEY)
        fields = json.loads(standing) if standing else {"calls": 0, "tokens": 0}
        return fields["calls"], fields["tokens"]

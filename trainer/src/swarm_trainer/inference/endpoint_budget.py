"""What a run may spend at other people's servers, kept in its store, so that it holds over restarts and machines.

Calls are taken from the store in small lots before they are made, so that a process that is killed has counted more
than it made, by a lot at most, and never less. Tokens are known afterwards and told with the next lot: what was under
way may go beyond the budget, and what a killed process had not told is not counted.
"""

import json
import threading

from swarm_core.api.lifecycle import Budget
from swarm_core.errors import BadInputError
from swarm_core.ports import ArtifactStore
from swarm_core.recipe import canonical_json

SPENT_KEY = "endpoints/spent.json"
CALLS_PER_CLAIM = 16
"""Calls taken at once: a request to a distant store for so many to the endpoint."""
RESUME_HINT = "what was answered is kept; raise it and run again, and the run goes on where it was"


class EndpointBudget:
    """The budget of a run. Safe to use from many threads."""

    def __init__(self, store: ArtifactStore, budget: Budget) -> None:
        self._store, self._budget = store, budget
        self._lock = threading.Lock()
        self._claimed_calls = self._unstored_tokens = self._stored_tokens = 0
        """Calls in hand, below 0 those made that are not told; tokens not yet told; tokens known of before those."""

    def claim_call(self) -> None:
        """One call may be made. Raises BadInputError when the budget is used up, StoreError."""
        with self._lock:
            if self._claimed_calls == 0 and (self._budget.calls, self._budget.tokens) != (None, None):
                self._claimed_calls = self._update(CALLS_PER_CLAIM)
            limit = self._budget.tokens
            if limit is not None and self._stored_tokens + self._unstored_tokens >= limit:
                raise BadInputError(f"spec.budget.tokens: {limit} are used up; {RESUME_HINT}")
            self._claimed_calls -= 1

    def add_tokens(self, tokens: int) -> None:
        """So many tokens were used."""
        with self._lock:
            self._unstored_tokens += tokens

    def flush(self) -> None:
        """Tell the store what it does not know yet, and give back what is in hand. Raises StoreError."""
        with self._lock:
            if self._claimed_calls or self._unstored_tokens:
                self._update(-self._claimed_calls)
                self._claimed_calls = 0

    def _update(self, wanted: int) -> int:
        """Have so many calls more, or fewer, counted as made, as far as the budget goes; how many.

        Whoever else spends meanwhile is counted first. Raises BadInputError when there are none left.
        """
        while True:
            current = self._store.read(SPENT_KEY)
            spent = json.loads(current or b'{"calls": 0, "moves": 0, "tokens": 0}')
            calls = self._limit_claim(wanted, spent["calls"])
            # A pointer must never return to a value that it had, hence the moves.
            total = {"calls": calls, "moves": 1, "tokens": self._unstored_tokens}
            total = {name: spent[name] + more for name, more in total.items()}
            if self._store.swap(SPENT_KEY, current, canonical_json(total)):
                self._stored_tokens, self._unstored_tokens = total["tokens"], 0
                return calls

    def _limit_claim(self, wanted: int, made: int) -> int:
        """How many of the calls wanted there still are. Raises BadInputError when there are none."""
        limit = self._budget.calls
        if wanted <= 0 or limit is None:
            return wanted
        if limit <= made:
            raise BadInputError(f"spec.budget.calls: {limit} are used up; {RESUME_HINT}")
        return min(wanted, limit - made)

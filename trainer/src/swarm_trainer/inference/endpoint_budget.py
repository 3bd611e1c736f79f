"""The run's budget of calls and tokens at remote endpoints, kept in its store, so that it holds over restarts and
machines.

Calls are claimed from the store in small lots before they are sent. So a process that is killed has counted more calls
than it sent, by one lot at most, and never fewer. Tokens are known only after an answer and are written with the next
lot. So requests that are running may exceed the token budget, and tokens that a killed process had not written are not
counted.
"""

import json
import threading

from swarm_core.api.lifecycle import Budget
from swarm_core.errors import BadInputError, ErrorCode, add_code
from swarm_core.ports import ArtifactStore
from swarm_core.recipe import canonical_json

SPENT_KEY = "endpoints/spent.json"
CALLS_PER_CLAIM = 16
"""Calls per claim. A request to a remote store costs time, so one claim covers this many calls."""
RESUME_HINT = "the answers so far are kept; raise the budget and run again, and the run continues from there"


class EndpointBudget:
    """The budget of one run. Safe to use from many threads."""

    def __init__(self, store: ArtifactStore, budget: Budget) -> None:
        self._store, self._budget = store, budget
        self._lock = threading.Lock()
        self._claimed_calls = self._unstored_tokens = self._stored_tokens = 0
        """Calls claimed and not yet sent (negative: sent without a claim); tokens not yet in the store; tokens in the
        store.
        """

    def claim_call(self) -> None:
        """Count one call before it is sent. Raises BadInputError when the budget is used up, StoreError."""
        with self._lock:
            if self._claimed_calls == 0 and (self._budget.calls, self._budget.tokens) != (None, None):
                self._claimed_calls = self._update(CALLS_PER_CLAIM)
            limit = self._budget.tokens
            if limit is not None and self._stored_tokens + self._unstored_tokens >= limit:
                raise build_budget_error("spec.budget.tokens", limit)
            self._claimed_calls -= 1

    def add_tokens(self, tokens: int) -> None:
        """Count the tokens of an answer."""
        with self._lock:
            self._unstored_tokens += tokens

    def flush(self) -> None:
        """Write the remaining tokens to the store and give back unused calls. Raises StoreError."""
        with self._lock:
            if self._claimed_calls or self._unstored_tokens:
                self._update(-self._claimed_calls)
                self._claimed_calls = 0

    def _update(self, wanted: int) -> int:
        """Add `wanted` calls (negative: give them back) and the new tokens to the store; returns the number of calls
        claimed.

        What other processes wrote meanwhile is counted first. Raises BadInputError when no calls are left, StoreError.
        """
        while True:
            current = self._store.read(SPENT_KEY)
            spent = json.loads(current or b'{"calls": 0, "moves": 0, "tokens": 0}')
            calls = self._limit_claim(wanted, spent["calls"])
            # A pointer must never return to an earlier value (its etag would repeat), so a counter of moves is part of
            # it.
            total = {"calls": calls, "moves": 1, "tokens": self._unstored_tokens}
            total = {name: spent[name] + more for name, more in total.items()}
            if self._store.swap(SPENT_KEY, current, canonical_json(total)):
                self._stored_tokens, self._unstored_tokens = total["tokens"], 0
                return calls

    def _limit_claim(self, wanted: int, made: int) -> int:
        """The calls that a claim gets, of `made` calls so far. Raises BadInputError when none are left."""
        limit = self._budget.calls
        if wanted <= 0 or limit is None:
            return wanted
        if limit <= made:
            raise build_budget_error("spec.budget.calls", limit)
        return min(wanted, limit - made)


def build_budget_error(field: str, limit: int) -> BadInputError:
    """The error for a budget that is used up."""
    return add_code(BadInputError(f"{field}: {limit} are used up; {RESUME_HINT}"), ErrorCode.BUDGET_EXCEEDED)

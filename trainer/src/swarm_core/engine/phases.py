"""The phases of a run and the facts that move it: every legal transition is one line of one table.

    Pending -Accepted-> Preparing -Prepared-> Seeding -Seeded-> Iterating -Searched-> Concluding -Concluded-> Succeeded
                                                                 |     ^
                                                                 +-----+ Committed
    Preparing, Seeding, Iterating, Concluding -Exhausted-> Failed

Two rules. Whatever may change a phase is in this file; and this file does not know what work brings a fact about, nor
which swarm or stage it is about: it holds for every swarm alike, and several swarms are several runs through the table.

A *fact* is something that became true once and stays true: the receipts it rests on are write-once. So facts may be
derived again from the receipts, in any order of observation, after any crash, and lead through the same phases. A
phase ends by exactly one fact, and only because all its work is done (or one item of it cannot be done).

What is not in the table. *Suspension* removes actions and adds no phase: a run is suspended while Seeding. *Deletion*
is the host's: what no longer exists has no phase. *Failed attempts* stay within a phase until they are used up.
*Reopening* a failed run is not a fact about its work but a wish of its owner (`state.reopen`): it restores the phase
recorded with the failure, which a table from pairs to phases cannot name.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Phase(StrEnum):
    """Where a run stands."""

    PENDING = "Pending"
    """Known, nothing begun."""
    PREPARING = "Preparing"
    """Inputs are read, checked and pinned by digest; what can be refused is refused here."""
    SEEDING = "Seeding"
    """The initial generators are trained, one per cluster of the seed data."""
    ITERATING = "Iterating"
    """The swarm is measured and moves, one commit after the other."""
    CONCLUDING = "Concluding"
    """The best and the initial generators are measured again on fresh data, and the results are exported."""
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


class Fact(StrEnum):
    """What became true."""

    ACCEPTED = "Accepted"
    """The engine has seen the run."""
    PREPARED = "Prepared"
    SEEDED = "Seeded"
    """Every cluster has its generator, or there is none to train."""
    COMMITTED = "Committed"
    """An iteration is committed, and more are to come."""
    SEARCHED = "Searched"
    """An iteration is committed, and a rule to stop or a limit holds."""
    CONCLUDED = "Concluded"
    EXHAUSTED = "Exhausted"
    """The run cannot go on: an item's input cannot work, its attempts are used up, or a limit of the run is reached."""


TERMINAL = frozenset({Phase.SUCCEEDED, Phase.FAILED})
"""Nothing runs any more and nothing will, unless a failed run is reopened."""

TRANSITIONS: Mapping[tuple[Phase, Fact], Phase] = MappingProxyType(
    {
        (Phase.PENDING, Fact.ACCEPTED): Phase.PREPARING,
        (Phase.PREPARING, Fact.PREPARED): Phase.SEEDING,
        (Phase.PREPARING, Fact.EXHAUSTED): Phase.FAILED,
        (Phase.SEEDING, Fact.SEEDED): Phase.ITERATING,
        (Phase.SEEDING, Fact.EXHAUSTED): Phase.FAILED,
        (Phase.ITERATING, Fact.COMMITTED): Phase.ITERATING,
        (Phase.ITERATING, Fact.SEARCHED): Phase.CONCLUDING,
        (Phase.ITERATING, Fact.EXHAUSTED): Phase.FAILED,
        (Phase.CONCLUDING, Fact.CONCLUDED): Phase.SUCCEEDED,
        (Phase.CONCLUDING, Fact.EXHAUSTED): Phase.FAILED,
    }
)


class IllegalFactError(ValueError):
    """A fact that cannot be true in a phase: an error of ours, never of the user."""


def transition(phase: Phase, fact: Fact) -> Phase:
    """The phase that follows `phase` when `fact` becomes true. Raises IllegalFactError for a pair not in the table."""
    try:
        return TRANSITIONS[phase, fact]
    except KeyError:
        legal = ", ".join(known for at, known in TRANSITIONS if at is phase) or "none, it is terminal"
        raise IllegalFactError(f"fact {fact} in phase {phase}: not in the table; legal there: {legal}") from None

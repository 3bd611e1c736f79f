"""The phases of a run and the facts that move it: every legal transition is one line of one table.

    Pending -Accepted-> Preparing -Prepared-> Seeding -Seeded-> Iterating -Searched-> Concluding -Concluded-> Succeeded
                                                                 |     ^
                                                                 +-----+ Committed
    Preparing, Seeding, Iterating, Concluding -Exhausted-> Failed

Only this module defines phase changes. It does not define which work makes a fact true, so it is the same for all kinds
of run and for any number of swarms.

A *fact* becomes true once and stays true, because its receipts are write-once. So facts can be derived again from the
receipts, in any order of observation and after any crash, and they lead through the same phases. A phase ends by
exactly one fact: either all its work is done, or one of its items has failed for good.

The table does not contain the following. *Suspension* removes actions and adds no phase: a run can be suspended while
Seeding. *Deletion* belongs to the host. *Failed attempts* do not change the phase until no attempt is left. *Reopening*
a failed run is a request of its owner (`state.reopen`) and not a fact about its work. It restores the phase in which
the run failed, which a table from pairs to phases cannot express.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Phase(StrEnum):
    """The phases of a run."""

    PENDING = "Pending"
    """The run exists, and no work has started."""
    PREPARING = "Preparing"
    """Inputs are read, checked and pinned by digest. Invalid input is refused in this phase."""
    SEEDING = "Seeding"
    """The initial generators are trained, one per cluster of the seed data."""
    ITERATING = "Iterating"
    """The swarm is measured and moves. Each iteration ends with a commit."""
    CONCLUDING = "Concluding"
    """The best and the initial generators are measured again on fresh data, and the results are exported."""
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


class Fact(StrEnum):
    """The facts that end a phase."""

    ACCEPTED = "Accepted"
    """The engine has accepted the run."""
    PREPARED = "Prepared"
    SEEDED = "Seeded"
    """Every cluster has its generator, or no generator is trained."""
    COMMITTED = "Committed"
    """An iteration is committed, and another one follows."""
    SEARCHED = "Searched"
    """The last iteration is committed: a stop rule or a limit has ended the search."""
    CONCLUDED = "Concluded"
    EXHAUSTED = "Exhausted"
    """The run cannot continue: an item has invalid input or no attempts left, or a limit of the run is reached."""


TERMINAL = frozenset({Phase.SUCCEEDED, Phase.FAILED})
"""The phases in which no work runs. Only a failed run that is reopened leaves them."""

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
    """A fact that cannot become true in the phase. It is a bug, and never an error of the user."""


def transition(phase: Phase, fact: Fact) -> Phase:
    """Return the phase that follows `phase` when `fact` becomes true. Raises IllegalFactError for a pair not in the
    table."""
    try:
        return TRANSITIONS[phase, fact]
    except KeyError:
        legal = ", ".join(known for at, known in TRANSITIONS if at is phase) or "none, it is terminal"
        raise IllegalFactError(f"fact {fact} in phase {phase}: not in the table; legal there: {legal}") from None

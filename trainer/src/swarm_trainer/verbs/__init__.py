"""One verb per kind of work item: item in, artefacts to the store, receipt last. Safe to repeat.

A verb that finds its receipt does nothing, so a lost answer or a second attempt costs nothing and changes nothing.
"""

from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import assert_never

from swarm_core.engine.work import Kind, Receipt, WorkItem
from swarm_core.ports import StoreError
from swarm_trainer.verbs import efforts, receipts
from swarm_trainer.verbs.context import Context

Verb = Callable[[WorkItem, Context], Receipt]


def carry_out(item: WorkItem, context: Context) -> Receipt:
    """Do `item`, or find it done. Raises BadInputError when the user's input cannot work."""
    found = receipts.stored(context.store, item.key)
    if found is not None:
        return found
    with ExitStack() as undone:
        undone.callback(spent, context)
        receipt = verb(item.kind)(item, context)
        undone.pop_all()
    standing = Receipt.from_bytes(context.store.publish(receipts.key(item.key), receipt.to_bytes()))
    efforts.settle(context)
    return standing


def spent(context: Context) -> None:
    """Tell the store what an item cost that came to nothing; what ended it matters more than a store that is away."""
    with suppress(StoreError):
        efforts.settle(context)


def verb(kind: Kind) -> Verb:
    """The verb of a kind; imported when first wanted, because each brings what the others can do without."""
    match kind:
        case Kind.PREPARE:
            from swarm_trainer.verbs import prepare  # noqa: PLC0415

            return prepare.run
        case Kind.SEED:
            from swarm_trainer.verbs import seed  # noqa: PLC0415

            return seed.run
        case Kind.ITERATE:
            from swarm_trainer.verbs import iterate  # noqa: PLC0415

            return iterate.run
        case Kind.CONCLUDE:
            from swarm_trainer.verbs import conclude  # noqa: PLC0415

            return conclude.run
        case _:
            assert_never(kind)

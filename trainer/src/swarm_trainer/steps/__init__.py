"""One verb per kind of work item: item in, artefacts to the store, receipt last. Safe to repeat.

A verb that finds its receipt does nothing, so a lost answer or a second attempt costs nothing and changes nothing.
"""

from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import assert_never

from swarm_core.engine.work import Kind, Receipt, WorkItem
from swarm_core.ports import StoreError
from swarm_trainer.run_store import receipt_store
from swarm_trainer.runtime.context import Context

Step = Callable[[WorkItem, Context], Receipt]


def execute(item: WorkItem, context: Context) -> Receipt:
    """Do `item`, or find it done. Raises BadInputError when the user's input cannot work."""
    found = receipt_store.load(context.store, item.key)
    if found is not None:
        return found
    with ExitStack() as undone:
        undone.callback(record_failed_usage, context)
        receipt = load_step(item.kind)(item, context)
        undone.pop_all()
    standing = Receipt.from_bytes(context.store.publish(receipt_store.key(item.key), receipt.to_bytes()))
    context.flush_usage()
    return standing


def record_failed_usage(context: Context) -> None:
    """Tell the store what an item cost that came to nothing; what ended it matters more than a store that is away."""
    with suppress(StoreError):
        context.flush_usage()


def load_step(kind: Kind) -> Step:
    """The verb of a kind; imported when first wanted, because each brings what the others can do without."""
    match kind:
        case Kind.PREPARE:
            from swarm_trainer.steps import prepare  # noqa: PLC0415

            return prepare.run
        case Kind.TRAIN:
            from swarm_trainer.steps import train  # noqa: PLC0415

            return train.run
        case Kind.ITERATE:
            from swarm_trainer.steps import iterate  # noqa: PLC0415

            return iterate.run
        case Kind.CONCLUDE:
            from swarm_trainer.steps import conclude  # noqa: PLC0415

            return conclude.run
        case _:
            assert_never(kind)

"""The steps: one function per kind of work item. It writes artifacts to the store, and its receipt last.

A step that finds its receipt does nothing, so a lost answer or a second attempt costs nothing and changes nothing.
"""

from contextlib import ExitStack, suppress

from swarm_core.engine.work import Receipt, WorkItem
from swarm_core.ports import StoreError
from swarm_trainer.evaluation import program
from swarm_trainer.run_store import receipt_store
from swarm_trainer.runtime.context import Context


def execute(item: WorkItem, context: Context) -> Receipt:
    """Do `item`, or find it done. Raises BadInputError when the user's input cannot work."""
    found = receipt_store.load(context.store, item.key)
    if found is not None:
        return found
    with ExitStack() as undone:
        undone.callback(record_failed_usage, context)
        receipt = program.load_step(context.run, item.kind)(item, context)
        undone.pop_all()
    standing = Receipt.from_bytes(context.store.publish(receipt_store.key(item.key), receipt.to_bytes()))
    context.flush_usage()
    return standing


def record_failed_usage(context: Context) -> None:
    """Tell the store what an item cost that came to nothing; what ended it matters more than a store that is away."""
    with suppress(StoreError):
        context.flush_usage()

"""The steps: one function per kind of work item. It writes artifacts to the store, and its receipt last.

A step that finds its receipt does nothing. So a lost answer or a second attempt costs nothing and changes nothing.
"""

from contextlib import ExitStack, suppress

from swarm_core.engine.work import Receipt, WorkItem
from swarm_core.ports import StoreError
from swarm_trainer.evaluation import trainer_program
from swarm_trainer.run_store import receipt_store
from swarm_trainer.runtime.context import Context


def execute(item: WorkItem, context: Context) -> Receipt:
    """Execute `item`, or return its receipt if it is finished. Raises BadInputError if the user's input cannot work."""
    receipt = receipt_store.load(context.store, item.key)
    if receipt is not None:
        return receipt
    with ExitStack() as undone:
        undone.callback(record_failed_usage, context)
        receipt = trainer_program.load_step(context.run, item.kind)(item, context)
        undone.pop_all()
    stored = receipt_store.publish(context.store, receipt)
    context.flush_usage()
    return stored


def record_failed_usage(context: Context) -> None:
    """Record the usage of a failed item. An unreachable store is ignored, because the item's own error matters more."""
    with suppress(StoreError):
        context.flush_usage()

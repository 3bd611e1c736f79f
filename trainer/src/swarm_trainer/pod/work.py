"""Carry out one work item in a pod of its own: item in, artefacts and receipt to the store, receipt to the operator.

The item comes on the command line. In an Indexed Job every pod gets the same one and finds its own by
JOB_COMPLETION_INDEX: the entry at it in DATASWARM_ITEMS.

An item whose receipt stands in the store is told at once. Which pod carries it out, and how often one was started
before, changes nothing.
"""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from swarm_core.engine.container import ITEMS
from swarm_core.engine.work import Receipt, WorkItem
from swarm_trainer.pod import message, surroundings
from swarm_trainer.pod.draining import Ending, on_sigterm
from swarm_trainer.verbs.context import Progress
from swarm_trainer.worker import loop, session
from swarm_trainer.worker.session import Order

INDEX = "JOB_COMPLETION_INDEX"


@dataclass(frozen=True, slots=True)
class Errand:
    """What a pod was started for."""

    order: Path
    item: str
    cache: Path
    message: Path


def main(errand: Errand) -> NoReturn:
    """Carry out the item, say how it ended, and end the process with the code that tells it."""
    item = own(WorkItem.from_json(errand.item), os.environ)
    ending = Ending()
    on_sigterm(ending, lambda: message.write(message.drained(item.key, item.attempt), errand.message))
    outcome = loop.outcome(item, lambda item, report: carry_out(errand, item, report), show)
    print(message.encode(outcome).decode(), flush=True)
    ending.once(lambda: message.write(outcome, errand.message), message.code(outcome))


def carry_out(errand: Errand, item: WorkItem, report: Callable[[Progress], None]) -> Receipt:
    """The receipt of `item`. Raises what the verbs raise."""
    order = Order.from_bytes(errand.order.read_bytes())
    surroundings.keep_inputs(errand.cache)
    context = surroundings.surroundings(order, errand.cache, os.environ)
    session.limit_threads(context.resolved)
    return session.within(context)(item, report)


def own(item: WorkItem, environment: Mapping[str, str]) -> WorkItem:
    """The item of this pod. Raises ValueError where the Job does not say which."""
    if INDEX not in environment:
        return item
    index, listed = int(environment[INDEX]), environment.get(ITEMS, item.key).split(",")
    if index >= len(listed):
        raise ValueError(f"{INDEX} is {index}, but {ITEMS} lists {len(listed)}; completions must be as many")
    mine = WorkItem.of_key(listed[index])
    return replace(item, kind=mine.kind, swarm=mine.swarm, index=mine.index)


def show(progress: Progress) -> None:
    """Progress, for whoever reads the pod's log."""
    of = f" {progress.done}/{progress.total}" if progress.total else ""
    print(f"{progress.key}: {progress.note}{of}", file=sys.stderr, flush=True)

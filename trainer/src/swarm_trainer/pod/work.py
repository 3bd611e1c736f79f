"""Runs one work item in a pod. It writes artifacts and a receipt to the store, and reports the receipt to the operator.

The command line contains the item. In an Indexed Job all pods have the same command line, and each selects its own item
from the list in DATASWARM_ITEMS by JOB_COMPLETION_INDEX.

If the store already holds the receipt of the item, the pod reports it at once. The result does not depend on the pod
that runs the item, nor on the number of attempts.
"""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from swarm_core.engine.container_contract import ITEMS_VARIABLE
from swarm_core.engine.work import Receipt, WorkItem
from swarm_trainer.pod import pod_context, termination_message
from swarm_trainer.pod.draining import ProcessExit, exit_on_sigterm
from swarm_trainer.runtime.context import Progress
from swarm_trainer.worker import loop, session
from swarm_trainer.worker.session import WorkerSpec

INDEX_VARIABLE = "JOB_COMPLETION_INDEX"


@dataclass(frozen=True, slots=True)
class WorkTask:
    """The arguments of a pod that runs a work item."""

    spec_file: Path
    item: str
    cache: Path
    message: Path


def main(task: WorkTask) -> NoReturn:
    """Run the item, write the termination message, and end the process with the matching exit code."""
    item = select_item(WorkItem.from_json(task.item), os.environ)
    process_exit = ProcessExit()
    exit_on_sigterm(
        process_exit,
        lambda: termination_message.write(termination_message.drained_outcome(item.key, item.attempt), task.message),
    )
    outcome = loop.execute(item, lambda item, report: execute(task, item, report), print_progress)
    print(termination_message.encode(outcome).decode(), flush=True)
    process_exit.exit(lambda: termination_message.write(outcome, task.message), termination_message.exit_code(outcome))


def execute(task: WorkTask, item: WorkItem, report: Callable[[Progress], None]) -> Receipt:
    """Run `item` and return its receipt. Raises the errors of its step."""
    spec = WorkerSpec.from_bytes(task.spec_file.read_bytes())
    pod_context.set_input_cache(task.cache)
    context = pod_context.build_context(spec, task.cache, os.environ)
    session.limit_threads(context.run)
    return session.build_executor(context)(item, report)


def select_item(item: WorkItem, environment: Mapping[str, str]) -> WorkItem:
    """Return the item of this pod. Raises ValueError if the Job has more completions than items."""
    if INDEX_VARIABLE not in environment:
        return item
    index, listed = int(environment[INDEX_VARIABLE]), environment.get(ITEMS_VARIABLE, item.key).split(",")
    if index >= len(listed):
        raise ValueError(
            f"{INDEX_VARIABLE} is {index}, but {ITEMS_VARIABLE} lists {len(listed)} items;"
            " the Job must have as many completions as items"
        )
    own = WorkItem.from_key(listed[index])
    return replace(item, kind=own.kind, swarm=own.swarm, index=own.index)


def print_progress(progress: Progress) -> None:
    """Print progress to the pod's log (stderr)."""
    counts = f" {progress.done}/{progress.total}" if progress.total else ""
    print(f"{progress.key}: {progress.note}{counts}", file=sys.stderr, flush=True)

"""Carry out one work item in a pod of its own: item in, artifacts and receipt to the store, receipt to the operator.

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
    """What a pod was started for."""

    spec_file: Path
    item: str
    cache: Path
    message: Path


def main(task: WorkTask) -> NoReturn:
    """Carry out the item, say how it ended, and end the process with the code that tells it."""
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
    """The receipt of `item`. Raises what the verbs raise."""
    spec = WorkerSpec.from_bytes(task.spec_file.read_bytes())
    pod_context.set_input_cache(task.cache)
    context = pod_context.build(spec, task.cache, os.environ)
    session.limit_threads(context.resolved)
    return session.build_executor(context)(item, report)


def select_item(item: WorkItem, environment: Mapping[str, str]) -> WorkItem:
    """The item of this pod. Raises ValueError where the Job does not say which."""
    if INDEX_VARIABLE not in environment:
        return item
    index, listed = int(environment[INDEX_VARIABLE]), environment.get(ITEMS_VARIABLE, item.key).split(",")
    if index >= len(listed):
        raise ValueError(
            f"{INDEX_VARIABLE} is {index}, but {ITEMS_VARIABLE} lists {len(listed)}; completions must be as many"
        )
    own = WorkItem.from_key(listed[index])
    return replace(item, kind=own.kind, swarm=own.swarm, index=own.index)


def print_progress(progress: Progress) -> None:
    """Progress, for whoever reads the pod's log."""
    counts = f" {progress.done}/{progress.total}" if progress.total else ""
    print(f"{progress.key}: {progress.note}{counts}", file=sys.stderr, flush=True)

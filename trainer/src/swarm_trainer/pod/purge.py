"""Delete all that a run keeps in its bucket: the last pod of a run that is deleted with `deletionPolicy: Purge`.

It is told the place and nothing else, for the order and the cache of the run may be gone. Its termination message says
how many objects and bytes it deleted. Told to end, it ends at once: the next one goes on with what is left.
"""

import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

from swarm_core.api.execution import S3Storage
from swarm_core.engine.container_contract import EXIT_DONE
from swarm_core.errors import BadInputError
from swarm_trainer.pod import termination_message
from swarm_trainer.pod.draining import ProcessExit, exit_on_sigterm
from swarm_trainer.stores import purging, store_listing, store_location
from swarm_trainer.stores.purging import PurgeReport
from swarm_trainer.worker import loop
from swarm_trainer.worker.messages import FailedAttempt

PURGE_KEY = "purge"
"""What its termination message names in place of an item."""
REPORT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class PurgeTask:
    """What the pod was started for."""

    location: str
    """The bucket's settings, as `store_location.serialize` writes them."""
    message: Path


def main(task: PurgeTask) -> NoReturn:
    """Delete it, say how that ended, and end the process with the code that tells it."""
    process_exit = ProcessExit()
    exit_on_sigterm(
        process_exit, lambda: termination_message.write(termination_message.drained_outcome(PURGE_KEY, 1), task.message)
    )
    try:
        message_bytes, code = json.dumps({"purged": asdict(purge_location(task.location))}).encode(), EXIT_DONE
    except Exception as error:
        outcome = FailedAttempt(PURGE_KEY, loop.describe_failure(error, attempt=1))
        message_bytes, code = termination_message.encode(outcome), termination_message.exit_code(outcome)
    print(message_bytes.decode(), flush=True)
    process_exit.exit(lambda: termination_message.write_bytes(message_bytes, task.message), code)


def purge_location(settings: str) -> PurgeReport:
    """What was deleted at the place of `settings`. Raises BadInputError, StoreError."""
    try:
        location = store_location.parse(settings)
    except ValueError as error:
        raise BadInputError(f"--place {settings!r}: no bucket's settings: {error}") from error
    if not isinstance(location, S3Storage):
        raise BadInputError(f"--place {settings!r}: no bucket; a run on a cluster keeps its results in one")
    with tempfile.TemporaryDirectory() as cache:
        return purging.purge(
            store_listing.open_listing(store_location.open_store(location, Path(cache))), ProgressPrinter()
        )


class ProgressPrinter:
    """Progress, for whoever reads the pod's log: now and then a line."""

    def __init__(self) -> None:
        self._last_report = time.monotonic()

    def __call__(self, report: PurgeReport) -> None:
        if time.monotonic() - self._last_report >= REPORT_SECONDS:
            self._last_report = time.monotonic()
            print(f"{PURGE_KEY}: {report.things} objects, {report.size:,} bytes", file=sys.stderr, flush=True)

"""Deletes everything that a run stored in its bucket. It is the last pod of a run with `deletionPolicy: Purge`.

It receives only the location of the bucket, because the spec file and the cache of the run may already be deleted. Its
termination message gives the number of deleted objects and bytes. On SIGTERM it ends at once, and the next pod deletes
the rest.
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
"""The key in its termination message, where other pods name their work item."""
REPORT_SECONDS = 5.0
"""Seconds between two lines of progress in the log."""


@dataclass(frozen=True, slots=True)
class PurgeTask:
    """The arguments of a purge pod."""

    location: str
    """The settings of the bucket, as `store_location.format_location` writes them."""
    message: Path
    """The file for the termination message."""


def main(task: PurgeTask) -> NoReturn:
    """Delete the run's objects, write the termination message, and end the process with the matching exit code."""
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
    """Delete every object at the location in `settings`; return the number of objects and bytes.

    Raises BadInputError if `settings` is not a bucket, StoreError if the bucket cannot be read or written.
    """
    try:
        location = store_location.parse(settings)
    except ValueError as error:
        raise BadInputError(f"--place {settings!r}: not a bucket's settings: {error}") from error
    if not isinstance(location, S3Storage):
        raise BadInputError(f"--place {settings!r}: not a bucket; a run on a cluster stores its results in a bucket")
    with tempfile.TemporaryDirectory() as cache:
        return purging.purge(
            store_listing.open_listing(store_location.open_store(location, Path(cache))), ProgressPrinter()
        )


class ProgressPrinter:
    """Prints progress to the pod's log, at most one line every `REPORT_SECONDS`."""

    def __init__(self) -> None:
        self._last_report = time.monotonic()

    def __call__(self, report: PurgeReport) -> None:
        if time.monotonic() - self._last_report >= REPORT_SECONDS:
            self._last_report = time.monotonic()
            print(f"{PURGE_KEY}: {report.objects} objects, {report.size:,} bytes", file=sys.stderr, flush=True)

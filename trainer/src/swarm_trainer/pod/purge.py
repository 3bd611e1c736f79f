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

    place: str
    """The bucket's settings, as `store_location.serialize` writes them."""
    message: Path


def main(errand: PurgeTask) -> NoReturn:
    """Delete it, say how that ended, and end the process with the code that tells it."""
    ending = ProcessExit()
    exit_on_sigterm(
        ending, lambda: termination_message.write(termination_message.drained_outcome(PURGE_KEY, 1), errand.message)
    )
    try:
        told, code = json.dumps({"purged": asdict(purge_location(errand.place))}).encode(), EXIT_DONE
    except Exception as error:
        outcome = FailedAttempt(PURGE_KEY, loop.describe_failure(error, attempt=1))
        told, code = termination_message.encode(outcome), termination_message.exit_code(outcome)
    print(told.decode(), flush=True)
    ending.exit(lambda: termination_message.write_bytes(told, errand.message), code)


def purge_location(text: str) -> PurgeReport:
    """What was deleted at the place of `text`. Raises BadInputError, StoreError."""
    try:
        place = store_location.parse(text)
    except ValueError as error:
        raise BadInputError(f"--place {text!r}: no bucket's settings: {error}") from error
    if not isinstance(place, S3Storage):
        raise BadInputError(f"--place {text!r}: no bucket; a run on a cluster keeps its results in one")
    with tempfile.TemporaryDirectory() as cache:
        return purging.purge(
            store_listing.open_listing(store_location.open_store(place, Path(cache))), ProgressPrinter()
        )


class ProgressPrinter:
    """Progress, for whoever reads the pod's log: now and then a line."""

    def __init__(self) -> None:
        self._told = time.monotonic()

    def __call__(self, deleted: PurgeReport) -> None:
        if time.monotonic() - self._told >= REPORT_SECONDS:
            self._told = time.monotonic()
            print(f"{PURGE_KEY}: {deleted.objects} objects, {deleted.size:,} bytes", file=sys.stderr, flush=True)

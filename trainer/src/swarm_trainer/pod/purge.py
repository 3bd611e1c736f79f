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
from swarm_core.engine.container import DONE
from swarm_core.errors import BadInputError
from swarm_trainer.pod import message
from swarm_trainer.pod.draining import Ending, on_sigterm
from swarm_trainer.stores import opening, purging, shelf
from swarm_trainer.stores.purging import Purged
from swarm_trainer.worker import loop
from swarm_trainer.worker.messages import Unfinished

KEY = "purge"
"""What its termination message names in place of an item."""
REPORT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Errand:
    """What the pod was started for."""

    place: str
    """The bucket's settings, as `opening.told` writes them."""
    message: Path


def main(errand: Errand) -> NoReturn:
    """Delete it, say how that ended, and end the process with the code that tells it."""
    ending = Ending()
    on_sigterm(ending, lambda: message.write(message.drained(KEY, 1), errand.message))
    try:
        told, code = json.dumps({"purged": asdict(emptied(errand.place))}).encode(), DONE
    except Exception as error:
        outcome = Unfinished(KEY, loop.failed(error, attempt=1))
        told, code = message.encode(outcome), message.code(outcome)
    print(told.decode(), flush=True)
    ending.once(lambda: message.leave(told, errand.message), code)


def emptied(text: str) -> Purged:
    """What was deleted at the place of `text`. Raises BadInputError, StoreError."""
    try:
        place = opening.heard(text)
    except ValueError as error:
        raise BadInputError(f"--place {text!r}: no bucket's settings: {error}") from error
    if not isinstance(place, S3Storage):
        raise BadInputError(f"--place {text!r}: no bucket; a run on a cluster keeps its results in one")
    with tempfile.TemporaryDirectory() as cache:
        return purging.purge(shelf.shelf_of(opening.opened(place, Path(cache))), Teller())


class Teller:
    """Progress, for whoever reads the pod's log: now and then a line."""

    def __init__(self) -> None:
        self._told = time.monotonic()

    def __call__(self, gone: Purged) -> None:
        if time.monotonic() - self._told >= REPORT_SECONDS:
            self._told = time.monotonic()
            print(f"{KEY}: {gone.things} objects, {gone.size:,} bytes", file=sys.stderr, flush=True)

"""From a FILE to a run: read it, resolve it, and look whether what it names is there. Writes nothing.

Limits: what is elsewhere is looked for when the run is prepared, not here; nothing is fetched to check a file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from swarm_core.api import defaults, loading
from swarm_core.engine import search
from swarm_core.errors import BadInputError
from swarm_trainer.data import seeds
from swarm_trainer.verbs import places
from swarm_trainer.worker.session import Order

FILE_BYTES = 3 * 2**20
"""More than any SwarmRun can need, and what etcd would take; a model given by mistake is not read to its end."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a FILE asks for."""

    name: str
    order: Order
    items: Mapping[str, int]
    """Distinct seed items of each data file that is here; those elsewhere are left out."""


def read(file: Path) -> Reading:
    """What `file` asks for, checked as far as it can be without loading a model. Raises BadInputError."""
    run = loading.parse(text(file), str(file))
    order = Order(defaults.resolve(run), file.absolute().parent)
    problems, items = missing(order)
    if problems:
        raise BadInputError("\n".join(problems))
    return Reading(run.metadata.name, order, items)


def text(file: Path) -> str:
    """The text of `file`. Raises BadInputError if it is not a file with text in UTF-8."""
    if file.is_dir():
        raise BadInputError(f"{file} is a folder; give the SwarmRun file in it")
    try:
        with file.open("rb") as stream:
            data = stream.read(FILE_BYTES + 1)
        if len(data) > FILE_BYTES:
            raise BadInputError(f"{file} is larger than {FILE_BYTES} bytes; give a SwarmRun file")
        return data.decode("utf-8-sig")
    except OSError as error:
        raise BadInputError(f"{file} cannot be read: {error.strerror}; give a SwarmRun file") from error
    except UnicodeDecodeError as error:
        raise BadInputError(f"{file} is not text in UTF-8 ({error.reason}); give a SwarmRun file") from error


def missing(order: Order) -> tuple[list[str], dict[str, int]]:
    """One problem per thing that is not there or cannot be read, and the number of seed items of each file."""
    problems: list[str] = []
    items: dict[str, int] = {}
    for use in defaults.uris(order.resolved):
        try:
            path = places.looked_up(use, order.base_folder)
            if path is not None and use.role is defaults.Role.DATA:
                items[use.uri] = seed_items(order, use, path)
        except BadInputError as error:
            problems.append(str(error))
    return problems, items


def seed_items(order: Order, use: defaults.Use, path: Path) -> int:
    """The number of distinct seed items in `path`. Raises BadInputError, naming the line."""
    side = search.side(order.resolved, use.swarm).generators
    return len(seeds.read(path, side.data.field, side.cluster_field).items)

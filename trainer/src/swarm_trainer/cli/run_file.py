"""From a FILE to a run: read it, resolve it, and look whether what it names is there. Writes nothing.

Limits: what is elsewhere is looked for when the run is prepared, not here; nothing is fetched to check a file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from swarm_core.api import loading, resolution
from swarm_core.engine import search_settings
from swarm_core.errors import BadInputError
from swarm_trainer.data import seeds
from swarm_trainer.runtime import inputs
from swarm_trainer.worker.session import WorkerSpec

MAX_FILE_BYTES = 3 * 2**20
"""More than any SwarmRun can need, and what etcd would take; a model given by mistake is not read to its end."""


@dataclass(frozen=True, slots=True)
class RunFile:
    """What a FILE asks for."""

    name: str
    worker_spec: WorkerSpec
    items: Mapping[str, int]
    """Distinct seed items of each data file that is here; those elsewhere are left out."""


def load(file: Path) -> RunFile:
    """What `file` asks for, checked as far as it can be without loading a model. Raises BadInputError."""
    run = loading.parse(read_text(file), str(file))
    worker_spec = WorkerSpec(resolution.resolve(run), file.absolute().parent)
    problems, items = find_problems(worker_spec)
    if problems:
        raise BadInputError("\n".join(problems))
    return RunFile(run.metadata.name, worker_spec, items)


def read_text(file: Path) -> str:
    """The text of `file`. Raises BadInputError if it is not a file with text in UTF-8."""
    if file.is_dir():
        raise BadInputError(f"{file} is a folder; give the SwarmRun file in it")
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
        if len(data) > MAX_FILE_BYTES:
            raise BadInputError(f"{file} is larger than {MAX_FILE_BYTES} bytes; give a SwarmRun file")
        return data.decode("utf-8-sig")
    except OSError as error:
        raise BadInputError(f"{file} cannot be read: {error.strerror}; give a SwarmRun file") from error
    except UnicodeDecodeError as error:
        raise BadInputError(f"{file} is not text in UTF-8 ({error.reason}); give a SwarmRun file") from error


def find_problems(worker_spec: WorkerSpec) -> tuple[list[str], dict[str, int]]:
    """One problem per thing that is not there or cannot be read, and the number of seed items of each file."""
    problems: list[str] = []
    items: dict[str, int] = {}
    for use in resolution.list_uris(worker_spec.resolved):
        try:
            path = inputs.find_local(use, worker_spec.base_folder)
            if path is not None and use.role is resolution.UriRole.DATA:
                items[use.uri] = count_seed_items(worker_spec, use, path)
        except BadInputError as error:
            problems.append(str(error))
    return problems, items


def count_seed_items(worker_spec: WorkerSpec, use: resolution.UriUse, path: Path) -> int:
    """The number of distinct seed items in `path`. Raises BadInputError, naming the line."""
    side = search_settings.for_swarm(worker_spec.resolved, use.swarm).generators
    return len(seeds.read(path, side.data.field, side.cluster_field).items)

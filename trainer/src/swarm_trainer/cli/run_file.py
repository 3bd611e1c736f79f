"""Loads a run file: reads and resolves it, and checks that the local inputs it names exist. Writes nothing.

Limits: remote inputs are not fetched here. The run checks them when it is prepared.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from swarm_core.api import loading, resolution
from swarm_core.api.resolved import ResolvedRun, ResolvedSpec
from swarm_core.costs import ModelSize
from swarm_core.errors import BadInputError
from swarm_core.plugins import PluginNotFoundError
from swarm_core.ports import Judge
from swarm_trainer.data import data_splits, seed_description
from swarm_trainer.data.data_splits import DataSplits
from swarm_trainer.data.seeds import SeedFile
from swarm_trainer.evaluation import run_parts
from swarm_trainer.runtime import inputs
from swarm_trainer.sources import model_size
from swarm_trainer.worker.session import WorkerSpec

MAX_FILE_BYTES = 3 * 2**20
"""The maximum size of a run file: more than any run needs, and etcd takes no more. A model file given by mistake is not
read to its end."""

MODEL_ROLES = (resolution.UriRole.BASE, resolution.UriRole.TAKER_MODEL)


@dataclass(frozen=True, slots=True)
class RunFile:
    """A run file, resolved and checked."""

    name: str
    worker_spec: WorkerSpec
    seeds: Mapping[str, SeedFile]
    """The seed data of each swarm that is on this machine, by the field of its URI. Remote data is left out."""
    splits: Mapping[str, DataSplits]
    """The splits of each swarm all of whose data is on this machine."""

    @property
    def items(self) -> Mapping[str, int]:
        """The number of seed items of all local data, by URI."""
        uses = resolution.list_uris(self.worker_spec.resolved)
        return {use.uri: len(self.seeds[use.field].items) for use in uses if use.field in self.seeds}

    def read_model_sizes(self) -> Mapping[str, ModelSize]:
        """Return the sizes of the models that are on this machine, by URI."""
        spec = self.worker_spec
        uses = resolution.list_uris(spec.resolved)
        folders = {use.uri: inputs.find_local(use, spec.base_folder) for use in uses if use.role in MODEL_ROLES}
        sizes = {uri: model_size.read(folder) for uri, folder in folders.items() if folder is not None}
        return {uri: size for uri, size in sizes.items() if size is not None}

    def describe_data(self) -> Iterator[tuple[str, str]]:
        """Yield pairs of a subject and a line about the local seed data."""
        for use in resolution.list_uris(self.worker_spec.resolved):
            if use.field in self.seeds:
                yield from seed_description.describe_seeds(use.uri, self.seeds[use.field])
        for swarm, splits in self.splits.items():
            yield "splits", f"{swarm}: {splits.describe()}" if len(self.splits) > 1 else splits.describe()


def load(file: Path) -> RunFile:
    """Load `file` and check it as far as possible without loading a model. Raises BadInputError with all problems."""
    run = loading.parse(read_text(file), str(file))
    worker_spec = WorkerSpec(resolution.resolve_run(run), file.absolute().parent)
    problems, found = find_problems(worker_spec)
    problems += find_misfits(worker_spec.resolved)
    if problems:
        raise BadInputError("\n".join(problems))
    return RunFile(run.metadata.name, worker_spec, found, find_splits(worker_spec, found))


def read_text(file: Path) -> str:
    """Return the text of `file`. Raises BadInputError if it is not a UTF-8 text file of at most MAX_FILE_BYTES."""
    if file.is_dir():
        raise BadInputError(f"{file} is a folder; give the run file in it")
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
        if len(data) > MAX_FILE_BYTES:
            raise BadInputError(f"{file} is larger than {MAX_FILE_BYTES} bytes; give a run file")
        return data.decode("utf-8-sig")
    except OSError as error:
        raise BadInputError(f"{file} cannot be read: {error.strerror}; give a run file") from error
    except UnicodeDecodeError as error:
        raise BadInputError(f"{file} is not UTF-8 text ({error.reason}); give a run file") from error


def find_problems(worker_spec: WorkerSpec) -> tuple[list[str], dict[str, SeedFile]]:
    """Return one problem for each local input that is missing or unreadable, and the seed data by field."""
    problems: list[str] = []
    found: dict[str, SeedFile] = {}
    for use in resolution.list_uris(worker_spec.resolved):
        try:
            path = inputs.find_local(use, worker_spec.base_folder)
            resolved = worker_spec.resolved
            if path is not None and use.role is resolution.UriRole.DATA and isinstance(resolved, ResolvedSpec):
                found[use.field] = data_splits.read(resolved, use, path, find_judge(resolved))
        except BadInputError as error:
            problems.append(str(error))
    return problems, found


def find_misfits(resolved: ResolvedRun) -> list[str]:
    """Return the first problem of the objectives, and that of the rivals, that a run of this spec cannot have.

    If a plug-in is not installed here, only the run can check.
    """
    problems: list[str] = []
    if not isinstance(resolved, ResolvedSpec):
        return problems
    for check in (run_parts.check_objectives, run_parts.check_rivals):
        try:
            check(resolved)
        except PluginNotFoundError:
            continue
        except BadInputError as error:
            problems.append(str(error))
    return problems


def find_splits(worker_spec: WorkerSpec, found: Mapping[str, SeedFile]) -> dict[str, DataSplits]:
    """Return the splits of each swarm all of whose data is on this machine. Raises BadInputError for overlaps."""
    resolved = worker_spec.resolved
    if not isinstance(resolved, ResolvedSpec):
        return {}
    splits = {}
    for swarm in resolved.swarms:
        side = resolved.for_swarm(swarm)
        fields = data_splits.list_fields(side, swarm)
        if found.keys() >= set(fields):
            items = {name: found[name].items for name in fields}
            splits[swarm] = data_splits.arrange(side, swarm, items, find_judge(resolved))
    return splits


def find_judge(resolved: ResolvedSpec) -> Judge | None:
    """Return the judge, which knows copies; None if it is a plug-in that only the run's machine has."""
    try:
        return run_parts.build_judge(resolved)
    except BadInputError:
        return None

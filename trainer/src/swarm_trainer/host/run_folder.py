"""The two files with which a run folder describes its run: `run.json` and `status.json`.

A run folder belongs to one experiment. `run.json` names it and contains the whole resolved spec, so that an error
message can name the fields that differ, with both values. If the run in a folder never completed Preparing, the folder
holds no results, and the next experiment may take it: a user who corrects a refused file can use the same folder.

`status.json` is a summary for people and programs. It is written and never read back here.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from pydantic.alias_generators import to_camel

from swarm_core.api import custom_resources
from swarm_core.api.run_status import RunStatus
from swarm_core.engine import run_summary
from swarm_core.engine.planning import Outline
from swarm_core.engine.state import EngineState
from swarm_core.errors import BadInputError
from swarm_core.programs import program_protocol, search_summary
from swarm_core.recipe import Digest
from swarm_core.swarm_names import TAKERS
from swarm_trainer.host import atomic_file
from swarm_trainer.maintenance import spec_diff
from swarm_trainer.worker.layout import Layout

SHOWN_DIFFERENCES = 3
"""The number of differences that an error message names; it counts the others."""


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """The experiment that a run folder belongs to."""

    name: str
    digest: Digest
    """The digest of the spec (`specDigest`)."""
    spec: Mapping[str, object]
    """The fields that the digest covers, as JSON values."""
    version: str
    """The version of dataswarm that wrote the file."""

    def to_bytes(self) -> bytes:
        """Return the content of `run.json`."""
        fields = {"name": self.name, "specDigest": self.digest, "version": self.version, "spec": self.spec}
        return json.dumps(fields, indent=1).encode() + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes) -> "RunIdentity":
        """Parse the content of `run.json`. Raises ValueError, KeyError or TypeError if `to_bytes` did not write it."""
        fields = json.loads(data)
        return cls(fields["name"], Digest(fields["specDigest"]), fields["spec"], fields["version"])


def check(layout: Layout) -> None:
    """Check that the path can be a run folder, without writing. Raises BadInputError if it cannot."""
    if layout.root.exists() and not layout.root.is_dir():
        raise BadInputError(f"{layout.root} is a file; a run needs a folder: choose another with --folder")
    if layout.root.is_dir() and not layout.run.exists():
        foreign = sorted(path.name for path in layout.root.iterdir() if path != layout.lock)
        foreign = [name for name in foreign if not name.startswith(".")]
        if foreign:
            raise BadInputError(
                f"{layout.root} contains {foreign[0]!r} but no run; choose an empty or a new folder with --folder"
            )


def claim(layout: Layout, identity: RunIdentity, *, prepared: bool) -> None:
    """Claim the folder for this experiment. `prepared`: whether the run in it has completed Preparing.

    Raises BadInputError, which names the differences, if the folder belongs to another experiment; OSError.
    """
    owner = read(layout)
    if owner is not None and owner.digest == identity.digest:
        return
    if owner is not None and prepared:
        raise BadInputError(describe_mismatch(layout, owner, identity))
    layout.state.unlink(missing_ok=True)
    atomic_file.replace(layout.run, identity.to_bytes())


def read(layout: Layout) -> RunIdentity | None:
    """Return the experiment that owns the folder, or None. Raises BadInputError if `run.json` cannot be parsed."""
    try:
        return RunIdentity.from_bytes(layout.run.read_bytes())
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise BadInputError(
            f"{layout.run} cannot be read ({error}); choose another folder with --folder, or delete this one"
        ) from error


def describe_mismatch(layout: Layout, owner: RunIdentity, identity: RunIdentity) -> str:
    """Return the error message: the fields that differ, with both values, and what the user can do."""
    differences = list(spec_diff.list_differences(owner.spec, identity.spec))
    shown = "; ".join(f"{path} is {old} there and {new} here" for path, old, new in differences[:SHOWN_DIFFERENCES])
    rest = f"; {len(differences) - SHOWN_DIFFERENCES} more" if len(differences) > SHOWN_DIFFERENCES else ""
    return (
        f"{layout.root} belongs to another experiment, {owner.name}: {shown}{rest}; "
        "undo the change, choose another folder with --folder, or change metadata.name"
    )


def format_status(identity: RunIdentity, kind: str, outline: Outline, state: EngineState) -> bytes:
    """Return the status as JSON: keys in camelCase, null for missing numbers, times in seconds since 1970-01-01 UTC.

    `figures` has the fields that the program of `kind` declares as figures, as in the status on a cluster.
    """
    search, takers = search_summary.summarize_search(state), state.search(TAKERS)
    particles = [{"name": name, "fitness": fitness} for name, fitness in search.particles]
    found = {**asdict(search), "particles": particles, "taker": takers.best, "held_out": takers.held_out}
    summary = {**asdict(run_summary.summarize_run(outline, state)), **found}
    fields = {"name": identity.name, "kind": kind, "specDigest": identity.digest, **summary}
    shown = {**to_camel_keys(fields), "figures": collect_figures(kind, outline, state)}
    return json.dumps(shown, indent=1, allow_nan=False).encode() + b"\n"


def collect_figures(kind: str, outline: Outline, state: EngineState) -> dict[str, object]:
    """Return the fields of the kind's status that its figures name, and the totals of progress."""
    status = program_protocol.find_program(kind).status(outline, state, RunStatus())
    fields = status.model_dump(mode="json", by_alias=True, exclude_none=True)
    names = {name for one in custom_resources.find_resource(kind).figures for name in (one.field, one.total_field)}
    return {name: value for name, value in fields.items() if name in names}


def to_camel_keys(fields: Mapping[str, object]) -> dict[str, object]:
    """Return `fields` with the keys of all nested objects in camelCase."""
    return {to_camel(key): _convert_keys(value) for key, value in fields.items()}


def _convert_keys(value: object) -> object:
    if isinstance(value, dict):
        return to_camel_keys(value)
    return [_convert_keys(part) for part in value] if isinstance(value, list | tuple) else value

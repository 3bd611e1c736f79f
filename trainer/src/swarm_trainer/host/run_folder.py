"""A run folder belongs to one experiment: `run.json` says to which, and no other may go on in it.

The resolved spec stands in it whole, so that a refusal can name the field that differs and both values. A folder whose
run never got past Preparing holds nothing worth keeping apart: it goes to the next experiment, so that a user who
corrects a refused file is not refused again.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from pydantic.alias_generators import to_camel

from swarm_core.engine import run_summary
from swarm_core.engine.planning import Outline
from swarm_core.engine.state import EngineState
from swarm_core.errors import BadInputError
from swarm_core.recipe import Digest
from swarm_trainer.host import atomic_file
from swarm_trainer.maintenance import spec_diff
from swarm_trainer.worker.layout import Layout

SHOWN_DIFFERENCES = 3
"""Named in a refusal; the number of the others is said."""


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """The experiment that a folder belongs to."""

    name: str
    digest: Digest
    """The specDigest."""
    spec: Mapping[str, object]
    """What the digest was taken of, as JSON values."""
    version: str
    """Of the program that wrote this."""

    def to_bytes(self) -> bytes:
        fields = {"name": self.name, "specDigest": self.digest, "version": self.version, "spec": self.spec}
        return json.dumps(fields, indent=1).encode() + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes) -> "RunIdentity":
        """Raises ValueError, KeyError or TypeError for anything that `to_bytes` did not write."""
        fields = json.loads(data)
        return cls(fields["name"], Digest(fields["specDigest"]), fields["spec"], fields["version"])


def check(layout: Layout) -> None:
    """Refuse a place that cannot be a run folder. Reads only. Raises BadInputError."""
    if layout.root.exists() and not layout.root.is_dir():
        raise BadInputError(f"{layout.root} is a file; a run needs a folder: give another --folder")
    if layout.root.is_dir() and not layout.run.exists():
        foreign = sorted(path.name for path in layout.root.iterdir() if path != layout.lock)
        foreign = [name for name in foreign if not name.startswith(".")]
        if foreign:
            raise BadInputError(
                f"{layout.root} holds {foreign[0]!r} and no run; give an empty or a new folder with --folder"
            )


def claim(layout: Layout, identity: RunIdentity, *, prepared: bool) -> None:
    """Make the folder this experiment's, or refuse. `prepared`: whether the run in it got past Preparing.

    Raises BadInputError when it is another's, naming what differs.
    """
    owner = read(layout)
    if owner is not None and owner.digest == identity.digest:
        return
    if owner is not None and prepared:
        raise BadInputError(describe_mismatch(layout, owner, identity))
    layout.state.unlink(missing_ok=True)
    atomic_file.replace(layout.run, identity.to_bytes())


def read(layout: Layout) -> RunIdentity | None:
    """Whose the folder is; None if nobody's. Raises BadInputError when `run.json` is not one of ours."""
    try:
        return RunIdentity.from_bytes(layout.run.read_bytes())
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise BadInputError(
            f"{layout.run} cannot be read ({error}); give another --folder, or remove this one"
        ) from error


def describe_mismatch(layout: Layout, owner: RunIdentity, identity: RunIdentity) -> str:
    """Which fields differ, with both values, and the way out."""
    differences = list(spec_diff.list_differences(owner.spec, identity.spec))
    shown = "; ".join(f"{path} is {old} there and {new} here" for path, old, new in differences[:SHOWN_DIFFERENCES])
    rest = f"; {len(differences) - SHOWN_DIFFERENCES} more" if len(differences) > SHOWN_DIFFERENCES else ""
    return (
        f"{layout.root} belongs to another experiment, {owner.name}: {shown}{rest}; "
        "undo the change, give another --folder, or another metadata.name"
    )


def format_status(identity: RunIdentity, outline: Outline, state: EngineState) -> bytes:
    """The status as JSON: camelCase, missing numbers null, times in seconds since 1970-01-01 UTC."""
    summary = run_summary.summarize(outline, state)
    particles = [{"name": name, "fitness": fitness} for name, fitness in summary.particles]
    fields = {"name": identity.name, "specDigest": identity.digest, **asdict(summary), "particles": particles}
    return json.dumps(to_camel_keys(fields), indent=1, allow_nan=False).encode() + b"\n"


def to_camel_keys(value: object) -> object:
    """`value` with every key of every object in camelCase."""
    if isinstance(value, dict):
        return {to_camel(key): to_camel_keys(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [to_camel_keys(part) for part in value]
    return value

"""Where a run keeps its results, as its spec says it; of a spec that cannot be read, as far as it goes. Pure."""

from collections.abc import Mapping

from swarm_core.text import printable
from swarm_operator.common.reconcile_plan import Object


def bucket(run: Object) -> Object:
    """The bucket that a run names."""
    storage = run["spec"].get("storage")
    found = storage.get("s3") if isinstance(storage, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def uri(run: Object) -> str:
    """The address of a run's results, printable; empty for one that names no bucket."""
    parts = [bucket(run).get("bucket"), bucket(run).get("prefix"), run["metadata"]["name"]]
    return "s3://" + "/".join(printable.to_single_line(str(part)) for part in parts if part) if parts[0] else ""


def is_same(run: Object, other: Object) -> bool:
    """Whether two runs keep their results in one place."""
    endpoints = {one.get("endpoint") or "" for one in (bucket(run), bucket(other))}
    return uri(run) == uri(other) != "" and len(endpoints) == 1

"""Finds where a run keeps its results. Pure; it also reads specs that do not parse, as far as possible."""

from collections.abc import Mapping

from swarm_core.text import printable
from swarm_operator.common.reconcile_plan import Object


def bucket(run: Object) -> Object:
    """The `storage.s3` section of a run's spec. Empty if there is none."""
    storage = run["spec"].get("storage")
    found = storage.get("s3") if isinstance(storage, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def uri(run: Object) -> str:
    """The printable URI of a run's results. Empty for a run that names no bucket."""
    parts = [bucket(run).get("bucket"), bucket(run).get("prefix"), run["metadata"]["name"]]
    return "s3://" + "/".join(printable.to_single_line(str(part)) for part in parts if part) if parts[0] else ""


def is_same(run: Object, other: Object) -> bool:
    """Whether two runs keep their results in the same place."""
    endpoints = {one.get("endpoint") or "" for one in (bucket(run), bucket(other))}
    return uri(run) == uri(other) != "" and len(endpoints) == 1

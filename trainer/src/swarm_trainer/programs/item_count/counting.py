"""The steps of an ItemCount. Each finds everything in the store, so doing one again brings the same receipt."""

import json
import tempfile
from pathlib import Path

from swarm_core.api import parts, resolution
from swarm_core.engine.receipt_fields import Output
from swarm_core.engine.work import Receipt, WorkItem
from swarm_core.errors import BadInputError
from swarm_core.programs.item_count.program import ResolvedItemCount
from swarm_core.recipe import Digest, canonical_json, digest_bytes
from swarm_trainer.run_store import pins
from swarm_trainer.runtime import inputs
from swarm_trainer.runtime.context import Context
from swarm_trainer.stores import tree


def prepare(item: WorkItem, context: Context) -> Receipt:
    """Check the file and pin what it holds. Raises BadInputError."""
    run = get_run(context)
    (use,) = resolution.list_uris(run)
    pinned = {use.uri: inputs.pin(use, context)}
    data = inputs.locate(use, context).read_bytes()
    count_items(data, run)
    identity = resolution.serialize_identity(run, pins.digests(pinned), parts.identify(run))
    pins.publish(context.store, pinned)
    pins.check_same_experiment(context.store.publish(pins.IDENTITY_KEY, identity), identity)
    manifest = canonical_json({"data": context.store.put(data), "experiment": digest_bytes(identity)})
    return Receipt(
        item.key, {Output.EXPERIMENT: context.store.put(manifest)}, {"experimentDigest": digest_bytes(identity)}
    )


def conclude(item: WorkItem, context: Context) -> Receipt:
    """Count the items; the result is a bundle of one document and a summary."""
    assert item.parent is not None
    run = get_run(context)
    data = context.store.get(Digest(json.loads(context.store.get(item.parent).read_bytes())["data"])).read_bytes()
    found = {"kind": run.kind, "items": count_items(data, run)}
    document = json.dumps({**found, "digest": digest_bytes(canonical_json(found))}, indent=1)
    context.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=context.cache) as folder:
        (Path(folder) / "result.json").write_text(document, encoding="utf-8")
        (Path(folder) / "summary.txt").write_text(f"{found['items']} items\n", encoding="utf-8")
        bundle = tree.put_tree(context.store, Path(folder))
    outputs: dict[str, Digest] = {Output.BUNDLE: bundle, Output.RESULT: context.store.put(document.encode())}
    return Receipt(item.key, outputs, {"counted_items": count_items(data, run)})


def get_run(context: Context) -> ResolvedItemCount:
    """What is run, as this program knows it."""
    assert isinstance(context.run, ResolvedItemCount)
    return context.run


def count_items(data: bytes, run: ResolvedItemCount) -> int:
    """The number of records that have the field. Raises BadInputError for a line that is no such record."""
    lines = data.decode(errors="replace").splitlines()
    for number, line in enumerate(lines, 1):
        try:
            str(json.loads(line)[run.data.field])
        except (ValueError, KeyError, TypeError) as error:
            raise BadInputError(
                f"spec.data.uri: line {number} of {run.data.uri!r}: {error}; write one record with"
                f" {run.data.field!r} per line"
            ) from error
    if not lines:
        raise BadInputError(f"spec.data.uri: {run.data.uri!r} holds no item; write one record per line")
    return len(lines)

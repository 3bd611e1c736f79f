"""Puts what a concluded run leaves into its folder, so that `result.json` stands only when all the rest does.

Doing it again is free, and doing it after having been killed in the middle completes it.
"""

import json
import shutil
from pathlib import Path

from swarm_core.engine.receipt_fields import Output
from swarm_core.engine.work import Receipt
from swarm_core.ports import ArtifactStore
from swarm_trainer.host import atomic_file
from swarm_trainer.report import result
from swarm_trainer.run_store import usage_total
from swarm_trainer.stores import files, tree
from swarm_trainer.worker.layout import Layout

BUNDLE_PARTS = ("summary.txt", "history.jsonl", "search.png", "dataset", "adapter", "taker")
"""What a bundle may hold beside `result.json`, by name in the folder."""


def install(layout: Layout, store: ArtifactStore, concluded: Receipt) -> None:
    """Bring the bundle of a conclude receipt into the run folder. Raises StoreError, CorruptError or OSError."""
    stored = store.get(concluded.outputs[Output.RESULT]).read_bytes()
    if installed_digest(layout) == json.loads(stored)["digest"]:
        return
    shutil.rmtree(layout.staging, ignore_errors=True)
    bundle = tree.get_tree(store, concluded.outputs[Output.BUNDLE], layout.staging)
    layout.result.unlink(missing_ok=True)
    for name in BUNDLE_PARTS:
        replace_path(bundle / name, layout.root / name)
    files.sync_folder(layout.root)
    atomic_file.replace(layout.result, result.serialize_with_usage(stored, usage_total.load(store)).encode())
    shutil.rmtree(layout.staging, ignore_errors=True)


def installed_digest(layout: Layout) -> object:
    """The digest that the result which stands in the folder gives of itself; None without one."""
    try:
        content: object = json.loads(layout.result.read_bytes())
    except (OSError, ValueError):
        return None
    return content.get("digest") if isinstance(content, dict) else None


def replace_path(source: Path, target: Path) -> None:
    """Put `source` where `target` may be from a time before; a source that does not exist moves nothing."""
    if not source.exists():
        return
    if target.is_dir():
        shutil.rmtree(target)
    source.replace(target)


def export(layout: Layout, destination: Path) -> None:
    """Copy everything the run left to `destination`, which appears whole or not at all. Raises OSError."""
    partial = destination.with_name(f".{destination.name}.tmp")
    shutil.rmtree(partial, ignore_errors=True)
    destination.parent.mkdir(parents=True, exist_ok=True)
    partial.mkdir()
    try:
        for name in (*BUNDLE_PARTS, layout.result.name):
            copy_path(layout.root / name, partial / name)
        partial.replace(destination)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def copy_path(source: Path, target: Path) -> None:
    """Copy a file or a folder; one that does not exist copies nothing."""
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.exists():
        shutil.copyfile(source, target)

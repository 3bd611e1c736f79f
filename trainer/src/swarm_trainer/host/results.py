"""Installs the results of a concluded run in its folder. `result.json` is written last, when all other files exist.

Installing the same results again does nothing. After a kill in the middle, the next call completes the installation.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from swarm_core.engine.receipt_fields import Output
from swarm_core.engine.work import Receipt
from swarm_core.ports import ArtifactStore
from swarm_trainer.host import atomic_file
from swarm_trainer.report import evaluation_tasks, result
from swarm_trainer.report.evaluation_tasks import TaskFormat
from swarm_trainer.run_store import usage_total
from swarm_trainer.stores import files, tree
from swarm_trainer.worker.layout import Layout

BUNDLE_PARTS = ("summary.txt", "history.jsonl", "search.png", "dataset", "adapter", "front", "taker")
"""The files and folders that a result bundle may contain besides `result.json`."""


def install(layout: Layout, store: ArtifactStore, concluded: Receipt) -> None:
    """Copy the result bundle of a conclude receipt from the store into the run folder.

    Raises StoreError if the store cannot be read, CorruptError if a blob does not match its digest, OSError if the
    folder cannot be written.
    """
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
    """Return the `digest` field of the installed `result.json`, or None if there is no readable one."""
    try:
        content: object = json.loads(layout.result.read_bytes())
    except (OSError, ValueError):
        return None
    return content.get("digest") if isinstance(content, dict) else None


def replace_path(source: Path, target: Path) -> None:
    """Move `source` to `target` and replace what is there. A missing `source` changes nothing. Raises OSError."""
    if not source.exists():
        return
    if target.is_dir():
        shutil.rmtree(target)
    source.replace(target)


def export(layout: Layout, destination: Path) -> None:
    """Copy all results of the run to `destination`. The folder appears complete or not at all. Raises OSError."""
    with create_folder(destination) as partial:
        for name in (*BUNDLE_PARTS, layout.result.name):
            copy_path(layout.root / name, partial / name)


def export_task(layout: Layout, destination: Path, task_format: TaskFormat, run_name: str) -> None:
    """Write the data set of the run to `destination` as a task of an evaluation tool, complete or not at all.

    Raises BadInputError if no item has a reference, OSError.
    """
    dataset = layout.root / "dataset"
    with (dataset / "data.jsonl").open(encoding="utf-8", newline="\n") as lines:
        built = evaluation_tasks.build_files(task_format, run_name, map(json.loads, lines))
    with create_folder(destination) as partial:
        for name, text in built.items():
            (partial / name).write_text(text, encoding="utf-8", newline="\n")
        copy_path(dataset / "README.md", partial / evaluation_tasks.CARD_FILE)


@contextmanager
def create_folder(destination: Path) -> Iterator[Path]:
    """Give a folder to write to, which is at `destination` afterwards if nothing failed. Raises OSError."""
    partial = destination.with_name(f".{destination.name}.tmp")
    shutil.rmtree(partial, ignore_errors=True)
    destination.parent.mkdir(parents=True, exist_ok=True)
    partial.mkdir()
    try:
        yield partial
        partial.replace(destination)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def copy_path(source: Path, target: Path) -> None:
    """Copy a file or a folder. A missing `source` is ignored. Raises OSError."""
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.exists():
        shutil.copyfile(source, target)

"""`dataswarm score`: measures a list of items with the takers, the judge, the gates and the objective of a run file.

It trains nothing and generates no items. It reads no seed data, except for an objective that takes its reference set
from there.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from swarm_core.api import loading, resolution
from swarm_core.api.generators import SeedDataSource
from swarm_core.api.resolved import ResolvedSpec
from swarm_core.errors import BadInputError, list_names
from swarm_core.items import Item
from swarm_core.objectives.objective import Measurement
from swarm_core.text import item_formats, printable
from swarm_trainer.cli import run_file
from swarm_trainer.cli.output import DONE, FAILED, print_result_line
from swarm_trainer.data import data_files, seeds
from swarm_trainer.data.seed_sample import SeedItem
from swarm_trainer.report import score_report
from swarm_trainer.runtime.context import Context
from swarm_trainer.steps import score_list
from swarm_trainer.stores.local import LocalStore


def score(arguments: argparse.Namespace) -> int:
    """Measure the list and print its value. Raises BadInputError, and InferenceError for an outage."""
    resolved = load_spec(arguments.file, arguments.objective, arguments.takers)
    items = [item_formats.show_choices(resolved.generation.format, one) for one in read_items(arguments.items)]
    with ExitStack() as stack:
        folder = arguments.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        context = build_context(resolved, folder.absolute(), arguments.file.absolute().parent)
        stack.callback(close_client, context)
        progress = stack.enter_context(Progress(console=Console(stderr=True), transient=True))
        task = progress.add_task("answering", total=len(items))
        evaluator, rollout = score_list.measure_list(
            context, items, lambda done, total: progress.update(task, completed=done, total=total)
        )
    measured = score_list.measure_values(evaluator, rollout)
    if arguments.answers is not None:
        arguments.answers.write_text(score_report.format_records(rollout), encoding="utf-8")
    if arguments.json:
        print_result_line(json.dumps(score_report.build_figures(measured, rollout), indent=1))
    else:
        for line in score_report.format_lines(measured, rollout):
            print_result_line(printable.to_single_line(line))
    return DONE if all(isinstance(value, Measurement) for _, value in measured) else FAILED


def load_spec(file: Path, objective: str | None, takers: Sequence[str] | None) -> ResolvedSpec:
    """Return the spec of a run file, with this objective and these takers instead of its own. Raises BadInputError."""
    document = loading.load_document(run_file.read_text(file), str(file))
    spec = document.get("spec") if isinstance(document, dict) else None
    if isinstance(spec, dict):
        if objective is not None:
            choose_objective(spec, objective)
        if takers is not None:
            choose_takers(spec, takers)
        drop_unseen(spec)
    resolved = resolution.resolve_run(loading.parse_object(document, str(file)))
    if not isinstance(resolved, ResolvedSpec) or len(resolved.swarms) > 1:
        raise BadInputError(f"{file}: a {resolved.kind} has no takers that stay the same; give a SwarmRun")
    local = resolved.execution.local.model_copy(update={"lanes": 1})
    return resolved.model_copy(update={"execution": resolved.execution.model_copy(update={"local": local})})


def choose_objective(spec: dict[str, Any], name: str) -> None:
    """Set the type of the objective. A corpus and a reference set stay; settings of another type go."""
    written = spec.get("objective")
    if not isinstance(written, dict) or written.get("type") == name:
        return
    spec["objective"] = {"type": name, **{part: written[part] for part in ("corpus", "reference") if part in written}}


def choose_takers(spec: dict[str, Any], names: Sequence[str]) -> None:
    """Keep the takers with these names. Raises BadInputError for a name that no taker has."""
    listed = [taker for taker in spec.get("takers") or () if isinstance(taker, dict)]
    known = [str(taker.get("name")) for taker in listed]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BadInputError(f"--takers: no taker is called {unknown[0]!r}; the run file has {list_names(known)}")
    spec["takers"] = [taker for taker in listed if str(taker.get("name")) in names]


def drop_unseen(spec: dict[str, Any]) -> None:
    """Remove the takers that only the conclusion of a search asks, so that their endpoints need no key here."""
    evaluation = spec.get("evaluation")
    if isinstance(evaluation, dict):
        evaluation.pop("unseen", None)


def read_items(path: Path) -> list[Item]:
    """Read the items of a file with the formats and fields of seed data. Raises BadInputError."""
    source = data_files.open_data(path, None)
    mapping = seeds.find_mapping(path, source, SeedDataSource(uri=str(path)))
    records = (
        record for file in source.files for record in seeds.read_items(file, mapping, None, len(source.files) > 1)
    )
    found = [record.item for record in records if isinstance(record, SeedItem)]
    if not found:
        raise BadInputError(f"{path}: every record has a blank text; give records with a text")
    return found


def close_client(context: Context) -> None:
    """Record the usage, and close the client of the endpoints if there is one."""
    context.flush_usage()
    if context.chat is not None:
        context.chat.close()


def build_context(resolved: ResolvedSpec, folder: Path, base_folder: Path) -> Context:
    """Return the context of the measurement. Each spec has a store of its own below `folder`."""
    own = folder / resolution.spec_digest(resolved)[:16]
    return Context(resolved, LocalStore(own), own / "cache", base_folder, lambda _: None)

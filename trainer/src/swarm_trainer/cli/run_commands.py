"""`dataswarm validate` and `dataswarm run`."""

import argparse
import json
import shlex
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from swarm_core.api import resolution
from swarm_core.api.execution import LocalStorage
from swarm_core.api.resolved import ResolvedSpec
from swarm_core.engine.state import EngineState
from swarm_core.engine.work import FailureReason
from swarm_core.programs.swarm_run.spec import SwarmRun
from swarm_trainer.cli import run_file, status_commands
from swarm_trainer.cli.output import DONE, print_failure, print_refusals, print_result_line
from swarm_trainer.cli.run_file import RunFile
from swarm_trainer.evaluation import trainer_program
from swarm_trainer.host import run as host
from swarm_trainer.host.loop import Interrupted, SystemClock
from swarm_trainer.programs.swarm_run import cost_preview
from swarm_trainer.runtime import inputs
from swarm_trainer.view import display
from swarm_trainer.worker.layout import Layout


def validate(arguments: argparse.Namespace) -> int:
    """Check the file and print what it would run. Raises BadInputError if the file is refused."""
    loaded = run_file.load(arguments.file)
    host.build_outline(loaded.worker_spec.resolved)
    for line in describe_run(loaded, default_folder(loaded), arguments.tokens_per_second):
        print_result_line(line)
    return DONE


def describe_run(loaded: RunFile, folder: Path, tokens_per_second: float | None) -> Iterator[str]:
    """Yield what the file would run, one line per subject."""
    resolved = loaded.worker_spec.resolved
    yield f"{loaded.name}: valid"
    subjects = trainer_program.load_preview(resolved, loaded.items)
    digest = resolution.spec_digest(resolved)
    yield from (
        f"  {subject:<11} {line}"
        for subject, line in (
            *subjects,
            *describe_costs(loaded, tokens_per_second),
            *loaded.describe_data(),
            ("digest", digest),
            ("folder", folder),
        )
    )


def describe_costs(loaded: RunFile, tokens_per_second: float | None) -> Iterator[tuple[str, str]]:
    """Yield pairs of a subject and a line about the costs of a search. Those of a game have no such limits."""
    resolved = loaded.worker_spec.resolved
    if resolved.kind == SwarmRun.__name__ and isinstance(resolved, ResolvedSpec):
        yield from cost_preview.describe_costs(resolved, loaded.read_model_sizes(), tokens_per_second)


def run(arguments: argparse.Namespace) -> int:
    """Start or resume the run of the file. Raises BadInputError, OSError or StoreError as `host.run` does."""
    loaded = run_file.load(arguments.file)
    layout = Layout((arguments.folder or default_folder(loaded)).absolute())
    job = host.RunJob(loaded.name, loaded.worker_spec, layout, arguments.worker)
    try:
        with display.open_watcher(Console(), time.time, as_json=arguments.json) as watch:
            end_state = host.run(job, SystemClock(), watch)
    except Interrupted:
        resume_command = shlex.join(["dataswarm", "run", str(arguments.file), "--folder", str(layout.root)])
        return print_failure(f"stopped; no results are lost, resume with: {resume_command}")
    return report_end(end_state, layout, as_json=arguments.json)


def report_end(end_state: EngineState, layout: Layout, *, as_json: bool) -> int:
    """Print how the run ended; return the exit code."""
    if end_state.failure is None:
        report_success(layout, as_json=as_json)
        return DONE
    failure = end_state.failure
    if as_json:
        fields = {"phase": failure.phase, "key": failure.key, "reason": failure.reason, "message": failure.message}
        print_result_line(json.dumps({"event": "failed", "at": round(time.time(), 3), **fields}))
    if failure.reason is FailureReason.BAD_INPUT:
        return print_refusals(failure.message)
    return print_failure(f"{failure.phase}: {failure.message}; see {layout.log}, then run the command again to retry")


def report_success(layout: Layout, *, as_json: bool) -> None:
    """Print the summary and, last, the path of the result."""
    if as_json:
        print_result_line(json.dumps({"event": "succeeded", "at": round(time.time(), 3), "result": str(layout.result)}))
        return
    status_commands.print_result(layout)


def default_folder(loaded: RunFile) -> Path:
    """Return the run folder if --folder is missing: the spec's path, relative to the file, or runs/NAME here."""
    storage = loaded.worker_spec.resolved.storage
    if isinstance(storage, LocalStorage):
        return inputs.resolve_path(storage.path, loaded.worker_spec.base_folder)
    return Path("runs") / loaded.name

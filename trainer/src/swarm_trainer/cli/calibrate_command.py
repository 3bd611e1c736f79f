"""`dataswarm calibrate`: compares the judge of a run with gold answers. It reads no other input of the run."""

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from swarm_core.api import loading, resolution
from swarm_core.api.resolved import ResolvedSpec
from swarm_core.asking import Ask
from swarm_core.blocks import endpoints
from swarm_core.errors import BadInputError
from swarm_core.judges import calibration
from swarm_core.judges.calibration import GoldAnswer
from swarm_core.objectives.scores import Score
from swarm_core.ports import Completion, Inference, Judge
from swarm_core.text import printable
from swarm_trainer.cli import run_file
from swarm_trainer.cli.output import DONE, print_result_line
from swarm_trainer.data import gold_answers
from swarm_trainer.evaluation import run_parts, scoring
from swarm_trainer.evaluation.completions import Asker
from swarm_trainer.inference.request_router import RemoteInference
from swarm_trainer.report import calibration_report
from swarm_trainer.runtime import remote_endpoints, text_classifiers
from swarm_trainer.runtime.context import Context
from swarm_trainer.stores.local import LocalStore

BATCH = 64
"""The number of answers that are judged before the progress is shown."""


def calibrate(arguments: argparse.Namespace) -> int:
    """Judge the gold answers and print the figures. Raises BadInputError, and InferenceError for an outage."""
    resolved = load_judge_spec(arguments.file)
    judge, answers = run_parts.build_judge(resolved), gold_answers.read(arguments.gold)
    name = remote_endpoints.judge_name(resolved)
    with ExitStack() as stack:
        folder = arguments.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ask = build_asker(resolved, folder.absolute(), arguments.file.absolute().parent, stack)
        progress = stack.enter_context(Progress(console=Console(stderr=True), transient=True))
        task = progress.add_task("judging", total=len(answers))
        scores: list[Score] = []
        for batch in judge_in_batches(judge, answers, ask):
            scores += batch
            progress.advance(task, len(batch))
    found = calibration.calibrate(answers, scores)
    if arguments.json:
        print_result_line(json.dumps(calibration_report.build_figures(name, found), indent=1))
        return DONE
    for line in calibration_report.format_lines(name, found):
        print_result_line(printable.to_single_line(line))
    return DONE


def load_judge_spec(file: Path) -> ResolvedSpec:
    """Return the spec of a run with the endpoints of its judge alone. Raises BadInputError."""
    resolved = resolution.resolve_run(loading.parse(run_file.read_text(file), str(file)))
    if not isinstance(resolved, ResolvedSpec):
        raise BadInputError(f"{file}: a {resolved.kind} has no judge; give a run that has one")
    own = tuple(access for access in resolved.access if access.owner.partition("/")[0] == endpoints.JUDGE_OWNER)
    return resolved.model_copy(update={"access": own})


def build_asker(resolved: ResolvedSpec, folder: Path, base_folder: Path, stack: ExitStack) -> Ask:
    """Return what asks the models of the judge. Their answers are kept in `folder`. `stack` closes the client.

    Raises BadInputError if a key cannot be read, if an endpoint does not answer, or if a classifier cannot be used.
    """
    context = Context(resolved, LocalStore(folder), folder / "cache", base_folder, lambda _: None)
    engine: Inference | None = None
    if resolved.access:
        engine = RemoteInference(remote_endpoints.get_client(context))
        stack.callback(engine.close)
        remote_endpoints.check(context)
        stack.callback(context.flush_usage)
    text_classifiers.check_judge(context)
    return Asker(text_classifiers.attach(context, engine))


def judge_in_batches(judge: Judge, answers: Sequence[GoldAnswer], ask: Ask) -> Iterator[list[Score]]:
    """The scores of the answers in order, batch by batch, by the rules of a run. Raises InferenceError."""
    for start in range(0, len(answers), BATCH):
        batch = answers[start : start + BATCH]
        completions = [(gold.item, Completion(gold.answer, 0, finished=True)) for gold in batch]
        yield [answer.score for answer in scoring.score_answers(judge, completions, ask)]

"""The trainer half of ScoreFile: a step that pins the file, and one that scores what it holds."""

from collections.abc import Iterator, Mapping

from dataswarm_testing.programs.score_file.program import ResolvedScoreFile

from swarm_core.engine.work import Kind
from swarm_trainer.evaluation.trainer_program import TrainerProgram

PROGRAM = TrainerProgram(
    steps={
        Kind.PREPARE: "dataswarm_testing.programs.score_file.steps:prepare",
        Kind.CONCLUDE: "dataswarm_testing.programs.score_file.steps:conclude",
    },
    preview="dataswarm_testing.programs.score_file.trainer:describe",
)


def describe(run: ResolvedScoreFile, items: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """What `dataswarm validate` says."""
    yield "scores", f"{run.data.uri}, by the verifier {run.verifier}"

"""The ScoreFile resource: a file of answers to be scored by a verifier. No model runs, nothing is trained."""

from typing import Literal

from swarm_core.api.run import Run, RunSpec
from swarm_core.api.run_status import RunStatus
from swarm_core.blocks.block import Block
from swarm_core.blocks.scalars import Integer, Line, Number, Uri

IDENTITY_FIELDS = ("seed", "data", "verifier")
FIXED_NON_IDENTITY_FIELDS = ("storage",)
MUTABLE_FIELDS = (
    "suspend", "stopAfter", "deadlineSeconds", "ttlSecondsAfterFinished", "deletionPolicy", "budget", "rerun",
    "execution",
)  # fmt: skip


class AnswerFile(Block):
    """A JSON Lines file: in each line a question, and the answer that is scored."""

    uri: Uri
    """The file."""
    question: Line = "question"
    """Field of each record that holds the question."""
    answer: Line = "answer"
    """Field of each record that holds the answer."""


class ScoreFileSpec(RunSpec):
    """What is scored, and by what."""

    data: AnswerFile
    """The answers."""
    verifier: Line = "Arithmetic"
    """Name of the verifier."""


class ScoreFileStatus(RunStatus):
    """How far a run is."""

    items: Integer | None = None
    """Answers that were scored."""
    mean_score: Number | None = None
    """Mean score of those answers."""


class ScoreFile(Run):
    """Answers from a file, scored by a verifier."""

    kind: Literal["ScoreFile"]
    """Kind of this resource."""
    spec: ScoreFileSpec
    """What is scored, and by what."""
    status: ScoreFileStatus | None = None
    """How far the run is; written by whoever runs it."""

"""The program of a ScoreFile: prepare pins the file, conclude scores it. There is no turn and nothing to train."""

from collections.abc import Iterator

from dataswarm_testing.programs.score_file.spec import (
    FIXED_NON_IDENTITY_FIELDS,
    IDENTITY_FIELDS,
    AnswerFile,
    ScoreFile,
    ScoreFileStatus,
)

from swarm_core.api import resolution
from swarm_core.api.custom_resources import CustomResource
from swarm_core.api.figures import Figure, FigureShape
from swarm_core.api.resolution import UriRole, UriUse
from swarm_core.api.resolved import Part, PartUse, ResolvedRun
from swarm_core.api.run_status import RunStatus
from swarm_core.engine.planning import Outline
from swarm_core.engine.state import EngineState

RESOURCE = CustomResource(
    model=ScoreFile,
    plural="scorefiles",
    short="scf",
    fixed=IDENTITY_FIELDS + FIXED_NON_IDENTITY_FIELDS,
    figures=(
        Figure("items", "items", FigureShape.COUNT, column="Items"),
        Figure("mean score", "meanScore", column="Mean-Score"),
    ),
)


class ResolvedScoreFile(ResolvedRun):
    """A ScoreFile with every choice made."""

    data: AnswerFile
    verifier: str

    @property
    def parts(self) -> tuple[PartUse, ...]:
        return (PartUse("verifiers", Part(name=self.verifier), "spec.verifier"),)


class ScoreFileProgram:
    """Implements `swarm_core.programs.program_protocol.Program`."""

    kind = "ScoreFile"
    resource = RESOURCE
    resolved = ResolvedScoreFile
    identity = frozenset(IDENTITY_FIELDS)
    trainer = "dataswarm_testing.programs.score_file.trainer:PROGRAM"

    def resolve(self, run: ScoreFile) -> ResolvedScoreFile:
        common = resolution.resolve_common(run)
        return ResolvedScoreFile(**common, data=run.spec.data, verifier=run.spec.verifier)

    def uris(self, resolved: ResolvedScoreFile) -> Iterator[UriUse]:
        yield UriUse(UriRole.DATA, resolved.data.uri, "spec.data.uri")

    def outline(self, resolved: ResolvedScoreFile) -> Outline:
        return Outline(iterations=0, turns=())

    def status(self, outline: Outline, state: EngineState, common: RunStatus) -> RunStatus:
        found = state.outcome.figures if state.outcome else {}
        items = found.get("scored_items")
        return ScoreFileStatus(
            **dict(common), items=None if items is None else int(items), mean_score=found.get("mean_score")
        )


PROGRAM = ScoreFileProgram()

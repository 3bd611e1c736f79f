"""The program of the kind SwarmRun, in which one swarm of generators moves and the takers do not."""

from collections.abc import Iterator

from swarm_core.api.custom_resources import CustomResource
from swarm_core.api.figures import Figure, FigureShape
from swarm_core.api.resolution import UriUse
from swarm_core.api.resolved import ResolvedSpec
from swarm_core.api.run_status import RunStatus
from swarm_core.engine.planning import Outline
from swarm_core.engine.state import EngineState
from swarm_core.optimizers import optimization
from swarm_core.programs import search_settings
from swarm_core.programs.swarm_run import resolution, status_projection
from swarm_core.programs.swarm_run.spec import FIXED_NON_IDENTITY_FIELDS, IDENTITY_FIELDS, SwarmRun
from swarm_core.swarm_names import GENERATORS

RESOURCE = CustomResource(
    model=SwarmRun,
    plural="swarmruns",
    short="swr",
    fixed=IDENTITY_FIELDS + FIXED_NON_IDENTITY_FIELDS,
    figures=(
        Figure("iteration", "iteration", FigureShape.PROGRESS, column="Progress"),
        Figure("best", "best", column="Best"),
        Figure("values", "values", FigureShape.VALUES, column="Values", wide=True),
        Figure("initial", "initial", note="the best initial generator", in_progress=False, column="Initial", wide=True),
        Figure("gain", "gain", FigureShape.DIFFERENCE, column="Gain"),
        Figure("answers", "answers", FigureShape.COUNTS),
    ),
)


class SwarmRunProgram:
    """The program of the kind SwarmRun."""

    kind = "SwarmRun"
    resource = RESOURCE
    resolved = ResolvedSpec
    identity = frozenset({*IDENTITY_FIELDS, "rule", "weighted", "pareto", "reference", "corpus", "rivals", "unseen"})
    trainer = "swarm_trainer.programs.swarm_run.search_program:PROGRAM"

    def resolve(self, run: SwarmRun) -> ResolvedSpec:
        """`run` with every default explicit."""
        return resolution.resolve_swarm_run(run)

    def uris(self, resolved: ResolvedSpec) -> Iterator[UriUse]:
        """Return every URI of the experiment, in the order of the spec."""
        return resolution.list_uris(resolved)

    def outline(self, resolved: ResolvedSpec) -> Outline:
        """Return the schedule of a search. Initial generators that are not given are trained, and then the swarm
        moves."""
        return Outline(
            iterations=optimization.iterations(search_settings.build_plan(resolved)),
            training=search_settings.list_training(GENERATORS, resolved.generators),
            needs=search_settings.build_needs(resolved),
        )

    def status(self, outline: Outline, state: EngineState, common: RunStatus) -> RunStatus:
        """Return the status of a SwarmRun."""
        return status_projection.build_swarm_run_status(outline, state, common)


PROGRAM = SwarmRunProgram()

"""From outline and state to the status of a SwarmRun. Rows and texts are cut to what the status takes."""

from swarm_core.api.run_status import HISTORY_ROWS, RunStatus
from swarm_core.engine.planning import Outline
from swarm_core.engine.state import EngineState
from swarm_core.programs import search_summary
from swarm_core.programs.search_summary import SearchSummary
from swarm_core.programs.swarm_run.status import PARTICLE_ROWS, Best, Gain, HistoryRow, ParticleRow, SwarmRunStatus

NAME_CHARACTERS = 64


def build_swarm_run_status(outline: Outline, state: EngineState, common: RunStatus) -> SwarmRunStatus:
    """The status, around what all kinds have."""
    found = search_summary.summarize_search(state)
    return SwarmRunStatus(
        **dict(common) | {"counts": search_summary.build_counts(found.counts)},
        iteration=state.iteration,
        iterations=outline.iterations,
        best=build_best(found),
        initial=found.initial,
        gain=search_summary.build_difference(found.gain, Gain),
        particles=tuple(ParticleRow(name=name[:NAME_CHARACTERS], fitness=value) for name, value in found.particles)[
            :PARTICLE_ROWS
        ],
        history=list_rows(found),
    )


def build_best(found: SearchSummary) -> Best | None:
    if found.best is None:
        return None
    particle = found.best_particle[:NAME_CHARACTERS] or None
    return Best(value=found.best, particle=particle, recipe=found.best_recipe or None)


def list_rows(found: SearchSummary) -> tuple[HistoryRow, ...]:
    """Every iteration of which something was scored."""
    rows = [(point.iteration, point.best, point.mean) for point in found.history]
    whole = ((at, best, mean) for at, best, mean in rows if best is not None and mean is not None)
    return tuple(HistoryRow(iteration=at, best=best, mean=mean) for at, best, mean in whole)[-HISTORY_ROWS:]

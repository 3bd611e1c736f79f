"""The projection of outline and state to the status of a SwarmRun, within the sizes of the status."""

from swarm_core.api.run_status import HISTORY_ROWS, RunStatus
from swarm_core.engine.planning import Outline
from swarm_core.engine.state import EngineState
from swarm_core.programs import search_summary
from swarm_core.programs.search_summary import SearchSummary
from swarm_core.programs.swarm_run.status import (
    PARTICLE_ROWS,
    VALUE_ROWS,
    Best,
    Gain,
    HistoryRow,
    ParticleRow,
    SwarmRunStatus,
    ValueRow,
)

NAME_CHARACTERS = 64


def build_swarm_run_status(outline: Outline, state: EngineState, common: RunStatus) -> SwarmRunStatus:
    """Return the status of a search. `common`: the fields that all kinds have."""
    summary = search_summary.summarize_search(state)
    return SwarmRunStatus(
        **dict(common) | {"counts": search_summary.build_counts(summary.counts)},
        answers=search_summary.build_answers(summary.counts.fates),
        iteration=state.iteration,
        iterations=outline.iterations,
        best=build_best(summary),
        values=tuple(ValueRow(name=name, value=value) for name, value in summary.values)[:VALUE_ROWS] or None,
        initial=summary.initial,
        gain=search_summary.build_difference(summary.gain, Gain),
        particles=tuple(ParticleRow(name=name[:NAME_CHARACTERS], fitness=value) for name, value in summary.particles)[
            :PARTICLE_ROWS
        ],
        history=list_rows(summary),
    )


def build_best(summary: SearchSummary) -> Best | None:
    if summary.best is None:
        return None
    particle = summary.best_particle[:NAME_CHARACTERS] or None
    return Best(value=summary.best, particle=particle, recipe=summary.best_recipe or None)


def list_rows(summary: SearchSummary) -> tuple[HistoryRow, ...]:
    """Return the latest iterations that have a score."""
    rows = [(point.iteration, point.best, point.mean) for point in summary.history]
    whole = ((at, best, mean) for at, best, mean in rows if best is not None and mean is not None)
    return tuple(HistoryRow(iteration=at, best=best, mean=mean) for at, best, mean in whole)[-HISTORY_ROWS:]

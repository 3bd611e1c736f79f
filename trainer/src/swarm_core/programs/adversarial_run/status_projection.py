"""From outline and state to the status of an AdversarialRun. Rows are cut to what the status takes."""

from swarm_core.api.run_status import HISTORY_ROWS, RunStatus
from swarm_core.engine.planning import Outline
from swarm_core.engine.state import EngineState
from swarm_core.programs import search_summary
from swarm_core.programs.adversarial_run.status import AdversarialRunStatus, Improvement, RoundRow
from swarm_core.swarm_names import GENERATORS, TAKERS


def build_adversarial_run_status(outline: Outline, state: EngineState, common: RunStatus) -> AdversarialRunStatus:
    """The status, around what all kinds have."""
    found, takers = search_summary.summarize_search(state), state.search(TAKERS)
    return AdversarialRunStatus(
        **dict(common) | {"counts": search_summary.build_counts(found.counts)},
        round=state.iteration,
        rounds=outline.iterations,
        difficulty=state.search(GENERATORS).best,
        taker_score=takers.best,
        held_out_score=takers.held_out,
        takers=search_summary.build_difference(found.gain, Improvement),
        history=list_rows(state),
    )


def list_rows(state: EngineState) -> tuple[RoundRow, ...]:
    """Every round of which generators were scored, with what takers made of it."""
    answers = {point.iteration: point for point in state.search(TAKERS).history}
    scored = [(point.iteration, point.best) for point in state.search(GENERATORS).history if point.best is not None]
    rows = [(at, best, answers.get(at)) for at, best in scored]
    return tuple(
        RoundRow(
            round=at,
            difficulty=best,
            taker_score=answer.best if answer else None,
            held_out_score=answer.held_out if answer else None,
        )
        for at, best, answer in rows
    )[-HISTORY_ROWS:]

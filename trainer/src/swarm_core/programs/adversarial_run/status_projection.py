"""The projection of outline and state to the status of an AdversarialRun, within the sizes of the status."""

from swarm_core.api.run_status import HISTORY_ROWS, RunStatus
from swarm_core.engine.planning import Outline
from swarm_core.engine.state import EngineState
from swarm_core.programs import search_summary
from swarm_core.programs.adversarial_run.status import AdversarialRunStatus, Improvement, RoundRow
from swarm_core.swarm_names import GENERATORS, TAKERS


def build_adversarial_run_status(outline: Outline, state: EngineState, common: RunStatus) -> AdversarialRunStatus:
    """Return the status of a game. `common`: the fields that all kinds have."""
    summary, takers = search_summary.summarize_search(state), state.search(TAKERS)
    return AdversarialRunStatus(
        **dict(common) | {"counts": search_summary.build_counts(summary.counts)},
        answers=search_summary.build_answers(summary.counts.fates, takers.fates),
        round=state.iteration,
        rounds=outline.iterations,
        difficulty=state.search(GENERATORS).best,
        taker_score=takers.best,
        held_out_score=takers.held_out,
        takers=search_summary.build_difference(summary.gain, Improvement),
        history=list_rows(state),
    )


def list_rows(state: EngineState) -> tuple[RoundRow, ...]:
    """Return the latest rounds in which generators were scored, with the scores of the takers if they have moved."""
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

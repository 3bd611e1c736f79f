"""A search whose fitness changes between iterations, and a basis that grows."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from swarm_core.errors import BadInputError
from swarm_core.optimizers import estimates, optimization, particle_swarm, positions
from swarm_core.optimizers.candidate import Purpose
from swarm_core.optimizers.cma_es import CmaEs
from swarm_core.optimizers.optimizer import Optimizer, Plan, SearchState, Stop
from swarm_core.optimizers.published import Compat, Published
from swarm_core.optimizers.standard import Standard

Fitness = Callable[[int, positions.Position], float]


def plan(rule: Optimizer[Any] | None = None, **others: object) -> Plan:
    sizes = {"basis": 3, "particles": 4, "iterations": 12, "patience": 12, "seed": 5, "optimizer": rule or Standard()}
    return Plan(**{**sizes, **others})  # type: ignore[arg-type]


def played(swarm: SearchState, fitness: Fitness, iterations: int) -> list[SearchState]:
    """The swarm after each iteration against a `fitness` that moves."""
    found = []
    for _ in range(iterations):
        swarm = optimization.tell(
            swarm,
            {candidate.name: fitness(swarm.iteration, candidate.position) for candidate in optimization.ask(swarm)},
        )
        found.append(swarm)
    return found


def hardening(iteration: int, position: positions.Position) -> float:
    """What the released loop meets: the data hardens, so every later score is below every earlier one."""
    return 1.0 / (1 + iteration) - 0.01 * sum(
        (value - target) ** 2 for value, target in zip(position, (1.6, 0.5, -1.1), strict=True)
    )


def led(swarm: SearchState) -> int:
    """The iteration in which the leading position was found."""
    leader = estimates.best(swarm.estimates)
    assert leader is not None
    return leader.iteration


RULES = [Published(), Published(compat=Compat.REFERENCE)]


@pytest.mark.parametrize("rule", RULES, ids=["published", "reference"])
def test_stale_bests_freeze_where_data_hardens_and_bests_measured_again_do_not(rule: Optimizer[Any]) -> None:
    """The flaw of the released loop and its cure, side by side."""
    frozen = played(optimization.start(plan(rule)), hardening, 12)
    assert {led(swarm) for swarm in frozen} == {0}
    assert [swarm.stale for swarm in frozen] == list(range(12))
    moving = played(optimization.start(plan(rule, rescored=True)), hardening, 12)
    assert led(moving[-1]) > 0
    best = [optimization.best(swarm) for swarm in moving]
    assert all(one is not None and one.count == 1 for one in best)


def test_with_a_patience_of_ten_the_released_rule_ends_the_run_that_the_default_goes_on_with() -> None:
    reference = plan(Published(compat=Compat.REFERENCE), patience=10, iterations=30)
    ends = [optimization.stop_reason(swarm) for swarm in played(optimization.start(reference), hardening, 11)]
    assert ends == [None] * 10 + [Stop.PATIENCE]
    default = played(optimization.start(plan(patience=10, iterations=30, rescored=True)), hardening, 11)
    assert all(optimization.stop_reason(swarm) is None for swarm in default)


def test_scores_that_decay_let_a_later_one_lead() -> None:
    kept = played(optimization.start(plan()), lambda t, x: 0.9**t + 0.001 * x[0], 8)
    faded = played(optimization.start(plan(decay=0.5)), lambda t, x: 0.9**t + 0.001 * x[0], 8)
    assert led(kept[-1]) == 0
    assert led(faded[-1]) > 0


def test_every_personal_best_is_asked_again_once_where_no_particle_stands() -> None:
    swarm = played(optimization.start(plan(rescored=True)), hardening, 2)[-1]
    asked = optimization.ask(swarm)
    again = [candidate.position for candidate in asked if candidate.purpose is Purpose.REMEASURE]
    assert again == particle_swarm.bests_to_remeasure(swarm)
    assert {particle.best for particle in swarm.particles} <= {candidate.position for candidate in asked}
    assert len({candidate.position for candidate in asked}) == len(asked)


def test_a_best_that_is_not_scored_again_is_no_record_and_no_leader() -> None:
    swarm = played(optimization.start(plan(rescored=True)), hardening, 1)[-1]
    leader = estimates.best(swarm.estimates)
    assert leader is not None
    asked = optimization.ask(swarm)
    told = {candidate.name: None if candidate.position == leader.position else 0.1 for candidate in asked}
    after = optimization.tell(swarm, told)
    assert leader.position not in {record.position for record in after.estimates}


def test_settings_that_fit_no_moving_target_are_refused_and_the_others_are_kept_in_json() -> None:
    with pytest.raises(BadInputError, match="CmaEs moves none"):
        plan(CmaEs(), rescored=True)
    with pytest.raises(BadInputError, match="decay is 0"):
        plan(decay=0.0)
    assert '"rescored":false' in optimization.to_json(optimization.start(plan()))
    moving = played(optimization.start(plan(rescored=True, decay=0.5)), hardening, 2)[-1]
    assert optimization.from_json(optimization.to_json(moving)) == moving


def test_a_wider_basis_leaves_every_position_the_sum_it_was() -> None:
    swarm = played(optimization.start(plan(groups=2)), lambda t, x: x[0], 2)[-1]
    wide = particle_swarm.extend_basis(swarm, 2)
    assert wide.plan.basis == 5
    for before, after in zip(swarm.particles, wide.particles, strict=True):
        for narrow, block in zip(
            positions.split_blocks(before.position, 2), positions.split_blocks(after.position, 2), strict=True
        ):
            assert block == (*narrow, 0.0, 0.0)
    assert [record.value for record in wide.estimates] == [record.value for record in swarm.estimates]
    assert optimization.from_json(optimization.to_json(wide)) == wide


def test_a_trained_adapter_takes_the_place_of_the_particle_with_the_lowest_best() -> None:
    swarm = played(optimization.start(plan(rescored=True)), lambda t, x: x[0], 3)[-1]
    worth = {record.position: record.value for record in swarm.estimates}
    lowest = min(range(4), key=lambda index: worth[swarm.particles[index].best or ()])
    new = optimization.add_adapter(swarm)
    assert [particle.position == (0.0, 0.0, 0.0, 1.0) for particle in new.particles] == [i == lowest for i in range(4)]
    asked = {candidate.position for candidate in optimization.ask(new)}
    assert (0.0, 0.0, 0.0, 1.0) in asked
    after = optimization.tell(new, {candidate.name: 2.0 * candidate.position[3] for candidate in optimization.ask(new)})
    best = optimization.best(after)
    assert best is not None
    assert best.position == (0.0, 0.0, 0.0, 1.0)
    assert replace(after, plan=swarm.plan) != swarm

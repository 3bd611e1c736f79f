"""Coefficients per layer: the layers search together, and leave each other only where scores speak for it."""

import hashlib
import json
import math
from dataclasses import replace
from itertools import pairwise
from statistics import fmean
from typing import Any

import pytest
from every_optimizer import EVERY

from swarm_core import streams
from swarm_core.errors import BadInputError
from swarm_core.optimizers import optimization, positions
from swarm_core.optimizers.cma_es import CmaEs
from swarm_core.optimizers.estimates import Estimate
from swarm_core.optimizers.optimizer import Optimizer, Plan, SearchState
from swarm_core.optimizers.particle_swarm import Particle, SwarmState
from swarm_core.optimizers.positions import Position
from swarm_core.optimizers.published import Compat, Published
from swarm_core.optimizers.random_search import RandomSearch
from swarm_core.optimizers.standard import Standard

LAYERS = 3
NOISE = 0.05


def plan(rule: Standard | None = None, groups: int = LAYERS, particles: int = 8, seed: int = 9) -> Plan:
    return Plan(4, particles, 12, 100, seed, rule or Standard(), groups)


def noisy(swarm: SearchState, rounds: int) -> SearchState:
    for _ in range(rounds):
        scores = {p.name: streams.uniform(1, "noise", swarm.iteration, p.name) for p in optimization.ask(swarm)}
        swarm = optimization.tell(swarm, scores)
    return swarm


def differences(position: Position, groups: int = LAYERS) -> list[float]:
    middle = positions.mean_block(position, groups)
    return [
        abs(a - m) for block in positions.split_blocks(position, groups) for a, m in zip(block, middle, strict=True)
    ]


@pytest.mark.parametrize(
    ("rule", "digest"),
    [
        (Standard(scattered=0), "79528bbf2f97c4cf"),
        (Published(), "0122c30036c71568"),
        (Published(compat=Compat.REFERENCE), "51026eb7ca37666a"),
        (RandomSearch(), "12c70d817ed5690d"),
        (CmaEs(), "26cc16b3f2a463ae"),
    ],
    ids=["standard", "published", "reference", "random search", "cma-es"],
)
def test_one_block_is_the_search_it_was_before_there_were_several(rule: Optimizer[Any], digest: str) -> None:
    """The digest is of the positions that were asked then, to the last bit."""
    swarm, asked = optimization.start(Plan(4, 8, 10, 20, 9, rule)), []
    for _ in range(7):
        candidates = optimization.ask(swarm)
        asked.append([[candidate.name, [value.hex() for value in candidate.position]] for candidate in candidates])
        swarm = noisy(swarm, 1)
    assert hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16] == digest
    assert optimization.from_json(optimization.to_json(swarm)) == swarm


def test_every_block_of_every_position_sums_to_one() -> None:
    swarm = optimization.start(plan())
    while optimization.stop_reason(swarm) is None:
        for candidate in optimization.ask(swarm):
            blocks = positions.split_blocks(candidate.position, LAYERS)
            assert [len(block) for block in blocks] == [4] * LAYERS
            assert [sum(block) for block in blocks] == pytest.approx([1] * LAYERS, abs=1e-11)
        swarm = noisy(swarm, 1)


def test_all_layers_start_alike() -> None:
    alone, together = (optimization.ask(optimization.start(plan(groups=groups))) for groups in (1, LAYERS))
    assert [candidate.name for candidate in together] == [candidate.name for candidate in alone]
    assert [candidate.position for candidate in together] == [candidate.position * LAYERS for candidate in alone]


def test_the_mean_moves_as_the_one_block_of_a_global_search_while_bests_have_no_differences() -> None:
    free = Standard(max_velocity=100, max_position=100)
    alone, together = (noisy(optimization.start(plan(free, groups)), 1) for groups in (1, LAYERS))
    for one, several in zip(alone.particles, together.particles, strict=True):
        assert positions.mean_block(several.velocity, LAYERS) == pytest.approx(one.velocity, abs=1e-12)


def test_layers_of_full_cohesion_are_a_global_search() -> None:
    alone, together = (noisy(optimization.start(plan(Standard(cohesion=1), groups)), 8) for groups in (1, LAYERS))
    for one, several in zip(alone.particles, together.particles, strict=True):
        assert several.position == pytest.approx(one.position * LAYERS, abs=1e-9)
        assert len(set(positions.split_blocks(several.position, LAYERS))) == 1


def test_the_first_particle_and_every_second_one_after_never_let_layers_differ() -> None:
    swarm = noisy(optimization.start(plan()), 8)
    alike = [len(set(positions.split_blocks(particle.position, LAYERS))) == 1 for particle in swarm.particles]
    assert alike == [True, False] * 4


def test_layers_differ_by_less_than_the_particles_do() -> None:
    swarm = optimization.start(plan(Standard(cohesion=0)))
    for _ in range(12):
        swarm = noisy(swarm, 1)
        inside = fmean(fmean(differences(particle.position)) for particle in swarm.particles)
        means = [positions.mean_block(particle.position, LAYERS) for particle in swarm.particles]
        apart = fmean(abs(a - b) for one, two in pairwise(means) for a, b in zip(one, two, strict=True))
        assert inside < 0.5 * apart
    assert max(max(differences(particle.position)) for particle in swarm.particles) > 0.05


def test_more_cohesion_holds_layers_closer_together() -> None:
    spreads = []
    for cohesion in (0.0, 0.3, 0.6, 0.9):
        swarm = noisy(optimization.start(plan(Standard(cohesion=cohesion))), 6)
        spreads.append(fmean(fmean(differences(particle.position)) for particle in swarm.particles))
    assert spreads == sorted(spreads, reverse=True)
    assert spreads[-1] < 0.3 * spreads[0]


def test_a_move_follows_equations_l1_and_l2() -> None:
    rule = Standard(cohesion=0.25, max_velocity=100, max_position=100)
    x, v, p, g = (0.5, 0.5, 1.5, -0.5), (0.25, -0.25, 0.5, 0.0), (1.0, 0.0, 0.0, 1.0), (-1.0, 2.0, 2.0, -1.0)
    swarm = SwarmState(
        plan=Plan(2, 2, 20, 5, 11, rule, 2),
        iteration=4,
        estimates=(Estimate("g", g, 0.9, 1, 0),),
        particles=(Particle(g, v, g), Particle(x, v, p)),
    )

    def factor(layer: int, axis: int, name: str) -> float:
        key = ("move", 4, 1, axis, name)
        own = [streams.uniform(11, *key, other) for other in range(2)]
        return streams.uniform(11, *key) + own[layer] - (own[0] + own[1]) / 2

    free = [
        0.73 * v[k]
        + 1.5 * factor(k // 2, k % 2, "cognitive") * (p[k] - x[k])
        + 1.5 * factor(k // 2, k % 2, "social") * (g[k] - x[k])
        for k in range(4)
    ]
    middle = [(free[0] + free[2]) / 2, (free[1] + free[3]) / 2] * 2
    velocity = [m + 0.75 * (value - m) for m, value in zip(middle, free, strict=True)]
    moved = rule.move(swarm, 1)
    assert moved.velocity == pytest.approx(velocity, abs=1e-14)
    landed = [a + b for a, b in zip(x, velocity, strict=True)]
    shifts = [(1 - landed[0] - landed[1]) / 2] * 2 + [(1 - landed[2] - landed[3]) / 2] * 2
    assert moved.position == pytest.approx([a + b for a, b in zip(landed, shifts, strict=True)], abs=1e-14)


def test_the_effort_does_not_depend_on_the_number_of_layers() -> None:
    sizes = {
        (optimization.budget(plan(groups=groups)), optimization.iterations(plan(groups=groups)))
        for groups in (1, 2, 32)
    }
    assert len(sizes) == 1


def test_a_search_is_a_function_of_its_plan_and_scores_in_any_order_and_goes_on_from_json() -> None:
    swarm = noisy(optimization.start(plan()), 4)
    assert swarm == noisy(optimization.start(plan()), 4) != noisy(optimization.start(plan(seed=10)), 4)
    scores = {candidate.name: streams.uniform(2, candidate.name) for candidate in optimization.ask(swarm)}
    assert optimization.tell(swarm, scores) == optimization.tell(swarm, dict(reversed(scores.items())))
    assert optimization.from_json(optimization.to_json(swarm)) == swarm
    assert noisy(optimization.from_json(optimization.to_json(swarm)), 3) == noisy(swarm, 3)


def test_initial_adapters_are_remembered_and_the_best_of_them_is_a_finalist() -> None:
    swarm, corners = optimization.start(plan()), positions.vertices(4, LAYERS)
    for _ in range(5):
        known = {corner: 0.3 if index == 2 else 0.1 for index, corner in enumerate(corners)}
        swarm = optimization.tell(
            swarm, {candidate.name: known.get(candidate.position, 0.9) for candidate in optimization.ask(swarm)}
        )
    assert {record.position for record in swarm.estimates} >= set(corners)
    best = optimization.initial_best(swarm)
    assert best is not None
    assert (best.name, best.position) == ("g02", (0.0, 0.0, 1.0, 0.0) * LAYERS)
    assert optimization.select_finalists(swarm, 4)[-1] == best


@pytest.mark.parametrize("rule", [one for one in EVERY.values() if not one.supports_groups], ids=lambda one: one.name)
def test_other_rules_have_no_layers(rule: Optimizer[Any]) -> None:
    with pytest.raises(BadInputError, match="swarm groups is 2: only rule Standard keeps layers together"):
        replace(plan(), optimizer=rule, groups=2)


@pytest.mark.parametrize("cohesion", [-0.1, 1.1])
def test_cohesion_is_a_share(cohesion: float) -> None:
    with pytest.raises(BadInputError, match="cohesion is"):
        Standard(cohesion=cohesion)


def test_a_position_that_is_not_in_equal_blocks_is_refused() -> None:
    with pytest.raises(ValueError, match="7 coefficients are not 2 blocks"):
        positions.split_blocks((0.0,) * 7, 2)


def wanted(spread: float, seed: int) -> list[Position]:
    """What each layer wants: an optimum outside the start, the same for all but for `spread`."""
    raw = [[streams.normal(seed, "want", layer, axis) for axis in range(4)] for layer in range(LAYERS)]
    columns = [fmean(column) for column in zip(*raw, strict=True)]
    apart = [[value - mean for value, mean in zip(row, columns, strict=True)] for row in raw]
    centre = (-1.6, 1.7, 1.3, -0.4)
    return [tuple(c + spread * (value - fmean(row)) for c, value in zip(centre, row, strict=True)) for row in apart]


def worth(blocks: tuple[Position, ...], optima: list[Position]) -> float:
    """0.6 at most, falling with the mean square of the layers' distances to their optima."""
    gaps = [sum((a - b) ** 2 for a, b in zip(*pair, strict=True)) for pair in zip(blocks, optima, strict=True)]
    return max(0.0, 0.6 - 0.15 * fmean(gaps))


def found(groups: int, spread: float, seed: int) -> float:
    """What the final choice of one search is worth: eight finalists, four measurements each."""
    optima = wanted(spread, seed)

    def value(position: Position) -> float:
        blocks = positions.split_blocks(position, groups)
        return worth(blocks if groups > 1 else blocks * LAYERS, optima)

    def measured(position: Position, times: int, *key: str | int) -> float:
        return value(position) + NOISE / math.sqrt(times) * streams.normal(seed, "error", *key)

    swarm = optimization.start(Plan(4, 8, 17, 100, seed, Standard(), groups))
    while optimization.stop_reason(swarm) is None:
        swarm = optimization.tell(
            swarm, {p.name: measured(p.position, 1, swarm.iteration, p.name) for p in optimization.ask(swarm)}
        )
    return value(
        max(
            optimization.select_finalists(swarm, 8), key=lambda one: measured(one.position, 4, "final", one.name)
        ).position
    )


def compared(spread: float) -> tuple[float, float]:
    alone, together = (fmean(found(groups, spread, seed) for seed in range(10)) for groups in (1, LAYERS))
    return alone, together


def test_layers_that_want_different_coefficients_get_them() -> None:
    alone, together = compared(0.7)
    assert together > alone + 0.02, f"PerLayer {together:.4f}, Global {alone:.4f}"


def test_layers_that_want_the_same_cost_little() -> None:
    alone, together = compared(0.0)
    assert together > alone - 0.01, f"PerLayer {together:.4f}, Global {alone:.4f}"

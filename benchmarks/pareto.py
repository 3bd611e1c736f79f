"""Compares the search for a Pareto front with searches at several weights, at the same total budget, in one table.

    python benchmarks/pareto.py --write docs/results.md                       # simulated landscapes
    python benchmarks/pareto.py --landscapes stories --seeds 2 --work work    # a real arena

Contestants of one budget, which is that of a default search with rule MultiObjective:

    MultiObjective         the archive of non-dominated positions, with leading members measured again
    MultiObjective once    the same rule without measuring again; three more particles use the measurements
    CmaEs per objective    one search by CMA-ES for each objective, all with the same share of the budget
    CmaEs, 4 weights       four such searches, each for another weighted sum
    Random positions       as many random positions

Each contestant hands over eight finalists, which are measured again with more items. By these values the knee and the
ends are chosen, as `evaluation.front_evaluation` does. The table has the hypervolume of the true values of these
reported generators, that of all finalists, and for archives two more: the share of the archive that no other kept
position truly dominates, and by how much the archive overestimates its own hypervolume.

A simulated landscape has one optimum for each objective at a random position. A value is 0.9 exp(-d^2 / width), d the
distance to the optimum, and its noise is that of the mean of 120 answers. In a real arena, the objectives are
Difficulty and Separation, and the true values are measured with 1600 fresh items.

Each result is appended to a file, and a run goes on from there. Limits: the optima of simulated landscapes are smooth
and alone. The hypervolumes of a real arena contain the noise of the fresh items.
"""

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from itertools import groupby
from math import exp, sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Protocol

from published_table import insert_table

from swarm_core import streams
from swarm_core.optimizers import optimization, pareto_front, positions, sampling
from swarm_core.optimizers.candidate import Fitness, VectorScore
from swarm_core.optimizers.cma_es import CmaEs
from swarm_core.optimizers.multi_objective import FrontState, MultiObjective
from swarm_core.optimizers.optimizer import Plan, SearchState
from swarm_core.optimizers.pareto_front import Vector
from swarm_core.optimizers.positions import Position
from swarm_core.optimizers.standard import Standard

RESULTS = Path(__file__).with_suffix(".jsonl")
BASIS, PARTICLES, ITERATIONS, ITEMS = 4, 8, 10, 120
FINALISTS, CHOICE_ITEMS = 8, 400
FIRST_SEED = 3001
SIMULATED: Mapping[str, tuple[int, float]] = {
    "2 objectives, wide": (2, 3.0), "2 objectives, narrow": (2, 1.5), "3 objectives, wide": (3, 3.0),
}  # fmt: skip
"""The number of objectives and the width of each simulated landscape."""


class Landscape(Protocol):
    """What is searched."""

    def measure(self, spots: Sequence[Position], key: Sequence[str | int], items: int) -> list[VectorScore | None]:
        """Return noisy values of each position. `key`: the stage, which seeds the noise."""
        ...

    def find_truth(self, spots: Sequence[Position]) -> list[Vector]:
        """Return the true values of each position, or those on many fresh items."""
        ...


@dataclass(frozen=True, slots=True)
class Simulated:
    """A landscape in pure Python."""

    objectives: int
    width: float
    seed: int

    def find_truth(self, spots: Sequence[Position]) -> list[Vector]:
        optima = [self._find_optimum(objective) for objective in range(self.objectives)]
        return [tuple(0.9 * exp(-_square(spot, optimum) / self.width) for optimum in optima) for spot in spots]

    def _find_optimum(self, objective: int) -> Position:
        draws = (2 * streams.uniform(self.seed, "optimum", objective, axis) - 1 for axis in range(BASIS))
        return positions.shift_to_sum_one(tuple(1.2 * draw for draw in draws))

    def measure(self, spots: Sequence[Position], key: Sequence[str | int], items: int) -> list[VectorScore | None]:
        source = random.Random(f"{self.seed} {key}")
        return [self._measure_vector(truth, items, source) for truth in self.find_truth(spots)]

    def _measure_vector(self, truth: Vector, items: int, source: random.Random) -> VectorScore:
        found = tuple(min(1.0, max(0.0, source.gauss(value, _find_error(value, items)))) for value in truth)
        return VectorScore(found, tuple(_find_error(value, items) for value in found))


def _square(spot: Position, optimum: Position) -> float:
    return sum((x - o) ** 2 for x, o in zip(spot, optimum, strict=True))


def _find_error(value: float, items: int) -> float:
    """Return the standard error of a share; that of 1% at least."""
    return sqrt(max(value * (1 - value), 0.01) / items)


@dataclass(frozen=True, slots=True)
class Found:
    """What a contestant hands over."""

    finalists: tuple[Position, ...]
    measured: int
    """The number of measurements of its search."""
    share: float | None = None
    """The share of its archive that no other kept position truly dominates."""
    excess: float | None = None
    """The hypervolume that its archive claims minus the true one."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one contestant on one landscape."""

    landscape: str
    seed: int
    contestant: str
    reported: float
    """The true hypervolume of the knee and the ends, chosen among the finalists."""
    finalists: float
    """The true hypervolume of all finalists."""
    measured: int
    share: float | None
    excess: float | None


def build_plan(rule: MultiObjective | CmaEs, seed: int, particles: int = PARTICLES) -> Plan:
    return Plan(BASIS, particles, ITERATIONS, 1000, seed, rule)


def count_budget() -> int:
    """Return the number of measurements of one search with rule MultiObjective."""
    return optimization.budget(build_plan(MultiObjective(), 1))


def search_front(landscape: Landscape, seed: int, rule: MultiObjective, particles: int = PARTICLES) -> Found:
    """Search for the front with an archive."""
    state, measured = optimization.start(build_plan(rule, seed, particles)), 0
    while optimization.stop_reason(state) is None:
        asked = optimization.ask(state)
        found = landscape.measure([one.position for one in asked], ("search", state.iteration), ITEMS)
        state = optimization.tell(state, {one.name: score for one, score in zip(asked, found, strict=True)})
        measured += len(asked)
    assert isinstance(state, FrontState)
    finalists = tuple(one.position for one in optimization.select_finalists(state, FINALISTS))
    known = judge_archive(landscape, rule, state) if isinstance(landscape, Simulated) else (None, None)
    return Found(finalists, measured, *known)


def judge_archive(landscape: Simulated, rule: MultiObjective, state: FrontState) -> tuple[float, float]:
    """Return the share of the archive that is truly on the front of all kept positions, and what it overestimates."""
    archive = rule.select_archive(state)
    truth = landscape.find_truth([one.position for one in archive])
    every = landscape.find_truth([one.position for one in state.known])
    share = fmean(not any(pareto_front.dominates(other, one) for other in every) for one in truth)
    return share, (optimization.attained(state) or 0.0) - pareto_front.measure_hypervolume(truth)


def search_weights(landscape: Landscape, seed: int, weights: Sequence[Vector]) -> Found:
    """Search once for each weighted sum, each search with the same share of the budget."""
    found, measured, budget = [], 0, count_budget()
    for number, weight in enumerate(weights):
        state, spent = search_sum(landscape, seed, number, weight, budget // len(weights))
        measured += spent
        ranked = optimization.rank_positions(state)[: FINALISTS // len(weights)]
        found += [one.position for one in ranked]
    return Found(tuple(dict.fromkeys(found)), measured)


def search_sum(landscape: Landscape, seed: int, number: int, weight: Vector, budget: int) -> tuple[SearchState, int]:
    """Search for one weighted sum; return the state and the number of measurements."""
    state, spent = optimization.start(build_plan(CmaEs(), streams.derive_seed(seed, "weight", number))), 0
    while spent + len(asked := optimization.ask(state)) <= budget and asked:
        key = ("sum", number, state.iteration)
        scores = landscape.measure([one.position for one in asked], key, ITEMS)
        told: dict[str, Fitness] = {
            one.name: None if score is None else sum(w * v for w, v in zip(weight, score.values, strict=True))
            for one, score in zip(asked, scores, strict=True)
        }
        state, spent = optimization.tell(state, told), spent + len(asked)
    return state, spent


def list_weights(objectives: int, count: int) -> list[Vector]:
    """Return `count` weights of each objective: the single objectives, and equal steps between two of them."""
    corners = [tuple(float(axis == one) for axis in range(objectives)) for one in range(objectives)]
    if count == objectives:
        return corners
    if objectives == 2:
        return [(step / (count - 1), 1 - step / (count - 1)) for step in range(count)]
    return [*corners, (1 / objectives,) * objectives][:count]


def search_randomly(landscape: Landscape, seed: int) -> Found:
    """Measure random positions."""
    spots = sampling.uniform_positions(seed, BASIS, 0, count_budget())
    scores = landscape.measure(spots, ("random",), ITEMS)
    known = [(spot, score.values) for spot, score in zip(spots, scores, strict=True) if score is not None]
    order = pareto_front.rank([values for _, values in known])[:FINALISTS]
    return Found(tuple(known[index][0] for index in order), len(spots))


Contestant = Callable[[Landscape, int, int], Found]
"""From the landscape, the seed and the number of objectives to what is found."""
CONTESTANTS: Mapping[str, Contestant] = {
    "MultiObjective": lambda one, seed, _: search_front(one, seed, MultiObjective()),
    "MultiObjective once": lambda one, seed, _: search_front(
        one, seed, MultiObjective(moves=Standard(remeasured=0)), PARTICLES + 3
    ),
    "CmaEs per objective": lambda one, seed, k: search_weights(one, seed, list_weights(k, k)),
    "CmaEs, 4 weights": lambda one, seed, k: search_weights(one, seed, list_weights(k, 4)),
    "Random positions": lambda one, seed, _: search_randomly(one, seed),
}


def judge(landscape: Landscape, found: Found) -> tuple[float, float]:
    """Return the true hypervolumes of the reported generators and of all finalists."""
    scores = landscape.measure(found.finalists, ("choice",), CHOICE_ITEMS)
    known = [(spot, one.values) for spot, one in zip(found.finalists, scores, strict=True) if one is not None]
    front = [known[index] for index in pareto_front.list_front([values for _, values in known])]
    values = [vector for _, vector in front]
    chosen = {pareto_front.find_knee(values), *pareto_front.list_ends(values)}
    truth = landscape.find_truth([spot for spot, _ in known])
    by_spot = {spot: vector for (spot, _), vector in zip(known, truth, strict=True)}
    reported = pareto_front.measure_hypervolume([by_spot[front[index][0]] for index in sorted(chosen)])
    return reported, pareto_front.measure_hypervolume(truth)


def run(name: str, landscape: Landscape, seed: int, objectives: int, contestants: Sequence[str], results: Path) -> None:
    """Run the missing contestants on one landscape, and append their results."""
    done = {(one.landscape, one.seed, one.contestant) for one in load(results)}
    for contestant in contestants:
        if (name, seed, contestant) in done:
            continue
        found = CONTESTANTS[contestant](landscape, seed, objectives)
        outcome = Outcome(name, seed, contestant, *judge(landscape, found), found.measured, found.share, found.excess)
        with results.open("a") as file:
            file.write(json.dumps(asdict(outcome)) + "\n")


def load(results: Path) -> list[Outcome]:
    lines = results.read_text().splitlines() if results.exists() else []
    return [Outcome(**json.loads(line)) for line in lines]


def format_table(outcomes: Sequence[Outcome]) -> str:
    """Return the table: means over seeds, and the paired difference to MultiObjective with its standard error."""
    rows = [
        "| landscape | contestant | reported | difference to MultiObjective | finalists | truly on the front |"
        " overestimated | measurements |",
        f"|{'---|' * 8}",
    ]
    order = list(CONTESTANTS)
    for landscape, of_landscape in groupby(sorted(outcomes, key=lambda one: one.landscape), lambda one: one.landscape):
        listed = list(of_landscape)
        ours = {one.seed: one.reported for one in listed if one.contestant == order[0]}
        for contestant in order:
            mine = [one for one in listed if one.contestant == contestant]
            if mine:
                rows.append(format_row(landscape, contestant, mine, ours))
    return "\n".join(rows) + "\n"


def format_row(landscape: str, contestant: str, mine: Sequence[Outcome], ours: Mapping[int, float]) -> str:
    gaps = [one.reported - ours[one.seed] for one in mine if one.seed in ours]
    error = stdev(gaps) / sqrt(len(gaps)) if len(gaps) > 1 else 0.0
    difference = "" if contestant == next(iter(CONTESTANTS)) else f"{fmean(gaps):+.3f} ± {error:.3f}"
    shares = [one.share for one in mine if one.share is not None]
    excesses = [one.excess for one in mine if one.excess is not None]
    return (
        f"| {landscape} | {contestant} | {fmean(one.reported for one in mine):.3f} | {difference} |"
        f" {fmean(one.finalists for one in mine):.3f} | {f'{fmean(shares):.0%}' if shares else ''} |"
        f" {f'{fmean(excesses):+.3f}' if excesses else ''} | {fmean(one.measured for one in mine):.0f} |"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=RESULTS, help="the file of results to resume from")
    parser.add_argument("--landscapes", nargs="+", default=list(SIMULATED), help="simulated ones, or arenas")
    parser.add_argument("--contestants", nargs="+", default=list(CONTESTANTS), choices=list(CONTESTANTS))
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--seeds", type=int, default=40, help="the number of seeds; 0 only makes the table")
    parser.add_argument("--work", type=Path, help="the folder for trained generators; default: a temporary one")
    parser.add_argument("--write", type=Path, help="the document whose table is replaced")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        for seed in range(chosen.first_seed, chosen.first_seed + chosen.seeds):
            for name in chosen.landscapes:
                landscape, objectives = open_landscape(name, seed, chosen.work or Path(scratch))
                run(name, landscape, seed, objectives, chosen.contestants, chosen.results)
    text = format_table(load(chosen.results))
    print(text)
    if chosen.write:
        insert_table(chosen.write, "benchmarks/pareto.py", text)
    return 0


def open_landscape(name: str, seed: int, work: Path) -> tuple[Landscape, int]:
    """Return a landscape and the number of its objectives. An arena is trained first."""
    if name in SIMULATED:
        objectives, width = SIMULATED[name]
        return Simulated(objectives, width, seed), objectives
    arena: Landscape = import_module("pareto_arena").Arena(name, seed, work)  # imports torch
    return arena, 2


if __name__ == "__main__":
    sys.exit(main())

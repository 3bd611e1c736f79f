"""What every optimizer keeps to: it is found by its name, stored with it, and asks what it always asked."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Annotated, Any, ClassVar

import pytest
from every_optimizer import EVERY, OTHERS, tell_numbers
from pydantic import ValidationError

from swarm_core import catalog, streams
from swarm_core.api import optimizer_blocks
from swarm_core.errors import BadInputError
from swarm_core.optimizers import candidate, codec, initial_positions, memory, optimization, positions, registry
from swarm_core.optimizers.candidate import Candidate, Fitness
from swarm_core.optimizers.checks import Constant
from swarm_core.optimizers.cma_es import CmaEs
from swarm_core.optimizers.optimizer import Optimizer, Plan, SearchState, Stop
from swarm_core.optimizers.positions import Position


def plan(optimizer: Optimizer[Any]) -> Plan:
    return Plan(4, 6, 12, 8, 9, optimizer)


def scored(state: SearchState, missing: float = 0.0) -> SearchState:
    scores = {one.name: streams.uniform(1, "golden", state.iteration, one.name) for one in optimization.ask(state)}
    return tell_numbers(state, {name: None if score < missing else score for name, score in scores.items()})


@pytest.mark.parametrize(
    ("name", "settings", "missing", "digest"),
    [
        ("Standard", {}, 0.0, "cc2bc7fcfe4ccdd1"),
        ("Standard", {}, 0.4, "974d7d9a2afb0aa5"),
        ("Published", {}, 0.0, "cd171c61921a2c8c"),
        ("Published", {}, 0.4, "83f2116240bee646"),
        ("Reference", {}, 0.0, "02b84f5016aa57fa"),
        ("Reference", {}, 0.4, "7dbe9a8fecb34380"),
        ("RandomSearch", {}, 0.0, "70f31f75ed7f420a"),
        ("RandomSearch", {}, 0.4, "70f31f75ed7f420a"),
        ("CmaEs", {}, 0.0, "5ff3c72c41d057b9"),
        ("CmaEs", {}, 0.4, "9e1b569b7e28c551"),
        ("MultiObjective", {}, 0.0, "cc2bc7fcfe4ccdd1"),
        ("MultiObjective", {}, 0.4, "974d7d9a2afb0aa5"),
        ("Standard", {"groups": 3}, 0.4, "d823f362cd7b8639"),
        ("Standard", {"rescored": True}, 0.4, "30c1ece7a64e4828"),
        ("Published", {"rescored": True}, 0.4, "7e2a44fb4e01c8d6"),
        ("Reference", {"rescored": True}, 0.4, "0a77cde5a2433e57"),
        ("Standard", {"decay": 0.5}, 0.4, "6a1f9707d4ec1555"),
        ("CmaEs", {"decay": 0.5}, 0.4, "558d88be50b070e9"),
    ],
    ids=str,
)
def test_the_same_scores_lead_to_the_same_positions_as_ever(
    name: str, settings: dict[str, Any], missing: float, digest: str
) -> None:
    """Every candidate of a whole search, to the last bit; a share of the scores is missing.

    MultiObjective with one number for both objectives is rule Standard.
    """
    state, every = optimization.start(replace(plan(EVERY[name]), **settings)), []
    while optimization.stop_reason(state) is None:
        asked = optimization.ask(state)
        every.append([[one.name, str(one.purpose), [value.hex() for value in one.position]] for one in asked])
        state = scored(state, missing)
    assert hashlib.sha256(json.dumps(every).encode()).hexdigest()[:16] == digest


@pytest.mark.parametrize("optimizer", EVERY.values(), ids=EVERY)
def test_an_optimizer_is_registered_and_stored_by_its_name(optimizer: Optimizer[Any]) -> None:
    assert registry.find_optimizer(optimizer.name) is type(optimizer)
    assert catalog.OPTIMIZERS[optimizer.name].endswith(f":{type(optimizer).__name__}")
    state = scored(scored(optimization.start(plan(optimizer))))
    stored = json.loads(optimization.to_json(state))
    assert (stored["version"], stored["optimizer"]["name"]) == (codec.VERSION, optimizer.name)
    back = optimization.from_json(optimization.to_json(state))
    assert back == state
    assert type(back) is type(state)
    assert optimization.ask(back) == optimization.ask(state)


def test_an_optimizer_that_is_not_registered_is_refused_by_name() -> None:
    with pytest.raises(
        BadInputError, match=f"'Annealing' is unknown; choose one of {', '.join(sorted(registry.OPTIMIZERS))}"
    ):
        registry.find_optimizer("Annealing")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("version",), 2, "version 2: this program reads version 1"),
        (("optimizer", "name"), "Annealing", "Annealing"),
        (("optimizer", "constants", "sigma"), "wide", "'wide' is no float"),
        (("optimizer", "constants", "tau"), 1.0, "CmaEs has the fields"),
        (("plan", "basis"), 1, "1 generators"),
        (("state", "stale"), None, "None is no int"),
        (("state", "estimates"), {}, "{} is no list"),
        (("state", "particles"), [], "CmaEsState has the fields"),
    ],
    ids=str,
)
def test_a_state_that_does_not_fit_its_optimizer_is_refused(path: tuple[str, ...], value: object, message: str) -> None:
    stored = json.loads(optimization.to_json(optimization.start(plan(CmaEs()))))
    inner = stored
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    with pytest.raises(ValueError, match=message) as refused:
        optimization.from_json(json.dumps(stored))
    assert "not a search state" in str(refused.value)


@pytest.mark.parametrize("optimizer", OTHERS.values(), ids=OTHERS)
def test_where_no_particles_move_no_adapter_joins(optimizer: Optimizer[Any]) -> None:
    assert not optimizer.supports_growth
    with pytest.raises(BadInputError, match=f"{optimizer.name} cannot take an adapter into a search"):
        optimization.add_adapter(optimization.start(plan(optimizer)))


@dataclass(frozen=True, slots=True)
class WalkState(SearchState):
    here: Position | None = None


@dataclass(frozen=True, slots=True)
class RandomWalk(Optimizer[WalkState]):
    """One position that moves by a random step, whatever the scores: all that an optimizer of one's own must have."""

    name: ClassVar[str] = "RandomWalk"
    step: Annotated[float, Constant("Longest step.", 0, 2, open_below=True)] = 0.5

    def start(self, plan: Plan) -> WalkState:
        return WalkState(plan, here=positions.vertex(plan.basis, 0))

    def current_positions(self, state: WalkState) -> tuple[Position, ...]:
        return () if state.here is None else (state.here,)

    def ask(self, state: WalkState) -> tuple[Candidate, ...]:
        if state.iteration == 0:
            return initial_positions.list_generators(state.plan)
        return candidate.explore(self.current_positions(state))

    def tell(self, state: WalkState, fitness: Mapping[str, Fitness]) -> WalkState:
        assert state.here is not None
        learned = memory.add_scores(state, candidate.match_scores(self.ask(state), fitness))
        draws = [streams.uniform(state.plan.seed, "walk", state.iteration, axis) for axis in range(state.plan.basis)]
        moved = tuple(x + self.step * (draw - 0.5) for x, draw in zip(state.here, draws, strict=True))
        return replace(learned, iteration=state.iteration + 1, here=positions.shift_to_sum_one(moved))

    def budget(self, plan: Plan) -> int:
        return plan.basis + plan.iterations

    def iterations(self, plan: Plan) -> int:
        return plan.iterations


def test_a_spec_learns_the_constants_of_an_optimizer_from_its_class() -> None:
    block = optimizer_blocks.build_constants_block(RandomWalk)
    written = block.model_validate({"step": 0.25})
    assert registry.OPTIMIZERS.keys() - optimizer_blocks.BLOCKS.keys() == {"Standard", "Published", "MultiObjective"}
    assert RandomWalk.from_constants(written.model_dump()) == RandomWalk(0.25)
    assert block.model_json_schema()["properties"]["step"]["description"] == "Longest step."
    for wrong in ({"step": 0.0}, {"step": 2.5}, {"step": True}, {"stride": 1.0}):
        with pytest.raises(ValidationError):
            block.model_validate(wrong)


def test_no_two_blocks_have_the_same_constants_or_a_resolved_spec_could_not_tell_them_apart() -> None:
    every = [frozenset(block.model_fields) for block in optimizer_blocks.BLOCKS.values()]
    assert len(set(every)) == len(every)


def test_one_more_optimizer_is_one_class_and_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    grown = MappingProxyType({**registry.OPTIMIZERS, RandomWalk.name: RandomWalk})
    monkeypatch.setattr(registry, "OPTIMIZERS", grown)
    walk = registry.create_optimizer("RandomWalk", {"step": 0.25})
    state, asked = optimization.start(replace(plan(walk), patience=100)), 0
    while optimization.stop_reason(state) is None:
        asked += len(optimization.ask(state))
        state = optimization.from_json(optimization.to_json(scored(state)))
    assert optimization.stop_reason(state) is Stop.ITERATIONS
    assert asked == optimization.budget(state.plan)
    assert state.plan.optimizer == RandomWalk(0.25)
    assert optimization.best(state) == optimization.select_finalists(state, 2)[0]
    with pytest.raises(BadInputError, match="keeps layers together, not RandomWalk"):
        replace(state.plan, groups=2)

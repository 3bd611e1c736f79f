"""Fitness that is composed from values by the statistics of the first iteration, through turns, commits and replay."""

from dataclasses import dataclass, replace
from pathlib import Path

import fake_game
import pytest
from fake_game import play_turns

from swarm_core.commit import Commit, get_values
from swarm_core.composition import Statistics, Values, summarize_values
from swarm_core.objectives.objective import Measurement
from swarm_core.ports import CorruptError
from swarm_core.swarm_names import GENERATORS, TAKERS
from swarm_trainer.evaluation import search_setup
from swarm_trainer.maintenance import replay
from swarm_trainer.programs.adversarial_run.turn_rules import TURNS
from swarm_trainer.run_store import commit_chain
from swarm_trainer.runtime.context import Context


@dataclass(frozen=True, slots=True)
class Standardized:
    """A value in deviations from the mean of the first iteration."""

    name: str
    needs_start: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def compose(self, values: Values, start: Statistics) -> float | None:
        value, spread = values[self.name], start[self.name]
        return None if value is None else (value - spread.mean) / (spread.deviation or 1.0)


def game(folder: Path) -> Context:
    """A game whose fitness is standardized on both sides."""
    made = fake_game.context(folder, {}, [])
    for swarm in (GENERATORS, TAKERS):
        plain = search_setup.load(fake_game.context(folder, {}, []), swarm)
        composed = replace(plain.evaluator, composition=Standardized(plain.evaluator.composition.names[0]))
        made.memo.get(("search", swarm, 0), lambda plain=plain, composed=composed: replace(plain, evaluator=composed))
    return made


def standing(played: Context, index: int) -> Commit:
    return commit_chain.load_existing(played.store, index)


@pytest.mark.parametrize(("swarm", "first"), [("Difficulty", 0), ("Accuracy", 1)], ids=["generators", "takers"])
def test_fitness_is_measured_by_the_swarms_own_first_turn_and_frozen_there(
    tmp_path: Path, swarm: str, first: int
) -> None:
    played = game(tmp_path)
    play_turns(played, 6)
    spread = summarize_values(get_values(candidate.values) for candidate in standing(played, first).candidates)[swarm]
    assert spread.deviation > 0
    for index in range(first, 6, 2):
        done = standing(played, index)
        for candidate in (*done.candidates, *done.held_out):
            found = dict(candidate.values)[swarm]
            assert isinstance(found, Measurement)
            assert candidate.fitness == (found.value - spread.mean) / spread.deviation
    mean = sum(candidate.fitness or 0.0 for candidate in standing(played, first).candidates)
    assert mean == pytest.approx(0.0, abs=1e-9)


def test_composed_fitness_is_replayed_and_another_one_is_found(tmp_path: Path) -> None:
    played = game(tmp_path)
    play_turns(played, 4)
    manifest = standing(played, 0).experiment
    for index in range(4):
        replay.replay_turn(played, TURNS, standing(played, index), manifest)
    done = standing(played, 2)
    forged = replace(done, candidates=(replace(done.candidates[0], fitness=0.5), *done.candidates[1:]))
    with pytest.raises(CorruptError, match=r"iterations/0002/COMMIT\.json: the values of .* make a fitness of"):
        replay.replay_turn(played, TURNS, forged, manifest)


def test_held_out_fitness_that_was_changed_is_found(tmp_path: Path) -> None:
    played = game(tmp_path)
    play_turns(played, 2)
    done = standing(played, 1)
    forged = replace(done, held_out=(replace(done.held_out[0], fitness=0.5), *done.held_out[1:]))
    with pytest.raises(CorruptError, match="the values of real make a fitness of"):
        replay.replay_turn(played, TURNS, forged, done.experiment)

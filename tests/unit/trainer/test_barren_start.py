"""A search whose first iteration counts for nothing ends there, with the reasons counted; a slow start goes on."""

from pathlib import Path

import fake_game
import pytest
from fake_game import play_turns

from swarm_core import acceptance, commit
from swarm_core.errors import BadInputError
from swarm_core.gates.admission import Rejection
from swarm_core.items import Item
from swarm_core.ports import Completion, Request
from swarm_core.recipe import ModelName
from swarm_core.rollout import Rollout
from swarm_trainer.runtime.context import Context


class Lazy(fake_game.Engine):
    """Generators write a list `lists` times, and prose afterwards; takers do not end their answers."""

    def __init__(self, lists: int, ends: bool = True) -> None:
        super().__init__()
        self.left, self.ends = lists, ends

    def one(self, request: Request) -> Completion:
        if request.prompt.startswith("Q: "):
            answer = super().one(request)
            return answer if self.ends else Completion(answer.text, answer.tokens, finished=False)
        self.left -= 1
        return super().one(request) if self.left >= 0 else Completion("I would rather not.", 8, True)


def game(folder: Path, engine: Lazy) -> Context:
    made = fake_game.context(folder, {}, [])
    made.engines = {manifest: [engine] for manifest in made.engines}
    return made


def test_a_search_without_an_accepted_item_ends_after_its_first_iteration(tmp_path: Path) -> None:
    started = game(tmp_path, Lazy(0))
    with pytest.raises(
        BadInputError, match=r"none of \d+ items requested in the first .* \(\d+ missing, \d+ parse; such"
    ):
        play_turns(started, 1)
    assert started.store.read(commit.key(0)) is None


def test_a_search_in_which_no_candidate_can_be_measured_ends_after_its_first_iteration(tmp_path: Path) -> None:
    started = game(tmp_path, Lazy(10_000, ends=False))
    with pytest.raises(
        BadInputError, match=r"none of \d candidates .* measured \(\d candidates: .* CutOff: raise spec\."
    ):
        play_turns(started, 1)


def test_a_slow_start_goes_on(tmp_path: Path) -> None:
    started = game(tmp_path, Lazy(1))
    [receipt] = play_turns(started, 1)
    assert receipt.scalars["items"]


@pytest.mark.parametrize(("gate", "advised"), [("WrongAnswer", True), ("TakersDisagree", True), ("Seed", False)])
def test_writers_that_cannot_answer_their_own_questions_are_named_as_the_cause(gate: str, advised: bool) -> None:
    rejections = (Rejection(Item("1+2", "4"), gate, "no"),) * 2
    found = acceptance.find_barren_start([], [Rollout(ModelName("a" * 64), ("a",), 2, 0, (), rejections, 0)])
    assert found is not None
    assert ("choose a stronger base or easier seed data" in found) is advised

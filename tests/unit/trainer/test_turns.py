"""The turns of a game: who is measured against whom, on what, and in which order."""

from pathlib import Path

import fake_game
import pytest
from fake_game import REFERENCE, T0, T1, play_turns

from swarm_core import commit
from swarm_core.commit import Commit
from swarm_core.engine.work import Receipt
from swarm_core.errors import BadInputError
from swarm_core.items import get_texts
from swarm_core.optimizers import estimates, optimization
from swarm_core.ports import CorruptError
from swarm_core.recipe import build_mixture, digest_bytes
from swarm_core.rollout import Rollout
from swarm_trainer.evaluation import search_setup
from swarm_trainer.maintenance import replay, retention
from swarm_trainer.programs.adversarial_run import held_out_evaluation, pools, turn_rules, turns
from swarm_trainer.run_store import commit_chain, receipt_store
from swarm_trainer.runtime.context import Context

AS_RELEASED = {
    "spec.generators.swarm": REFERENCE,
    "spec.takers.swarm": REFERENCE,
    "spec.pool.archive": 0,
    "spec.pool.revisited": 0,
}


def standing(game: Context, index: int) -> Commit:
    return commit_chain.load_existing(game.store, index)


def steps(log: list[str]) -> list[str]:
    """What was written, in order, one word for many of a kind."""
    words = []
    for key in log:
        where, _, name = key.partition("/rollouts/")
        word = where if name else key.removesuffix(".json")
        if not words or words[-1] != word:
            words.append(word)
    return words


def rollouts(game: Context, index: int, names: list[str]) -> list[Rollout]:
    return [pools.load_rollout(game, commit.candidate_key(index, name)) for name in names]


def test_as_released_a_round_scores_moves_draws_scores_and_moves_in_this_order(tmp_path: Path) -> None:
    """Data Swarms arXiv 2506.00741: generators are scored against the takers and moved; new items are drawn from the
    moved generators and replace a share of the pool; takers are scored on the pool and moved."""
    log: list[str] = []
    game = fake_game.context(tmp_path, AS_RELEASED, log)
    play_turns(game, 4)
    assert steps(log)[-8:] == [
        "iterations/0002",  # generators of round 1, scored
        "iterations/0002/COMMIT",  # and moved
        "receipts/iterate.generators.0001",
        "iterations/0003/drafts",  # items drawn from the moved generators
        "iterations/0003",  # takers scored on the pool
        "iterations/0003/held-out",  # logged, after they have moved
        "iterations/0003/COMMIT",
        "receipts/iterate.takers.0001",
    ]
    generators, takers = standing(game, 2), standing(game, 3)
    swarm = optimization.from_json(standing(game, 1).swarm)
    assert list(generators.opponents) == [
        search_setup.find_recipe(game, standing(game, 1), particle.position).name for particle in swarm.particles
    ]
    moved = [particle.position for particle in optimization.from_json(generators.swarm).particles]
    drafts = list(pools.list_draft_requests(game, generators))
    assert [one.model for one in drafts] == [
        build_mixture(fake_game.BASE, generators.basis, x, "bfloat16").name for x in moved
    ]
    of_round = turns.load(game, 3).pool
    assert of_round is not None
    new = {entry.text for entry in of_round.entries if entry.round == 1}
    assert new
    assert new <= {item.text for one in drafts for item in pools.load_rollout(game, one.key).items}
    for one in rollouts(game, 3, [candidate.name for candidate in takers.candidates]):
        assert tuple(item.item for item in one.items) == of_round.items


def test_by_default_the_pool_gets_what_the_better_half_of_the_scored_generators_wrote(tmp_path: Path) -> None:
    game = fake_game.context(tmp_path, {}, [])
    play_turns(game, 4)
    generators = standing(game, 2)
    ranked = sorted(generators.candidates, key=lambda candidate: -(candidate.fitness or 0.0))
    half = ranked[: (len(ranked) + 1) // 2]
    texts = {item.text for one in rollouts(game, 2, [candidate.name for candidate in half]) for item in one.items}
    of_round = turns.load(game, 3).pool
    assert of_round is not None
    new = [entry for entry in of_round.entries if entry.round == 1]
    assert new
    assert {entry.text for entry in new} <= texts
    assert all(entry.answer == str(sum(map(int, entry.text.split("+")))) for entry in new)
    assert {entry.model for entry in new} <= {candidate.model for candidate in half}


def test_generators_face_the_initial_takers_first_and_then_those_that_lead(tmp_path: Path) -> None:
    game = fake_game.context(tmp_path, {"spec.generators.opponents": {"leading": 2}}, [])
    play_turns(game, 3)
    initial = [build_mixture(fake_game.BASE, (T0, T1), x, "bfloat16").name for x in ((1.0, 0.0), (0.0, 1.0))]
    assert list(standing(game, 0).opponents) == initial
    leading = estimates.rank(optimization.from_json(standing(game, 1).swarm).estimates)[:2]
    assert list(standing(game, 2).opponents) == [
        search_setup.find_recipe(game, standing(game, 1), record.position).name for record in leading
    ]


def test_a_league_adds_the_best_takers_of_earlier_rounds_each_model_once(tmp_path: Path) -> None:
    game = fake_game.context(tmp_path, {"spec.generators.opponents": {"leading": 1, "league": 4}}, [])
    play_turns(game, 7)
    present = turns.find_best_recipe(game, standing(game, 5)).name
    earlier = {turns.find_best_recipe(game, standing(game, index)).name for index in (1, 3)}
    faced = list(standing(game, 6).opponents)
    assert faced[0] == present
    assert set(faced) == {present} | earlier
    assert len(set(faced)) == len(faced)


def test_what_the_best_taker_missed_is_in_the_archive_of_the_next_round(tmp_path: Path) -> None:
    game = fake_game.context(tmp_path, {}, [])
    play_turns(game, 4)
    first, second = turns.load(game, 1).pool, turns.load(game, 3).pool
    assert first is not None
    assert second is not None
    missed = pools.find_missed(game, standing(game, 1))
    hard = [entry for entry, wrong in zip(first.entries, missed, strict=True) if wrong]
    assert second.archive == tuple(hard)[:6]


def test_no_held_out_item_is_ever_written_into_the_pool(tmp_path: Path) -> None:
    game = fake_game.context(tmp_path, {}, [])
    play_turns(game, 6)
    held_out = {item.text for item in (*fake_game.SEEDS.held_out, *fake_game.QUESTIONS.held_out)}
    for index in (1, 3, 5):
        of_round = turns.load(game, index).pool
        assert of_round is not None
        assert not held_out & set(get_texts(of_round.items))


def test_held_out_scores_are_shown_and_change_nothing(tmp_path: Path) -> None:
    game = fake_game.context(tmp_path, {}, [])
    receipts = play_turns(game, 4)
    shown = standing(game, 3).held_out
    assert [candidate.name for candidate in shown] == [held_out_evaluation.REAL_ITEMS, held_out_evaluation.RIVAL_ITEMS]
    assert receipts[3].scalars["held_out"] == shown[0].fitness
    assert set(held_out_evaluation.load_real_items(game, held_out_evaluation.CURVE_HALF)).isdisjoint(
        held_out_evaluation.load_real_items(game, held_out_evaluation.FINAL_HALF)
    )
    asked = pools.load_rollout(game, held_out_evaluation.key(3, held_out_evaluation.REAL_ITEMS)).items
    assert tuple(item.item for item in asked) == held_out_evaluation.load_real_items(
        game, held_out_evaluation.CURVE_HALF
    )


def test_a_trained_adapter_joins_the_takers_basis_and_is_measured(tmp_path: Path) -> None:
    new = digest_bytes(b"trained")
    game = fake_game.context(tmp_path, {"spec.takers.learning.type": "Train"}, [])
    play_turns(game, 4, train=new)
    assert standing(game, 1).basis == (T0, T1)
    done = standing(game, 3)
    assert done.basis == (T0, T1, new)
    assert (0.0, 0.0, 1.0) in {candidate.position for candidate in done.candidates}
    assert standing(game, 2).basis == (fake_game.G0, fake_game.G1)


@pytest.mark.parametrize(
    "patch", [{}, AS_RELEASED, {"spec.takers.swarm.bests": "Decay"}], ids=["default", "ref", "decay"]
)
def test_a_game_is_replayed_from_its_rollouts_bit_for_bit(tmp_path: Path, patch: dict[str, object]) -> None:
    game = fake_game.context(tmp_path, patch, [])
    play_turns(game, 6)
    manifest = standing(game, 0).experiment
    game.engines[manifest] = []  # nothing is asked again
    for index in range(6):
        replay.replay_turn(game, turn_rules.TURNS, standing(game, index), manifest)


def test_a_pool_that_was_changed_is_found_by_replaying(tmp_path: Path) -> None:
    game = fake_game.context(tmp_path, {}, [])
    play_turns(game, 4)
    done = standing(game, 3)
    forged = Commit(**{**{name: getattr(done, name) for name in Commit.__slots__}, "pool": standing(game, 1).pool})
    with pytest.raises(CorruptError, match="played against other models, or on another pool"):
        replay.replay_turn(game, turn_rules.TURNS, forged, done.experiment)


def test_a_turn_that_was_cut_short_goes_on_with_what_stands(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    whole = fake_game.context(tmp_path / "a", {}, [])
    play_turns(whole, 4)
    cut = fake_game.context(tmp_path / "b", {}, [])
    play_turns(cut, 3)
    names = whole.store.names  # type: ignore[attr-defined]
    first = sorted(key for key in names if key.startswith("iterations/0003/rollouts/"))[:2]
    for key in first:
        cut.store.publish(key, names[key])
    play_turns(cut, 4)
    assert standing(cut, 3) == standing(whole, 3)


@pytest.mark.parametrize(
    ("stop", "why", "rounds"),
    [
        ({"mastered": 0.2}, "Mastered", 1),
        ({"unanswered": 0.1}, "Unanswered", 1),
        ({}, "Iterations", 4),
    ],
)
def test_a_game_ends_by_its_rules_when_both_have_moved(
    tmp_path: Path, stop: dict[str, float], why: str, rounds: int
) -> None:
    game = fake_game.context(tmp_path, {"spec.stop": stop}, [])
    receipts = play_turns(game, 2 * rounds)
    assert [receipt.scalars["stop"] for receipt in receipts] == [""] * (2 * rounds - 1) + [why]


def test_as_released_stale_bests_end_the_game_that_goes_on_by_default(tmp_path: Path) -> None:
    """Every round takers know less: what was scored against the first ones is never reached again."""
    patience = {"spec.stop.patience": 2, "spec.rounds": 8, "spec.pool.turnover": 0.9}
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    released = fake_game.context(tmp_path / "a", {**AS_RELEASED, **patience}, [])
    ours = fake_game.context(tmp_path / "b", {**patience, "spec.stop.patience": 8}, [])
    stale = [receipt.scalars["stop"] for receipt in until_stopped(released)]
    assert stale[-1] == "Patience"
    assert until_stopped(ours)[-1].scalars["stop"] == "Iterations"


def until_stopped(game: Context) -> list[fake_game.Receipt]:
    count = 1
    while not (found := play_turns(game, count))[-1].scalars["stop"]:
        count += 1
    return found


def test_the_rollouts_of_a_game_are_never_given_up(tmp_path: Path) -> None:
    """A pool is derived from rollouts of rounds before, so replaying it needs them all."""
    game = fake_game.context(tmp_path, {}, [])
    play_turns(game, 4)
    concluded = Receipt("conclude", {}, {"best_recipe": "none"})
    game.store.publish(receipt_store.key(concluded.key), concluded.to_bytes())
    with pytest.raises(BadInputError, match="--keep is for a SwarmRun"):
        retention.list_expendable(game.store, 1)

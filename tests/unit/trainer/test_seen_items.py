"""The final evaluation of a game: no item that a round has seen, in whatever spelling, and each item once."""

from pathlib import Path

import fake_game

from swarm_core.canonical_items import canonicalize_item
from swarm_core.items import Item
from swarm_core.judges.arithmetic import ArithmeticJudge
from swarm_core.rollout import Rollout
from swarm_trainer.programs.adversarial_run import conclude_game, held_out_evaluation, pools, seen_items
from swarm_trainer.programs.adversarial_run.taker_comparison import ItemSet, compare_takers
from swarm_trainer.run_store import commit_chain

JUDGE = ArithmeticJudge()


def test_no_item_of_the_final_evaluation_was_seen_by_a_round(tmp_path: Path) -> None:
    game = fake_game.context(tmp_path, {"spec.evaluation.final": {"items": 60, "seeds": 2}}, [])
    fake_game.play_turns(game, 6)
    commits = list(commit_chain.walk(game.store))
    seen = seen_items.collect_seen_forms(game, commits)
    item = fake_game.WorkItem(fake_game.Kind.CONCLUDE)
    rivals, real = conclude_game.collect_rival_items(item, game, seen), conclude_game.collect_real_items(game, seen)
    known = set[str]()
    for done in commits:
        if done.pool is not None:
            pool = pools.load(game, done.pool)
            known |= {canonicalize_item(entry.item, JUDGE) for entry in (*pool.entries, *pool.archive)}
    for key in game.store.names:  # type: ignore[attr-defined]
        if "rollouts" in key and not key.startswith("final/"):
            known |= {
                canonicalize_item(one.item, JUDGE) for one in Rollout.from_bytes(game.store.read(key) or b"").items
            }
    for found in (rivals, real):
        forms = [canonicalize_item(one, JUDGE) for one in found.items]
        assert forms
        assert len(set(forms)) == len(forms) == len(found.units)
        assert not known & set(forms)
    written = {
        canonicalize_item(one.item, JUDGE)
        for rollout in held_out_evaluation.load_or_generate_rival_rollouts(game, item.key, ("final", 0, "rivals"), 60)
        for one in rollout.items
    }
    assert written & known, "the rivals of this game write nothing that a round has seen, so the test shows nothing"


def test_items_are_left_out_in_another_spelling_and_kept_once() -> None:
    found = ItemSet(tuple(map(Item, ("1+2", "(2)+2 = ?", "3+4", "4 + 3"))), ("a", "b", "c", "d"))
    seen = {canonicalize_item(Item("2+2"), JUDGE)}
    assert seen_items.select_unseen(found, seen, JUDGE) == ItemSet((Item("1+2"), Item("3+4")), ("a", "c"))


def test_the_baseline_is_the_initial_taker_that_does_best_on_the_same_items() -> None:
    final, good, poor = [1.0] * 40, [float(number // 4 % 2) for number in range(40)], [0.0] * 40
    found = compare_takers("real", final, {"t00": poor, "t01": good}, list(range(40)), 0.9, 1)
    assert (found.baseline, found.initial, found.final, found.gain.value) == ("t01", 0.5, 1.0, 0.5)
    by_completion = compare_takers("real", final, {"t01": good}, [number // 4 for number in range(40)], 0.9, 1)
    assert by_completion.gain.low < found.gain.low  # ten completions say less than forty items

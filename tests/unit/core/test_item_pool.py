"""The pool: drawn, turned over and archived by pure functions of seed and round."""

import pytest

from swarm_core import item_pool
from swarm_core.format_version import UnknownVersionError
from swarm_core.item_pool import Pool, PoolEntry, TurnoverRule
from swarm_core.items import Item

SEEDS = [PoolEntry(Item(f"{n}+1"), -1, None, str(n + 1)) for n in range(40)]
NEW = [PoolEntry(Item(f"{n}*9"), 1, None, str(9 * n)) for n in range(40)]


def rule(share: float = 0.5, revisited: float = 0.0) -> TurnoverRule:
    return TurnoverRule(share=share, revisited=revisited, archive=10, seed=3)


def test_the_first_pool_is_drawn_evenly_from_the_seed_items_and_by_the_seed_alone() -> None:
    first = item_pool.draw_initial(SEEDS, 20, 3)
    assert len(set(first.items)) == 20
    assert set(first.entries) <= set(SEEDS)
    assert first == item_pool.draw_initial(SEEDS, 20, 3) != item_pool.draw_initial(SEEDS, 20, 4)
    with pytest.raises(ValueError, match="count=41"):
        item_pool.draw_initial(SEEDS, 41, 3)


def test_each_slot_gives_way_with_the_probability_asked_for_and_the_rest_stays_where_it_is() -> None:
    first = item_pool.draw_initial(SEEDS, 30, 3)
    kept = [
        sum(
            new is old
            for old, new in zip(first.entries, item_pool.build_next(first, (), NEW, one).entries, strict=True)
        )
        for one in (rule(0.1), rule(0.5), rule(1.0))
    ]
    assert 20 < kept[0] < 30
    assert 8 < kept[1] < 22
    assert kept[2] == 0


def test_a_round_draws_other_slots_than_the_one_before_and_the_same_ones_when_made_again() -> None:
    first = item_pool.draw_initial(SEEDS, 30, 3)
    second = item_pool.build_next(first, (), NEW[:20], rule())
    third = item_pool.build_next(second, (), NEW[20:], rule())
    assert second == item_pool.build_next(first, (), NEW[:20], rule())
    assert (first.round, second.round, third.round) == (0, 1, 2)
    moved = [
        {slot for slot, (old, new) in enumerate(zip(a.entries, b.entries, strict=True)) if old != new}
        for a, b in ((first, second), (second, third))
    ]
    assert moved[0] != moved[1]


def test_with_too_few_new_items_the_rest_of_the_slots_stays() -> None:
    first = item_pool.draw_initial(SEEDS, 30, 3)
    turned = item_pool.build_next(first, (), NEW[:2], rule(1.0))
    assert len(set(turned.items) & {entry.item for entry in NEW}) == 2
    assert len(set(turned.items)) == 30


def test_an_item_enters_once_and_neither_from_the_pool_nor_from_the_archive() -> None:
    first = Pool(0, (SEEDS[0], SEEDS[1]))
    offered = [NEW[3], NEW[4], NEW[3], PoolEntry(Item("0 + 1"), 1), PoolEntry(Item("7*9"), 1)]
    assert item_pool.select_new(first, [NEW[7]], offered) == [NEW[3], NEW[4]]


def test_what_the_best_taker_missed_is_archived_newest_first_and_the_oldest_falls_out() -> None:
    first = Pool(0, tuple(SEEDS[:4]), archive=(NEW[0], SEEDS[1], NEW[1]))
    kept = item_pool.update_archive(first, [False, True, False, True], 4)
    assert kept == (SEEDS[1], SEEDS[3], NEW[0], NEW[1])
    assert item_pool.update_archive(first, [True] * 4, 3) == tuple(SEEDS[:3])


def test_archived_items_come_back_into_the_pool_for_their_share_of_the_slots() -> None:
    first = item_pool.draw_initial(SEEDS[:30], 30, 3)
    old = [PoolEntry(Item(f"{n}-5"), 0) for n in range(60)]
    turned = item_pool.build_next(first, old, NEW, rule(1.0, revisited=0.5))
    back = sum(entry in old for entry in turned.entries)
    assert 8 < back < 22
    assert back + sum(entry in NEW for entry in turned.entries) == 30
    assert turned.archive == tuple(old)
    assert len(set(turned.items)) == 30


def test_an_archived_item_that_stands_in_the_pool_is_not_put_there_twice() -> None:
    first = item_pool.draw_initial(SEEDS[:30], 30, 3)
    turned = item_pool.build_next(first, first.entries, NEW, rule(0.5, revisited=1.0))
    assert len(set(turned.items)) == 30


def test_a_pool_is_read_back_as_it_was_and_named_by_its_bytes() -> None:
    one = item_pool.build_next(item_pool.draw_initial(SEEDS, 20, 3), [NEW[0]], NEW[1:], rule())
    assert Pool.from_bytes(one.to_bytes()) == one
    assert one.digest != item_pool.draw_initial(SEEDS, 20, 3).digest


def test_an_item_keeps_its_reference_and_its_choices_in_the_pool() -> None:
    entry = PoolEntry(Item("1+1", reference="2", choices=("2", "3"), request=4), 1, None, "2")
    assert Pool.from_bytes(Pool(1, (entry,), (entry,)).to_bytes()).entries == (entry,)


def test_a_pool_of_another_format_is_refused_with_both_versions() -> None:
    with pytest.raises(UnknownVersionError, match="a pool of format version None: this release reads version 2"):
        Pool.from_bytes(b'{"round":0,"entries":[],"archive":[]}')

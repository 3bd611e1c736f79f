"""An item with words around it is the item."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm_core.item_index import ItemIndex
from swarm_core.items import Item, build_items
from swarm_core.judges.arithmetic import ArithmeticJudge
from swarm_core.ngram_index import find_words
from swarm_core.padded_copies import MIN_WORDS, PaddedCopyIndex

STORY = "A farmer sells 12 apples and 30 pears. How many is that?"


@pytest.mark.parametrize(
    ("text", "is_copy"),
    [
        (f"Think hard, please. {STORY} Good luck!", True),
        (f"{STORY}\n\n{'Well? ' * 500}", True),
        ("Now: a FARMER sells １２ apples and 30 pears how many is thаt. Go!", True),
        (STORY.replace("30", "31"), False),
        (STORY.replace("sells", "gladly sells"), False),
        (STORY.removesuffix(" that?"), False),
    ],
    ids=["words around it", "a long tail", "another spelling", "another number", "a word inside", "cut short"],
)
def test_words_around_a_text_change_nothing_and_words_inside_make_another_one(text: str, is_copy: bool) -> None:
    index = ItemIndex(build_items(["Where is Rome?", STORY]))
    assert index.find(Item(text)) == (Item(STORY) if is_copy else None)


def test_an_added_item_is_found_with_words_around_it() -> None:
    index = ItemIndex(build_items([f"{STORY} Or not?"]))
    assert index.find(Item(STORY)) is None
    index.add(Item(STORY))
    assert index.find(Item(f"So: {STORY}")) == Item(STORY)


def test_short_texts_and_texts_whose_forms_the_judge_knows_are_not_compared() -> None:
    assert ItemIndex(build_items(["Where is Paris?"])).find(Item("Where is Paris? And where is Rome?")) is None
    sums = build_items(["1+2+3+4+5+6"])
    assert ItemIndex(sums).find(Item("1+2+3+4+5+6+7")) == sums[0]
    assert ItemIndex(sums, ArithmeticJudge()).find(Item("1+2+3+4+5+6+7")) is None


def test_many_texts_of_one_template_are_searched_as_fast_as_few() -> None:
    texts = [f"A farmer has some apples and buys a few more, so {place}?" for place in range(2000)]
    few, many = PaddedCopyIndex(texts[:20]), PaddedCopyIndex(texts)
    asked = texts[:20]

    def measure(index: PaddedCopyIndex) -> float:
        begin = time.perf_counter()
        assert [list(index.find(text)) for text in asked] == [[place] for place in range(20)]
        return time.perf_counter() - begin

    rounds = [(measure(few), measure(many)) for _ in range(5)]
    short, long = map(min, zip(*rounds, strict=True))
    assert long < 10 * short


words = st.lists(st.sampled_from("ab"), min_size=6, max_size=12).map(" ".join)


@settings(deadline=None)
@given(texts=st.lists(words, max_size=6), text=words)
def test_a_text_is_found_exactly_if_its_words_stand_in_the_other_without_a_gap(texts: list[str], text: str) -> None:
    inside = [f" {' '.join(find_words(one))} " for one in texts]
    expected = {
        place
        for place, one in enumerate(inside)
        if len(one.split()) >= MIN_WORDS and one in f" {' '.join(find_words(text))} "
    }
    assert set(PaddedCopyIndex(texts).find(text)) == expected

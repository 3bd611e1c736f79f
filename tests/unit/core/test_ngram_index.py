"""The index of word n-grams finds what its definition says, and nothing that only looks alike."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm_core import ngram_index
from swarm_core.ngram_index import NgramIndex, find_words

TEXT = "A farmer sells twelve eggs on each day of the week to two shops"
LONG = f"Read this with care. {TEXT}, and she keeps the other ones. How many eggs does she keep in the whole month?"


def share(text: str, *texts: str, size: int = 3) -> float:
    found = NgramIndex(texts, size).find(text)
    return 0.0 if found is None else found.share


def test_a_text_within_a_longer_one_overlaps_fully_in_both_directions_and_in_any_spelling() -> None:
    assert share(LONG, TEXT) == share(TEXT, LONG) == 1
    assert share("  а FARMER sells\u200b twelve eggs on each day of the week to two shops!", TEXT) == 1


def test_a_changed_word_costs_the_n_grams_that_contain_it() -> None:
    changed = TEXT.replace("each", "some")
    count = len(TEXT.split()) - 2
    assert share(changed, TEXT) == (count - 3) / count
    assert share(" ".join(reversed(TEXT.split())), TEXT) == 0


def test_texts_with_fewer_words_than_an_n_gram_have_are_never_found() -> None:
    assert NgramIndex(["two words"], 3).find("two words") is None
    assert NgramIndex([TEXT], 3).find("A farmer") is None


def test_signs_of_arithmetic_are_words_and_other_signs_are_not() -> None:
    assert find_words("What is (2 − 3)·4?") == ["what", "is", "2", "-", "3", "*", "4"]
    assert share("1+2+3+4", "1-2-3-4") == 0
    assert find_words("5! - well-known, they say") == ["5", "!", "well", "known", "they", "say"]


def test_each_character_of_a_script_without_spaces_is_a_word() -> None:
    assert find_words("東京は12度 abc") == ["東", "京", "は", "12", "度", "abc"]
    assert share("東京の天気はどうですか", "明日の東京の天気は", size=4) == pytest.approx(3 / 6)


def test_words_that_very_many_texts_share_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ngram_index, "MAX_SHARING", 2)
    asked = [f"Answer the following question: where is {place}" for place in ("rome in italy", "a pen", "one", "it")]
    index = NgramIndex(asked, 3)
    assert index.find("Answer the following question: who wrote that book") is None
    found = index.find("Tell me where is Rome in Italy")
    assert found is not None
    assert (found.place, found.share) == (0, 3 / 5)


@settings(deadline=None)
@given(
    texts=st.lists(st.lists(st.sampled_from("abc"), max_size=12).map(" ".join), max_size=6),
    wanted=st.lists(st.sampled_from("abc"), max_size=12).map(" ".join),
    size=st.integers(1, 4),
)
def test_the_index_finds_the_largest_overlap_of_the_definition(texts: list[str], wanted: str, size: int) -> None:
    def list_grams(text: str) -> set[tuple[str, ...]]:
        words = text.split()
        return {tuple(words[start : start + size]) for start in range(len(words) - size + 1)}

    grams = list_grams(wanted)
    shares = Counter({
        place: len(grams & own) / min(len(grams), len(own))
        for place, own in enumerate(map(list_grams, texts))
        if grams & own
    })  # fmt: skip
    found = NgramIndex(texts, size).find(wanted)
    assert (None if found is None else found.share) == max(shares.values(), default=None)
    assert found is None or shares[found.place] == found.share

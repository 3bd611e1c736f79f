"""The similarity of items to a corpus: what BM25 gives by hand, and what stuffing an item with words does not earn."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm_core.api.objective_data import CorpusData, SimilarityForm
from swarm_trainer.evaluation.corpus_similarity import CorpusSimilarity, split_words

DOCUMENTS = (
    "How do I cook rice for twelve guests?",
    "Which rice goes with fish curry?",
    "Translate this letter to my landlord into German",
    "My landlord keeps the deposit, and what can I do?",
    "Write a poem about autumn rain",
    "Explain how a heat pump works in winter",
)
HONEST = "How long do I cook rice and fish for guests?"


def similarity(max_words: int = 16, neighbors: int = 2) -> CorpusSimilarity:
    return CorpusSimilarity(DOCUMENTS, CorpusData(uri="user.jsonl", max_words=max_words, neighbors=neighbors))


def measure(*texts: str, max_words: int = 16) -> list[float]:
    return list(similarity(max_words)(texts))


def test_a_score_worked_out_by_hand() -> None:
    """`autumn` is in one of six documents, of three words without stop words, where the mean is 21 / 6."""
    idf = math.log(1 + (6 - 1 + 0.5) / (1 + 0.5))
    words = [len(document) for document in split_words(DOCUMENTS)]
    length = words[4] / (sum(words) / len(words))
    expected = idf / (1 + 1.5 * (1 - 0.75 + 0.75 * length))
    assert similarity(neighbors=1)(["Autumn?"])[0] == pytest.approx(expected, rel=1e-5)
    assert similarity(neighbors=2)(["Autumn?"])[0] == pytest.approx(expected / 2, rel=1e-5)


def test_related_items_score_more_than_others_and_empty_ones_nothing() -> None:
    related, unrelated, silent, signs = measure(HONEST, "Prove that primes never end", "", "?!")
    assert related > 1.0
    assert (unrelated, silent, signs) == (0.0, 0.0, 0.0)


def test_a_copy_of_a_document_is_worth_nothing_in_any_spelling() -> None:
    assert measure(DOCUMENTS[0], DOCUMENTS[0].upper(), f" {DOCUMENTS[0]} ") == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("times", [2, 5, 50])
def test_repeating_the_words_of_the_corpus_earns_nothing(times: int) -> None:
    honest, padded = measure(HONEST, f"{HONEST} " + "rice guests landlord " * times)
    (once,) = measure(f"{HONEST} rice guests landlord")
    assert padded <= once
    if times == 50:
        assert padded < honest / 3


def test_stuffing_an_item_with_every_word_of_the_corpus_earns_less_than_a_question() -> None:
    (stuffed,) = measure(" ".join(DOCUMENTS) * 3)
    (honest,) = measure(HONEST)
    assert stuffed < honest


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(" ".join(DOCUMENTS).split()), min_size=1, max_size=60))
def test_no_list_of_words_earns_more_than_its_longest_part_that_counts(words: list[str]) -> None:
    """The sum of the idf of `maxWords` words is a bound, however long the item is."""
    bound = 16 * math.log(1 + (6 - 1 + 0.5) / (1 + 0.5))
    assert 0.0 <= measure(" ".join(words))[0] <= bound


def test_ten_thousand_items_take_seconds_and_equal_texts_have_equal_scores() -> None:
    found = similarity()([HONEST] * 10_000)
    assert len(set(found)) == 1


KEYWORDS = "rice fish curry landlord deposit letter German poem autumn rain heat pump winter guests"
QUESTION = "How do I cook curry for twelve guests?"


def compare(form: SimilarityForm) -> list[float]:
    """The similarity of a question in the manner of the corpus, and of a list of its keywords."""
    return list(CorpusSimilarity(DOCUMENTS, CorpusData(uri="user.jsonl", form=form))([QUESTION, KEYWORDS]))


def test_a_list_of_keywords_earns_more_than_a_question_by_bm25_and_less_by_matched_words() -> None:
    question, keywords = compare(SimilarityForm.BM25)
    assert keywords > question
    question, keywords = compare(SimilarityForm.MATCHED_WORDS)
    assert keywords < question


def test_matched_words_multiply_the_score_of_each_document_by_the_share_of_words_that_it_has() -> None:
    """`autumn` and `rain` are in one document; `letters` is in none, so two of three words match."""
    texts = ["Autumn rain?", "Autumn rain letters?"]
    whole, part = CorpusSimilarity(
        DOCUMENTS, CorpusData(uri="user.jsonl", neighbors=1, form=SimilarityForm.MATCHED_WORDS)
    )(texts)
    bm25 = CorpusSimilarity(DOCUMENTS, CorpusData(uri="user.jsonl", neighbors=1))(texts)
    assert whole == pytest.approx(bm25[0])
    assert part == pytest.approx(bm25[1] * 2 / 3)

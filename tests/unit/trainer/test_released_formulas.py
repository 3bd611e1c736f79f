"""Every objective of the catalog against the formula of its source, and against values worked out by hand.

The formulas are written here from their texts: those of the code released with Data Swarms (arXiv 2506.00741) and of
AutoBencher (arXiv 2407.08351). A new objective, or a new form of one, fails until it has a row in both tables.
"""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import fmean, pstdev

import pytest
from cheating_generators import CORPUS, list_objectives

from swarm_core.api.objective_data import CorpusData
from swarm_core.items import build_items
from swarm_core.objectives import intervals
from swarm_core.objectives.objective import Objective, ReferenceScores, Sample
from swarm_core.objectives.personalization import FEATURE
from swarm_core.objectives.scores import CoverageError, Score, Unscored, UnscoredReason
from swarm_trainer.evaluation.corpus_similarity import CorpusSimilarity, split_words

OBJECTIVES = list_objectives()
LOST = Unscored(UnscoredReason.REFUSED)
TEXTS = ("How many plums does a grocer sell?", "Which trader sells figs and dates?", "A cook sells 7+5 lemons today")
EVERY_OBJECTIVE = pytest.mark.parametrize("name", OBJECTIVES)
Rows = Sequence[Sequence[Score]]
"""Scores, [taker][item]."""


@dataclass(frozen=True)
class Data:
    """What a formula sees of a measurement in which every item was accepted."""

    repeats: Sequence[Sequence[Sequence[float]]]
    """Scores, [repeat][taker][item]."""
    reference: Sequence[float]
    """The mean of each taker on the reference set, [taker]."""
    texts: Sequence[str]
    """The items that are compared with the corpus."""

    @property
    def means(self) -> list[float]:
        """The mean of each taker over all items, [taker]."""
        takers = range(len(self.repeats[0]))
        return [fmean(score for repeat in self.repeats for score in repeat[taker]) for taker in takers]


def find_difficulty(data: Data) -> float:
    return 1 - max(data.means)


def find_mean_gap(data: Data) -> float:
    return fmean(above - below for below, above in pairwise(sorted(data.means)))


def find_mean_deviation(data: Data) -> float:
    return fmean(abs(mean - fmean(data.means)) for mean in data.means)


def find_divergence(data: Data) -> float:
    p, q = ([value / sum(values) for value in values] for values in (data.reference, data.means))
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))


def find_rank_distance(data: Data) -> float:
    """Spearman's rho for values without ties: 1 - 6 sum d^2 / (n (n^2 - 1)), of which the objective is 1 - rho."""
    first, second = ([sorted(values).index(value) for value in values] for values in (data.reference, data.means))
    assert len(set(data.means)) == len(data.means)
    return 6 * sum((a - b) ** 2 for a, b in zip(first, second, strict=True)) / (len(first) * (len(first) ** 2 - 1))


def find_consistency(data: Data) -> float:
    takers = range(len(data.repeats[0]))
    return 1 - fmean(pstdev([fmean(repeat[taker]) for repeat in data.repeats]) for taker in takers)


def find_similarity(data: Data) -> float:
    """BM25 as Lucene has it: idf = ln(1 + (N - n + 1/2) / (n + 1/2)), k1 = 1.5, b = 0.75; the mean of the best five."""
    documents = split_words(CORPUS)
    length = fmean(map(len, documents))

    def score(words: Sequence[str], document: Sequence[str]) -> float:
        total = 0.0
        for word in words:
            holding = sum(word in other for other in documents)
            idf = math.log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))
            count = document.count(word)
            total += idf * count / (count + 1.5 * (1 - 0.75 + 0.75 * len(document) / length))
        return total

    best = [sorted((score(words, one) for one in documents), reverse=True)[:5] for words in split_words(data.texts)]
    return fmean(map(fmean, best))


FORMULAS: Mapping[str, Callable[[Data], float]] = {
    "Difficulty": find_difficulty,
    "Separation": find_mean_gap,
    "Separation Deviation": find_mean_deviation,
    "Novelty": find_divergence,
    "Novelty RankCorrelation": find_rank_distance,
    "Consistency": find_consistency,
    "Personalization": find_similarity,
}
"""The formula of each objective, in the source of the objective."""


@dataclass(frozen=True)
class Hand:
    """A measurement whose value is worked out by hand, of 2 takers and items that are alike in all repeats."""

    rows: Rows
    value: float
    reference: tuple[float, ...] = (0.5, 0.5)
    similarity: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)


RIGHT, WRONG, HALF, QUARTER = [1, 1, 1, 1], [0, 0, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0]
BY_HAND: Mapping[str, tuple[Hand, Hand]] = {
    "Difficulty": (Hand([RIGHT, WRONG], 0.0), Hand([HALF, QUARTER], 0.5)),
    "Separation": (Hand([HALF, HALF], 0.0), Hand([RIGHT, QUARTER], 0.75)),
    "Separation Deviation": (Hand([HALF, HALF], 0.0), Hand([RIGHT, QUARTER], 0.375)),
    "Novelty": (Hand([RIGHT, HALF], 0.0, (0.8, 0.4)), Hand([HALF, HALF], math.log(27 / 16) / 4, (0.75, 0.25))),
    "Novelty RankCorrelation": (Hand([RIGHT, HALF], 0.0, (0.8, 0.4)), Hand([RIGHT, HALF], 2.0, (0.4, 0.8))),
    "Consistency": (Hand([RIGHT, HALF], 1.0), Hand([HALF, QUARTER], 1.0)),
    "Personalization": (Hand([RIGHT, WRONG], 1.0), Hand([RIGHT, WRONG], 2.0, similarity=(1.0, 2.0, 3.0, 2.0))),
}
"""Two measurements of each objective with their values, of which the second is never the lower one."""


@pytest.mark.parametrize(("table", "named"), [(FORMULAS, "FORMULAS"), (BY_HAND, "BY_HAND")], ids=["formulas", "hand"])
def test_every_objective_of_the_catalog_stands_in_both_tables(table: Mapping[str, object], named: str) -> None:
    missing, odd = OBJECTIVES.keys() - table.keys(), table.keys() - OBJECTIVES.keys()
    assert not missing, f"objective {', '.join(sorted(missing))}: add a row to {named} of {__name__}"
    assert not odd, f"{', '.join(sorted(odd))}: no such objective; remove the row from {named} of {__name__}"


def build_sample(objective: Objective, repeats: Sequence[Rows], reference: Sequence[float], **more: object) -> Sample:
    """A sample of these scores, [repeat][taker][item]."""
    takers = tuple(f"t{index}" for index in range(len(repeats[0])))
    items = tuple(
        build_items(f"{number}/{index}" for index in range(len(rows[0]))) for number, rows in enumerate(repeats)
    )
    needed = dict(zip(takers, reference, strict=True))
    scores = ReferenceScores(needed, dict.fromkeys(takers, 100)) if objective.needs.reference else None
    rows = tuple(tuple(map(tuple, of_repeat)) for of_repeat in repeats)
    sample = Sample(items, takers, rows, sum(map(len, items)), reference=scores)
    return replace(sample, **more)  # type: ignore[arg-type]


def draw_data(seed: int, repeats: int) -> Data:
    """Scores of four takers on twelve items per repeat, which are positive and have different means."""
    draw = random.Random(seed)
    scores = [[[draw.randint(1, 1000) / 1000 for _ in range(12)] for _ in range(4)] for _ in range(repeats)]
    return Data(scores, draw.sample([0.35, 0.5, 0.65, 0.8], 4), draw.sample(TEXTS, 2))


@EVERY_OBJECTIVE
@pytest.mark.parametrize("seed", range(5))
def test_a_value_is_that_of_the_formula_of_its_source(name: str, seed: int) -> None:
    objective = OBJECTIVES[name]
    data = draw_data(seed, objective.needs.repeats)
    sample = build_sample(objective, data.repeats, data.reference)
    tolerance = 1e-12
    if objective.needs.corpus:
        similarity = CorpusSimilarity(CORPUS, CorpusData(uri="user.jsonl"))
        features = {FEATURE: similarity(data.texts)}
        sample = Sample((build_items(data.texts),), (), ((),), len(data.texts), features=features)
        tolerance = 1e-5  # bm25s computes in single precision
    found = intervals.measure(sample, objective, 0.95, 1)
    assert found.value == pytest.approx(FORMULAS[name](data), abs=tolerance, rel=tolerance)
    assert objective.range[0] <= found.low <= found.value <= found.high <= objective.range[1]


def measure_by_hand(name: str, hand: Hand, rows: Rows | None = None, asked: int = 1) -> float:
    """The value of a measurement by hand, with these scores instead and this many times as many requested items."""
    objective = OBJECTIVES[name]
    repeats = objective.needs.repeats
    features = {FEATURE: hand.similarity * repeats}
    sample = build_sample(objective, [hand.rows if rows is None else rows] * repeats, hand.reference, features=features)
    return intervals.measure(replace(sample, asked=asked * sample.asked), objective, 0.5, 1).value


@EVERY_OBJECTIVE
def test_values_worked_out_by_hand_rise_with_better_data_and_fall_with_rejected_items(name: str) -> None:
    worse, better = BY_HAND[name]
    for hand in (worse, better):
        assert measure_by_hand(name, hand) == pytest.approx(hand.value, abs=1e-12)
        assert measure_by_hand(name, hand, asked=2) == pytest.approx(hand.value / 2, abs=1e-12)
    assert worse.value <= better.value


@EVERY_OBJECTIVE
def test_an_item_without_a_score_is_rejected_and_many_of_them_are_no_measurement(name: str) -> None:
    hand = BY_HAND[name][1]
    lossy: Rows = [[*hand.rows[0][:3], LOST], hand.rows[1]]
    kept = replace(hand, rows=[row[:3] for row in hand.rows], similarity=hand.similarity[:3])
    expected = measure_by_hand(name, kept) * 3 / 4
    assert measure_by_hand(name, hand, lossy) == pytest.approx(expected, abs=1e-12)
    with pytest.raises(CoverageError):
        measure_by_hand(name, hand, [[LOST] * 4, hand.rows[1]])


@EVERY_OBJECTIVE
def test_no_item_is_worth_nothing_and_nothing_asked_is_no_measurement(name: str) -> None:
    objective = OBJECTIVES[name]
    nothing = build_sample(objective, [[[], []]] * objective.needs.repeats, (0.5, 0.5), features={FEATURE: ()})
    assert intervals.measure(replace(nothing, asked=8), objective, 0.95, 1).value == 0.0
    with pytest.raises(CoverageError, match="0 items were requested"):
        intervals.measure(nothing, objective, 0.95, 1)

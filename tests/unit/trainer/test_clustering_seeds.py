"""Seed data: read strictly, divided stably, clustered deterministically."""

import json
from collections import Counter
from pathlib import Path

import pytest

from swarm_core.api.generators import SeedDataSource
from swarm_core.canonical_items import canonicalize_item
from swarm_core.errors import BadInputError
from swarm_core.item_index import ItemIndex
from swarm_core.items import Item
from swarm_core.judges.arithmetic import ArithmeticJudge
from swarm_core.text import prompts
from swarm_core.text.item_formats import ItemFormat
from swarm_core.text.prompts import PromptStyle, Wording
from swarm_trainer.data import clustering, seeds
from swarm_trainer.data.clustering import ModelEmbedder, TfidfEmbedder
from swarm_trainer.data.seed_sample import COPY, NOT_SAMPLED, SeedItem, rank

DATA = SeedDataSource(uri="seeds.jsonl")
JUDGE = ArithmeticJudge()


def write(path: Path, *lines: str | bytes) -> Path:
    path.write_bytes(b"\n".join(line.encode() if isinstance(line, str) else line for line in lines))
    return path


def test_items_come_in_file_order_without_copies_or_blank_lines(tmp_path: Path) -> None:
    path = write(
        tmp_path / "s.jsonl", '{"text": "b"}', "", '{"text": "a"}', '{"text": "B "}', '{"text": "a\u2028c"}', ""
    )
    found = seeds.read(path, DATA)
    assert [(seed.item, seed.place) for seed in found.items] == [
        (Item("b"), "line 1"),
        (Item("a"), "line 3"),
        (Item("a\u2028c"), "line 5"),
    ]
    assert (found.records, found.left_out.counts) == (4, {COPY: 1})
    assert found.left_out.format_counts() == "1 copies of another item (first in line 4)"


def test_the_file_may_name_the_clusters(tmp_path: Path) -> None:
    path = write(tmp_path / "s.jsonl", '{"text": "a", "kind": "x"}', '{"text": "b", "kind": 3}')
    assert [seed.cluster for seed in seeds.read(path, DATA, "kind").items] == ["x", "3"]
    for line, words in (('{"text": "c"}', "line 3: no field 'kind'"), ('{"text": "c", "kind": " "}', "is blank")):
        with pytest.raises(BadInputError, match=words):
            seeds.read(write(path, '{"text": "a", "kind": "x"}', "", line), DATA, "kind")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"absent\.jsonl: cannot be read"):
        seeds.read(tmp_path / "absent.jsonl", DATA)


def test_of_more_items_than_allowed_a_sample_is_kept_that_does_not_depend_on_their_order(tmp_path: Path) -> None:
    lines = [json.dumps({"text": f"item {number}"}) for number in range(400)]
    small = DATA.model_copy(update={"max_items": 50})

    def sample(order: list[str], seed: int) -> list[str]:
        return [one.item.text for one in seeds.read(write(tmp_path / "s.jsonl", *order), small, seed=seed).items]

    first = sample(lines, 3)
    assert len(first) == 50
    assert first == sorted(first, key=lambda text: int(text.split()[1]))
    assert {*sample(lines[::-1], 3)} == {*first} != {*sample(lines, 4)}
    assert {*sample([*lines, *lines], 3)} == {*first}
    assert seeds.read(tmp_path / "s.jsonl", small, seed=3).left_out.counts[NOT_SAMPLED] == 700
    halves = sum(int(text.split()[1]) < 200 for text in first)
    assert 10 < halves < 40


def test_an_item_that_would_not_come_back_is_left_out_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "s.jsonl", *(json.dumps({"text": text}) for text in ("a", "b", "c")))
    monkeypatch.setattr(prompts, "comes_back", lambda style, text: text != "b")
    found = seeds.read(path, DATA)
    assert [seed.item.text for seed in found.items] == ["a", "c"]
    assert found.left_out.format_counts() == f"1 {seeds.NOT_READ_BACK} (first in line 2)"


ITEMS = [SeedItem(Item(f"item {number}")) for number in range(100)]


def test_the_division_is_a_partition_of_the_size_asked_for() -> None:
    train, held = seeds.split(ITEMS, 0.25, 3)
    assert len(held) == 25
    assert sorted((*train, *held), key=ITEMS.index) == ITEMS
    assert list(train) == sorted(train, key=ITEMS.index)


def test_the_division_follows_the_seed_and_not_the_order() -> None:
    held = set(seeds.split(ITEMS, 0.25, 3)[1])
    assert set(seeds.split(ITEMS[::-1], 0.25, 3)[1]) == held
    assert set(seeds.split(ITEMS, 0.25, 4)[1]) != held
    grown = set(seeds.split([*ITEMS, SeedItem(Item("one more"))], 0.25, 3)[1])
    assert len(grown & held) >= 24


SPELLINGS = (
    "{0}*{1}",
    "{0} × {1} = ?",
    "({0})*{1}",
    "{0}\u200b*{1}=",
    "{1}*{0}",
    "{0}.0*{1}",
    "What is {0}*{1}?",
    "WHAT IS {0}×{1}",
)


@pytest.mark.parametrize("seed", range(4))
def test_copies_in_other_spellings_stand_on_one_side(seed: int) -> None:
    pairs = [(number, 30 + number) for number in range(2, 27)]
    copies = [SeedItem(Item(spelling.format(*pair))) for spelling in SPELLINGS for pair in pairs]
    train, held = (
        {canonicalize_item(one.item, JUDGE) for one in side} for side in seeds.split(copies, 0.23, seed, JUDGE)
    )
    assert len(train) + len(held) == 2 * len(pairs)
    assert not train & held


def test_near_copies_stand_on_one_side_if_a_similarity_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("Amy", "Ben", "Cy", "Di", "Ed", "Flo", "Gus", "Hal", "Ida", "Jo")
    ends = ("cups at home", "old cups at home", "cups at home now", "old cups at home now")
    tales = [f"{name} has {number} {end}." for number, name in enumerate(names) for end in ends]
    items = [SeedItem(Item(tale)) for tale in tales]
    apart = seeds.split(items, 0.3, 1)
    together = seeds.split(items, 0.3, 1, similarity=0.7)
    near = [sum(ItemIndex(one.item for one in held).find(one.item, 0.7) is not None for one in train)
            for train, held in (apart, together)]  # fmt: skip
    assert near[0] > 0
    assert near[1] == 0
    assert set(apart[1]) <= set(together[1])
    assert [*together[0], *together[1]] == sorted(items, key=lambda one: (one in together[1], items.index(one)))
    alike = [SeedItem(Item(f"Which of the cups at home is that of {name}?")) for name in names]
    with pytest.raises(BadInputError, match="all 10 items are near copies of the 3 that are held out"):
        seeds.split(alike, 0.3, 1, similarity=0.5)
    monkeypatch.setattr(seeds, "MAX_COMPARISONS", 99)
    with pytest.raises(BadInputError, match="too many to compare for near copies"):
        seeds.split(items, 0.3, 1, similarity=0.7)


@pytest.mark.parametrize("seed", range(4))
def test_an_item_and_one_that_holds_it_stand_on_one_side(seed: int) -> None:
    tales = [f"Once there were {number} cups at home and two more." for number in range(20)]
    items = [SeedItem(Item(text)) for tale in tales for text in (f"Read this. {tale} Well?", tale)]
    train, held = seeds.split(items, 0.3, seed)
    known = ItemIndex(one.item for one in held)
    assert not [one for one in train if known.find(one.item)]
    assert len(held) >= 12
    with pytest.raises(BadInputError, match=r"all 2 items are copies of the 1 that are held out, .*; lower heldOut$"):
        seeds.split([SeedItem(Item(f"{tales[0]} {word}".strip())) for word in ("", "Well?")], 0.5, find_seed(tales[0]))


def find_seed(text: str) -> int:
    """Return the first seed that holds `text` out of itself and a longer one."""
    pair = [Item(text), Item(f"{text} Well?")]
    return next(seed for seed in range(99) if rank(pair[0], seed, None) < rank(pair[1], seed, None))


def test_the_spelling_of_an_item_does_not_move_it_to_the_other_side(tmp_path: Path) -> None:
    def hold_out(spelling: str) -> set[str]:
        lines = [json.dumps({"text": spelling.format(number, 30 + number)}) for number in range(2, 27)]
        found = seeds.read(write(tmp_path / "s.jsonl", *lines), DATA, judge=JUDGE)
        return {canonicalize_item(one.item, JUDGE) for one in seeds.split(found.items, 0.25, 3, JUDGE)[1]}

    assert len({frozenset(hold_out(spelling)) for spelling in SPELLINGS[:6]}) == 1


def test_copies_in_other_spellings_are_left_out_and_counted(tmp_path: Path) -> None:
    lines = [json.dumps({"text": spelling.format(97, 98)}) for spelling in SPELLINGS]
    found = seeds.read(write(tmp_path / "s.jsonl", *lines), DATA, judge=JUDGE)
    assert [one.item.text for one in found.items] == ["97*98", "What is 97*98?"]
    assert found.left_out.counts == {seeds.COPY: len(SPELLINGS) - 2}


def test_holding_nothing_back_is_allowed() -> None:
    assert seeds.split(ITEMS, 0.0, 3) == (tuple(ITEMS), ())


@pytest.mark.parametrize("share", [0.001, 1.0])
def test_a_division_with_an_empty_side_is_refused(share: float) -> None:
    with pytest.raises(BadInputError, match=f"heldOut {share}"):
        seeds.split(ITEMS, share, 3)


WORDS = [f"the {animal} sleeps" for animal in ("cat", "dog", "cow", "hen", "fox", "owl")]
SUMS = [f"{a}+{b}=" for a, b in ((1, 2), (3, 4), (5, 6), (12, 7), (8, 9), (2, 4))]
MIXED = [text for pair in zip(WORDS, SUMS, strict=True) for text in pair]


def test_texts_of_two_kinds_fall_apart_and_the_first_is_cluster_zero() -> None:
    assert clustering.cluster(MIXED, 2, TfidfEmbedder(), 1, min_size=6) == (0, 1) * 6


def test_clusters_are_the_same_every_time() -> None:
    texts = [json.dumps({"n": n, "m": n * n % 17}) for n in range(60)]
    assert clustering.cluster(texts, 4, TfidfEmbedder(), 5) == clustering.cluster(texts, 4, TfidfEmbedder(), 5)


def test_a_model_in_a_folder_embeds_texts_whatever_their_batch(tiny_base: Path) -> None:
    embedder = ModelEmbedder(tiny_base)
    together = embedder.embed(MIXED)
    assert together.shape == (12, 32)
    alone = embedder.embed(MIXED[3:4])
    assert abs(together[3] - alone[0]).max() < 1e-5
    assert Counter(clustering.cluster(MIXED, 2, embedder, 1)).total() == 12


def test_too_few_items_for_the_clusters_are_refused_with_numbers() -> None:
    with pytest.raises(BadInputError, match="12 seed items for 4 clusters: each needs at least 10, so 40 are needed"):
        clustering.cluster(MIXED, 4, TfidfEmbedder(), 1, min_size=10)


def test_a_small_cluster_is_refused_with_the_sizes() -> None:
    with pytest.raises(BadInputError, match="clusters of 11, 1 seed items: each needs 3"):
        clustering.cluster([*WORDS, *[word + "!" for word in WORDS[:5]], "1+1="], 2, TfidfEmbedder(), 1, min_size=3)


def test_fewer_distinct_texts_than_clusters_are_refused_and_not_warned_about() -> None:
    with pytest.raises(BadInputError, match="each needs 1"):
        clustering.cluster(["a", "a", "b"], 3, TfidfEmbedder(), 1)


def test_clusters_are_numbered_in_order_of_appearance() -> None:
    assert clustering.renumber([7, 7, 2, 9, 2]) == (0, 0, 1, 2, 1)


CHOICE, OPEN = (
    Wording(PromptStyle.PLAIN, "", format=one) for one in (ItemFormat.MULTIPLE_CHOICE, ItemFormat.QUESTIONS_AND_ANSWERS)
)


def test_items_without_what_the_format_shows_are_left_out_and_counted(tmp_path: Path) -> None:
    lines = [
        {"text": "a", "reference": "1", "choices": ["1", "2"]},
        {"text": "b", "reference": "2", "choices": ["1", "2"]},
        {"text": "c", "reference": None, "choices": ["1", "2"]},
        {"text": "d", "reference": "5", "choices": None},
        {"text": "Q: e", "reference": "1", "choices": ["1", "2"]},
        {"text": "f", "reference": "1", "choices": ["1", "2"]},
    ]
    path = write(tmp_path / "s.jsonl", *map(json.dumps, lines))
    chosen = seeds.read(path, DATA, wording=CHOICE)
    assert [seed.item.text for seed in chosen.items] == ["a", "b", "f"]
    assert all(seed.item.choices_shown for seed in chosen.items)
    assert chosen.left_out.counts == {
        seeds.WITHOUT["reference"]: 1,
        seeds.WITHOUT["choices"]: 1,
        seeds.NOT_READ_BACK: 1,
    }
    answered = seeds.read(path, DATA, wording=OPEN)
    assert [seed.item.text for seed in answered.items] == ["a", "b", "d", "f"]
    assert not any(seed.item.choices_shown for seed in answered.items)
    assert len(seeds.read(path, DATA).items) == 6


@pytest.mark.parametrize(
    ("wording", "field", "count", "advice"),
    [
        (OPEN, "right", "3 without the answer", r"answers are read from no field, so correct data\.fields\.reference"),
        (
            CHOICE,
            "answer",
            "3 without the choices",
            r"choices are read from no field, so correct data\.fields\.choices",
        ),
    ],
    ids=["answers", "choices"],
)
def test_data_without_what_the_format_shows_is_refused_with_the_field_to_set(
    tmp_path: Path, wording: Wording, field: str, count: str, advice: str
) -> None:
    path = write(tmp_path / "s.jsonl", *(json.dumps({"text": text, field: "1"}) for text in "abc"))
    with pytest.raises(
        BadInputError, match=rf"{count}.*{advice} or the data, or set spec\.generation\.format to another format"
    ):
        seeds.read(path, DATA, wording=wording)

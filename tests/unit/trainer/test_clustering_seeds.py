"""Seed data: read strictly, divided stably, clustered deterministically."""

import json
from collections import Counter
from pathlib import Path

import pytest

from swarm_core.errors import BadInputError
from swarm_core.items import Item
from swarm_trainer.data import clustering, seeds
from swarm_trainer.data.clustering import ModelEmbedder, TfidfEmbedder
from swarm_trainer.data.seeds import SeedItem


def write(path: Path, *lines: str | bytes) -> Path:
    path.write_bytes(b"\n".join(line.encode() if isinstance(line, str) else line for line in lines))
    return path


def test_items_come_in_file_order_without_copies_or_blank_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "s.jsonl", '{"q": "b"}', "", '{"q": "a"}', '{"q": "b"}', '{"q": "a\u2028c"}', "")
    found = seeds.read(path, "q")
    assert found.items == (SeedItem(Item("b")), SeedItem(Item("a")), SeedItem(Item("a\u2028c")))
    assert found.duplicates == 1


def test_the_file_may_name_the_clusters_and_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = write(tmp_path / "s.jsonl", b'\xef\xbb\xbf{"q": "a", "kind": "x"}')
    assert seeds.read(path, "q", "kind").items == (SeedItem(Item("a"), "x"),)


GOOD = '{"q": "a", "k": "x"}'


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        pytest.param([GOOD, "{"], "line 2: not JSON", id="broken JSON"),
        pytest.param([GOOD, "", '{"p": "a", "z": 1}'], r"line 3: no field 'q' \(it has p, z\)", id="missing field"),
        pytest.param(['{"q": 3, "k": "x"}'], "line 1: field 'q' is int", id="not a string"),
        pytest.param(['{"q": "  ", "k": "x"}'], "line 1: field 'q' is empty", id="empty text"),
        pytest.param(['{"q": "a"}'], "line 1: no field 'k'", id="missing cluster"),
        pytest.param(['["a"]'], "line 1: list, not an object", id="not an object"),
        pytest.param([GOOD, GOOD, b'{"q": "\xff"}'], "line 3: not UTF-8", id="invalid UTF-8"),
        pytest.param([], "holds no items", id="empty file"),
        pytest.param(["", "  "], "holds no items", id="only blank lines"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(tmp_path: Path, lines: list[str | bytes], message: str) -> None:
    path = write(tmp_path / "s.jsonl", *lines)
    with pytest.raises(BadInputError, match=f"^{path}.*{message}"):
        seeds.read(path, "q", "k")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"absent\.jsonl: cannot be read"):
        seeds.read(tmp_path / "absent.jsonl", "q")


def test_what_a_line_says_of_the_right_answer_goes_with_the_item(tmp_path: Path) -> None:
    lines = [
        {"q": "1+1", "reference": "2", "choices": ["2", "3"]},
        {"q": "2+2", "reference": None, "choices": None},
        {"q": "3+3", "choices": []},
    ]
    path = tmp_path / "seeds.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert [seed.item for seed in seeds.read(path, "q").items] == [
        Item("1+1", reference="2", choices=("2", "3")),
        Item("2+2"),
        Item("3+3"),
    ]
    path.write_text('{"reference": "what is it?"}\n')
    assert seeds.read(path, "reference").items == (SeedItem(Item("what is it?")),)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            {"q": "1+1", "reference": 2},
            "line 1: field 'reference' is int, not a string; put the right answer in quotes",
        ),
        ({"q": "1+1", "choices": ["2", 3]}, "line 1: field 'choices' is not a list of strings"),
        ({"q": "1+1", "choices": {"a": "2"}}, "line 1: field 'choices' is not a list of strings"),
    ],
)
def test_an_answer_of_another_type_is_refused_with_its_line(tmp_path: Path, line: object, told: str) -> None:
    path = tmp_path / "seeds.jsonl"
    path.write_text(json.dumps(line))
    with pytest.raises(BadInputError, match=told):
        seeds.read(path, "q")


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
    assert clustering.cluster(MIXED, 2, TfidfEmbedder(), 1, least=6) == (0, 1) * 6


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
    with pytest.raises(BadInputError, match="12 seed items for 4 clusters of at least 10: 40 are needed"):
        clustering.cluster(MIXED, 4, TfidfEmbedder(), 1, least=10)


def test_a_small_cluster_is_refused_with_the_sizes() -> None:
    with pytest.raises(BadInputError, match="clusters of 11, 1 seed items: each needs 3"):
        clustering.cluster([*WORDS, *[word + "!" for word in WORDS[:5]], "1+1="], 2, TfidfEmbedder(), 1, least=3)


def test_fewer_distinct_texts_than_clusters_are_refused_and_not_warned_about() -> None:
    with pytest.raises(BadInputError, match="each needs 1"):
        clustering.cluster(["a", "a", "b"], 3, TfidfEmbedder(), 1)


def test_clusters_are_numbered_in_order_of_appearance() -> None:
    assert clustering.renumber([7, 7, 2, 9, 2]) == (0, 0, 1, 2, 1)

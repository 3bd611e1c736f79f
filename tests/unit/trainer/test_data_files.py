"""Seed data as people have it: each odd file is read right, or refused in one line that says what it is."""

import json
from pathlib import Path

import odd_data_files
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odd_data_files import GROUPS
from odd_file import OddFile, compress

from swarm_core.api.generators import SeedDataSource
from swarm_core.errors import BadInputError
from swarm_core.items import Item
from swarm_trainer.data import data_files, seed_description, seeds
from swarm_trainer.data.seeds import SeedFile

DATA = SeedDataSource(uri="seeds.jsonl")


def read(path: Path, one: OddFile) -> SeedFile:
    path.write_bytes(one.content)
    return seeds.read(path, SeedDataSource(uri=one.name, **one.data))


def describe_fault(path: Path, one: OddFile) -> str | None:
    """What is wrong with what the reader makes of a file; None if nothing is."""
    try:
        found = [seed.item.text for seed in read(path, one).items]
    except BadInputError as error:
        message = str(error)
        right = one.texts is None and message.startswith(str(path)) and "\n" not in message and "; " in message
        return None if right and all(word in message for word in one.words) else f"{one.name} {one.words}: {message}"
    return None if found == [*(one.texts or ())] else f"{one.name} {one.content[:60]!r}: read as {found[:5]}"


@pytest.mark.parametrize("group", GROUPS)
def test_every_odd_file_is_read_right_or_refused_in_one_line(group: str, tmp_path: Path) -> None:
    files = list(GROUPS[group]())
    faults = [fault for one in files if (fault := describe_fault(tmp_path / one.name, one))]
    print(f"{group}: {len(files)} files, {sum(one.texts is None for one in files)} of them refused")
    assert not faults
    assert len(files) >= 20


def test_there_are_more_than_two_hundred_odd_files() -> None:
    assert len(odd_data_files.build()) >= 400


def items(tmp_path: Path, record: object) -> Item:
    path = tmp_path / "seeds.jsonl"
    path.write_text(json.dumps(record) + "\n")
    return seeds.read(path, DATA).items[0].item


@pytest.mark.parametrize(
    ("record", "item"),
    [
        ({"question": "a", "answer": "b"}, Item("a", reference="b")),
        ({"question": "a", "answer": 0.10}, Item("a", reference="0.1")),
        ({"question": "a", "answer": True}, Item("a", reference="true")),
        ({"question": "a", "answer": " "}, Item("a")),
        ({"problem": "a", "solution": "long", "answer": "b"}, Item("a", reference="b")),
        ({"question": "a", "choices": ["x", "y"], "answer": 1}, Item("a", "y", ("x", "y"))),
        ({"question": "a", "choices": ["x", "y"], "answer": "B"}, Item("a", "y", ("x", "y"))),
        ({"question": "a", "choices": ["B", "A"], "answer": "B"}, Item("a", "B", ("B", "A"))),
        ({"question": "a", "options": [3, 4], "answer": "4"}, Item("a", "4", ("3", "4"))),
        (
            {"question": "a", "choices": {"text": ["x", "y"], "label": ["1", "2"]}, "answerKey": "2"},
            Item("a", "y", ("x", "y")),
        ),
        (
            {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
            Item("a", reference="b"),
        ),
        ({"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]}, Item("a")),
        ({"instruction": "a", "input": "b", "output": "c"}, Item("a\n\nb", reference="c")),
        ({"instruction": "a", "context": "b", "response": "c"}, Item("a\n\nb", reference="c")),
        ({"question": "a", "options": {"A": "x", "B": "y"}, "answer": "B"}, Item("a", "y", ("x", "y"))),
        (
            {
                "prompt": "a",
                "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}],
            },
            Item("a", reference="b"),
        ),
    ],
)
def test_an_item_has_the_reference_and_the_choices_of_its_record(tmp_path: Path, record: object, item: Item) -> None:
    assert items(tmp_path, record) == item


def test_the_preview_shows_what_was_read_from_where_and_what_was_left_out(tmp_path: Path) -> None:
    rows = [
        {"question": "1+1", "answer": "2", "solution": "x"},
        {"question": ""},
        {"question": "1 + 1"},
        {"question": "3"},
    ]
    path = tmp_path / "split.json"
    path.write_text(json.dumps({"name": "sums", "dev": rows, "test": rows[:1]}, indent=1))
    assert dict(seed_description.describe_seeds("split.json", seeds.read(path, DATA))) == {
        "data": "split.json: a JSON document, split dev of dev (4), test (1), 4 records, 2 items",
        "fields": "text from question, reference from answer (found by their names; data.fields names others);"
        " not used, though it may hold answers: solution",
        "first item": '"1+1", reference "2" (line 4, record 1)',
        "left out": "1 without text (first in line 9, record 2), 1 copies of another item (first in line 12, record 3)",
    }
    summary = seed_description.summarize_seeds("split.json", seeds.read(path, DATA))
    assert "4 records, 2 items; text from question" in summary
    assert "left out: 1 without text" in summary
    assert "1+1" not in summary


def write_folder(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".parquet"):
            pq.write_table(pa.table({"text": [f"{name} 1", f"{name} 2"]}), folder / name)
        else:
            (folder / name).write_text(json.dumps({"text": name}) + "\n")
    return folder


def test_a_folder_is_one_data_set_without_its_test_split(tmp_path: Path) -> None:
    folder = write_folder(
        tmp_path,
        "data/train-0.parquet",
        "data/train-1.parquet",
        "data/test-0.parquet",
        "README.md",
        "dataset_infos.json",
    )
    found = seeds.read(folder, DATA)
    assert [seed.item.text for seed in found.items] == [f"data/train-{n}.parquet {m}" for n in (0, 1) for m in (1, 2)]
    assert found.items[2].place == "train-1.parquet row 1"
    assert dict(seed_description.describe_seeds("x", found))["data"].startswith(
        "x: Parquet, 2 files, split train of test (1), train (2)"
    )
    named = seeds.read(folder, DATA.model_copy(update={"split": "test"}))
    assert len(named.items) == 2


@pytest.mark.parametrize(
    ("names", "split", "words"),
    [
        ([], None, "is a folder without data files"),
        (["README.md", ".hidden.jsonl"], None, "is a folder without data files"),
        (["a.jsonl", "b.parquet"], None, "several formats"),
        (["main/train.jsonl", "socratic/train.jsonl"], None, "several folders .'main', 'socratic'."),
        (["a.jsonl", "b.jsonl"], "train", "name no split"),
        (["train.jsonl"], "dev", "has no split 'dev'"),
    ],
)
def test_a_folder_that_is_not_one_data_set_is_refused(
    tmp_path: Path, names: list[str], split: str | None, words: str
) -> None:
    folder = write_folder(tmp_path / "data", *names) if names else tmp_path
    with pytest.raises(BadInputError, match=words):
        data_files.open_data(folder, split)


PIECES = (
    '{"text": "a"}', '{"question":', '"', "[", "]", "{", "}", ",", ":", "\n", "\r\n", "\\", "\\ud83d", "\ufeff", "text",
    "\t", "text,answer\n", '""', "null", "1e9", "NaN", "\0", "é", "dev", '"test": [', "PAR1",
)  # fmt: skip
HOSTILE = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=30).map("".join)


def read_or_refuse(path: Path) -> str:
    """The texts of the items, or the refusal."""
    try:
        return "".join(seed.item.text for seed in seeds.read(path, DATA).items)
    except BadInputError as error:
        message = str(error)
    assert len(message.splitlines()) == 1
    return message


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(
    text=HOSTILE,
    encoding=st.sampled_from(["utf-8", "utf-16", "utf-32-le", "latin-1"]),
    name=st.sampled_from(["a.jsonl", "a.json", "a.csv", "a.tsv", "a.txt"]),
    packing=st.sampled_from([None, "gz", "xz"]),
    cut=st.integers(0, 40),
)
def test_whatever_a_file_holds_it_is_read_or_refused_in_one_line(
    tmp_path: Path, text: str, encoding: str, name: str, packing: str | None, cut: int
) -> None:
    data = text.encode(encoding, "replace")
    data = data if packing is None else compress(packing, data)
    path = tmp_path / name
    path.write_bytes(data[: len(data) - cut] if cut < 20 else data)
    read_or_refuse(path).encode()

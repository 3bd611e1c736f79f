"""The splits of the data of a run: read, proven to have nothing in common, and pinned."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import swarmrun_documents as documents
import yaml

from swarm_core.api import loading, resolution
from swarm_core.errors import BadInputError
from swarm_core.experiment import Experiment, SeedData
from swarm_core.items import Item, build_items, get_texts
from swarm_core.recipe import digest_bytes
from swarm_core.swarm_names import GENERATORS
from swarm_trainer.cli import run_file
from swarm_trainer.data.data_splits import DataSplits
from swarm_trainer.evaluation import evaluator, examine
from swarm_trainer.runtime.context import Context
from swarm_trainer.steps import part_inputs, prepare
from swarm_trainer.stores.local import LocalStore

TRAIN = [f"{a}*{b}" for a in range(2, 6) for b in range(11, 16)]
FILES: dict[str, Any] = {
    "spec.judge.verifier": {"type": "ExactMatch"},
    "spec.generators.adapters": ["a", "b"],
    "spec.generators.data.uri": "train.jsonl",
    "spec.generators.examples": {"uri": "examples.jsonl"},
    "spec.generators.heldOut": {"uri": "held.jsonl"},
}
MakeContext = Callable[..., Context]
DIGEST = digest_bytes(b"any")
EMPTY = Experiment(DIGEST, DIGEST, (), DIGEST)


def write(path: Path, *texts: str) -> None:
    path.write_text("".join(json.dumps({"text": text, "reference": "1"}) + "\n" for text in texts))


@pytest.fixture
def make_context(tmp_path: Path) -> MakeContext:
    """Makes the context of a run over three files; each is replaced by what a test gives under its name."""

    def make(patch: dict[str, Any] | None = None, **files: list[str]) -> Context:
        given = {"train": TRAIN, "examples": ["7*11", "7*12"], "held": ["8*11", "8*12"], **files}
        for name, texts in given.items():
            write(tmp_path / f"{name}.jsonl", *texts)
        resolved = resolution.resolve_run(
            loading.parse_object(documents.patched({**FILES, **(patch or {})}), "run.yaml")
        )
        return Context(resolved, LocalStore(tmp_path / "store"), tmp_path / "cache", tmp_path, lambda _: None)

    return make


def read(context: Context) -> DataSplits:
    return prepare.read_splits(context, GENERATORS)


def list_texts(splits: DataSplits) -> dict[str, tuple[str, ...]]:
    named = {"training": splits.training, "held_out": splits.held_out, "examples": splits.examples}
    return {name: get_texts(seed.item for seed in found) for name, found in named.items()}


def test_every_split_has_the_items_of_its_file(make_context: MakeContext) -> None:
    splits = read(make_context())
    assert list_texts(splits) == {"training": tuple(TRAIN), "held_out": ("8*11", "8*12"), "examples": ("7*11", "7*12")}
    assert splits.describe() == "20 for training, 2 held out, 2 examples"


def test_prompts_show_the_examples_and_gates_know_them_and_the_items_for_training(make_context: MakeContext) -> None:
    context = make_context({"spec.generation.shots": 2})
    data = prepare.read_seed_data(context, GENERATORS)
    assert SeedData.from_bytes(data.to_bytes()) == data
    (cluster,) = data.clusters
    assert get_texts(cluster) == tuple(TRAIN)
    exam = evaluator.build_examination(context.resolved, EMPTY, data)
    shown = {item for place in range(20) for item in examine.draw_examples(exam, ("here", place))}
    assert get_texts(sorted(shown, key=lambda item: item.text)) == ("7*11", "7*12")
    assert exam.seeds.find(Item("7 * 11")) is not None
    assert exam.seeds.find(Item(TRAIN[0])) is not None


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"held": ["8*11", "2 * 11 = ?"]},
         'spec.generators.data: 1 of 20 items are also in spec.generators.heldOut: "2*11" (line 1) and "2 * 11 = ?" '
         "(line 2); remove them from one of both, or write spec.generators.overlap: Remove or Allow"),
        ({"examples": ["8 * 12", "7*12"]},
         "spec.generators.examples: 1 of 2 items are also in spec.generators.heldOut: "),
        ({"examples": TRAIN[:5]},
         "spec.generators.data: 5 of 20 items are also in spec.generators.examples: .*; ...; "),
    ],
)  # fmt: skip
def test_an_item_in_two_splits_is_shown_with_both_its_places(
    make_context: MakeContext, files: dict[str, list[str]], message: str
) -> None:
    with pytest.raises(BadInputError) as refused:
        read(make_context(**files))
    start, _, end = message.partition(".*")
    assert str(refused.value).startswith(start)
    assert end in str(refused.value)


def test_overlaps_are_removed_from_the_less_important_split_and_counted(make_context: MakeContext) -> None:
    splits = read(
        make_context({"spec.generators.overlap": "Remove"}, held=["2*11", "7*11"], examples=["7 * 11", "2*12"])
    )
    assert list_texts(splits) == {
        "training": tuple(text for text in TRAIN if text not in ("2*11", "2*12")),
        "held_out": ("2*11", "7*11"),
        "examples": ("2*12",),
    }
    assert splits.removed == {"spec.generators.examples": 1, "spec.generators.data": 2}


def test_allowed_overlaps_are_kept_and_counted(make_context: MakeContext) -> None:
    splits = read(make_context({"spec.generators.overlap": "Allow"}, held=["2*11"]))
    assert len(splits.training) == 20
    assert splits.allowed == {"spec.generators.data": 1}
    assert splits.describe().endswith("; 1 overlaps allowed in spec.generators.data")


def test_a_split_that_nothing_is_left_of_is_refused(make_context: MakeContext) -> None:
    with pytest.raises(BadInputError, match=r"^spec\.generators\.data: all 20 items are in more important splits"):
        read(make_context({"spec.generators.overlap": "Remove"}, held=TRAIN))


def test_near_copies_are_overlaps_if_a_gate_calls_them_copies(make_context: MakeContext) -> None:
    near = "what is the capital of France, the country in Europe?"
    files = {"train": [*TRAIN, near], "held": [near.replace("France", "Franse")]}
    assert len(read(make_context(**files)).training) == 21
    gates = {
        "spec.gates": [{"type": "Duplicate", "duplicate": {"similarity": 0.9}}],
        "spec.generators.overlap": "Remove",
    }
    splits = read(make_context(gates, **files))
    assert list_texts(splits)["training"] == tuple(TRAIN)


def test_a_test_set_is_compared_with_what_generators_see(make_context: MakeContext) -> None:
    tested = {"spec.gates": [{"type": "Contamination", "contamination": {"testSets": [{"uri": "tests.jsonl"}]}}]}
    with pytest.raises(BadInputError, match=r"^spec\.generators\.data: 1 of 20 items are also in spec\.gates\[0\]"):
        read(make_context(tested, tests=["2*11"]))
    assert read(make_context(tested, tests=["8*11"])).held_out  # a test item may be held out
    splits = read(make_context({**tested, "spec.generators.overlap": "Remove"}, tests=["7*11", "2*11"]))
    assert splits.removed == {"spec.generators.examples": 1, "spec.generators.data": 1}


def test_the_reference_set_and_the_corpus_are_pinned_without_overlaps(make_context: MakeContext) -> None:
    weighted = {"normalize": "None", "terms": [{"objective": {"type": name}, "weight": 1} for name in
                                               ("Novelty", "Personalization")]}  # fmt: skip
    more = {
        "spec.objective": {
            "type": "Weighted",
            "weighted": weighted,
            "reference": {"uri": "reference.jsonl"},
            "corpus": {"uri": "corpus.jsonl"},
        },
        "spec.generators.overlap": "Remove",
    }
    reference = [f"9*{n}" for n in range(11, 25)]
    context = make_context(more, reference=[*reference, "8*11"], corpus=["5+5", "2*12", "9*11"])
    splits = read(context)
    assert splits.reference is not None
    assert splits.corpus is not None
    assert splits.removed == {"spec.objective.reference": 1, "spec.objective.corpus": 2}
    seed_data = prepare.build_seed_data(context, GENERATORS, splits)
    for digest, texts in (
        (part_inputs.pin_reference(context, seed_data, splits.reference), reference),
        (part_inputs.pin_corpus(context, splits.corpus), ["5+5"]),
    ):
        assert digest is not None
        stored = SeedData.from_bytes(context.store.get(digest).read_bytes())
        assert get_texts(stored.example_items) == tuple(texts)


def test_a_share_of_the_seed_data_is_held_out_if_no_file_is(make_context: MakeContext) -> None:
    splits = read(make_context({"spec.generators.heldOut": documents.GONE, "spec.generators.data.heldOut": 0.2}))
    assert (len(splits.training), len(splits.held_out), splits.near_copies) == (16, 4, 0)


def test_seed_data_without_examples_has_the_bytes_that_it_had() -> None:
    data = SeedData((build_items(["a"]),), build_items(["b"]))
    assert b"examples" not in data.to_bytes()
    assert data.shown_items == data.example_items


def test_validation_shows_the_sizes_of_the_splits_and_refuses_overlaps(
    make_context: MakeContext, tmp_path: Path
) -> None:
    make_context()
    for name in ("a", "b", "models/base", "takers/tuned"):
        (tmp_path / name).mkdir(parents=True)
    file = tmp_path / "run.yaml"
    file.write_text(yaml.safe_dump(documents.patched(FILES)))
    assert ("splits", "20 for training, 2 held out, 2 examples") in tuple(run_file.load(file).describe_data())
    write(tmp_path / "held.jsonl", "2*11")
    with pytest.raises(BadInputError, match="1 of 20 items are also in"):
        run_file.load(file)

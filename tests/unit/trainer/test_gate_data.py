"""The data of gates: read whole when a run is prepared, pinned by digest, and given to every measurement."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import adversarial_documents as game_documents
import pytest
import swarmrun_documents as documents
import yaml

from swarm_core.api import loading, resolution
from swarm_core.api.resolution import UriRole
from swarm_core.errors import BadInputError
from swarm_core.experiment import Experiment
from swarm_core.items import Item, get_texts
from swarm_core.judges.arithmetic import ArithmeticJudge
from swarm_core.recipe import digest_bytes
from swarm_trainer.cli import run_file
from swarm_trainer.evaluation import gate_data
from swarm_trainer.runtime.context import Context
from swarm_trainer.steps import part_inputs
from swarm_trainer.stores.local import LocalStore

DIGEST = digest_bytes(b"any")
FIELD = "spec.gates[1].contamination.testSets[0].uri"
MakeContext = Callable[[dict[str, Any]], Context]


def choose(**source: Any) -> dict[str, Any]:
    return {"spec.gates": [{"type": "Duplicate"}, {"type": "Contamination", "contamination": {"testSets": [source]}}]}


@pytest.fixture
def make_context(tmp_path: Path) -> MakeContext:
    def make(patch: dict[str, Any]) -> Context:
        resolved = resolution.resolve_run(loading.parse_object(documents.patched(patch), "run.yaml"))
        return Context(resolved, LocalStore(tmp_path / "store"), tmp_path / "cache", tmp_path, lambda _: None)

    return make


def write(path: Path, *texts: str, **more: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps({"text": text, **more}) + "\n" for text in texts))


def load(context: Context) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What `prepare` stores, as the gates of a measurement get it: the name and the texts of each data set."""
    stored = part_inputs.pin_data_sets(context)
    experiment = Experiment.from_bytes(Experiment(DIGEST, DIGEST, (), DIGEST, data_sets=stored).to_bytes())
    gates = gate_data.load_gates(context, experiment, ArithmeticJudge())
    return tuple((one.name, get_texts(one.items.items)) for gate in gates for one in gate.data)


def test_the_items_of_a_test_set_reach_the_gate_that_names_it(make_context: MakeContext, tmp_path: Path) -> None:
    write(tmp_path / "test.jsonl", "1+1", "1 + 1 =", "- a\n\n- b")
    assert load(make_context(choose(uri="test.jsonl"))) == (("data set 1", ("1+1", "- a\n\n- b")),)
    assert load(make_context(choose(uri="test.jsonl", name="sums")))[0][0] == "sums"


def test_a_plug_in_gets_the_data_that_its_block_names(make_context: MakeContext, tmp_path: Path) -> None:
    write(tmp_path / "test.jsonl", "1+1")
    plugin = {"type": "Plugin", "plugin": {"name": "mine", "data": [{"uri": "test.jsonl"}]}}
    assert load(make_context({"spec.gates": [plugin]})) == (("data set 1", ("1+1",)),)


def test_a_run_without_such_gates_stores_nothing(make_context: MakeContext) -> None:
    context = make_context({})
    assert part_inputs.pin_data_sets(context) is None
    assert b"data_sets" not in Experiment(DIGEST, DIGEST, (), DIGEST).to_bytes()


def test_the_split_for_tests_is_read_and_not_the_one_for_training(make_context: MakeContext, tmp_path: Path) -> None:
    for split in ("train", "test", "validation"):
        write(tmp_path / "data" / f"{split}-00000-of-00001.jsonl", f"the {split} split")
    (tmp_path / "one.json").write_text(json.dumps({"dev": [{"text": "a"}], "test": [{"text": "b"}]}))
    assert load(make_context(choose(uri="data"))) == (("data set 1", ("the test split",)),)
    assert load(make_context(choose(uri="one.json"))) == (("data set 1", ("b",)),)
    assert load(make_context(choose(uri="data", split="train"))) == (("data set 1", ("the train split",)),)
    (tmp_path / "data" / "test-00000-of-00001.jsonl").unlink()
    with pytest.raises(BadInputError, match=r"has several splits; set data\.split to one of train \(1\), validation"):
        load(make_context(choose(uri="data")))


@pytest.mark.parametrize(
    ("records", "source", "said"),
    [
        ([], {}, r"is empty"),
        ([{"text": ""}], {}, r"1 of 1 records cannot be used"),
        ([{"text": "1+1"}, {"text": "1+2"}], {"maxItems": 1}, r"has more than 1 items, .* raise maxItems"),
    ],
)
def test_a_test_set_without_texts_or_with_too_many_is_refused_with_its_field(
    make_context: MakeContext, tmp_path: Path, records: list[Any], source: dict[str, Any], said: str
) -> None:
    (tmp_path / "test.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    with pytest.raises(BadInputError, match=rf"^{re.escape(FIELD)}: .*{said}"):
        load(make_context(choose(uri="test.jsonl", **source)))


def test_validation_reads_a_local_test_set_as_the_run_does_and_names_every_one(tmp_path: Path) -> None:
    write(tmp_path / "seeds.jsonl", *(f"{n}+1" for n in range(30)))
    write(tmp_path / "test" / "train.jsonl", "9*9")
    write(tmp_path / "test" / "test.jsonl", "1+1", "2+2")
    patch = {**choose(uri="test"), "spec.generators.data.uri": "seeds.jsonl", "spec.generators.overlap": "Remove"}
    document = documents.patched(patch)
    for name in ("models/base", "takers/tuned"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(document))
    loaded = run_file.load(tmp_path / "run.yaml")
    assert [seed.item for seed in loaded.seeds[FIELD].items] == [Item("1+1"), Item("2+2")]
    assert ("splits", "26 for training, 3 held out; 1 removed from spec.generators.data, as overlaps") in tuple(
        loaded.describe_data()
    )
    assert ("data", "test: JSON Lines, split test of test (1), train (1), 2 records, 2 items") in loaded.describe_data()


@pytest.mark.parametrize("document", [documents.minimal(), game_documents.minimal()], ids=["search", "game"])
def test_every_kind_of_run_lists_the_data_of_gates_among_its_inputs(document: documents.Document) -> None:
    resolved = resolution.resolve_run(
        loading.parse_object(documents.patched(choose(uri="hf://datasets/org/name"), document), "run.yaml")
    )
    found = [use for use in resolution.list_uris(resolved) if use.uri == "hf://datasets/org/name"]
    assert [(use.role, use.field) for use in found] == [(UriRole.DATA, FIELD)]

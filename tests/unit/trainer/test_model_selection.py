"""The files of an input that are read, fetched and pinned: all of them, and no others."""

import ast
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import transformers

from swarm_core.api.resolution import UriRole, UriUse
from swarm_core.errors import BadInputError
from swarm_core.recipe import Digest
from swarm_trainer.runtime import inputs
from swarm_trainer.sources import fetching, model_selection, selection
from swarm_trainer.sources.fetch_cache import FetchCache
from swarm_trainer.sources.fetching import FetchContext
from swarm_trainer.sources.selection import Listing, RemoteFile

INDEX = json.dumps({"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}})
READ: Mapping[str, str] = {
    "added_tokens.json": "{}",
    "additional_chat_templates/tools.jinja": "tools",
    "chat_template.jinja": "template",
    "chat_template.json": "{}",
    "config.json": '{"model_type": "llama"}',
    "generation_config.json": "{}",
    "merges.txt": "a b",
    "model-00001-of-00002.safetensors": "first weights",
    "model-00002-of-00002.safetensors": "second weights",
    "model.safetensors.index.json": INDEX,
    "preprocessor_config.json": "{}",
    "special_tokens_map.json": "{}",
    "tokenizer.json": "{}",
    "tokenizer.model": "pieces",
    "tokenizer_config.json": "{}",
    "vocab.json": "{}",
}
LEFT_OUT: Mapping[str, str] = {
    ".gitattributes": "lfs",
    "LICENSE": "free",
    "README.md": "a model",
    "checkpoint-7/model.safetensors": "of a training",
    "consolidated.safetensors": "of another format",
    "flax_model.msgpack": "of another format",
    "model-00003-of-00003.safetensors": "of an older index",
    "model.fp16.safetensors": "of another precision",
    "model.gguf": "of another format",
    "modeling_llama.py": "code",
    "onnx/model.onnx": "of another format",
    "original/consolidated.00.pth": "a pickle",
    "original/params.json": "{}",
    "pytorch_model.bin": "a pickle",
    "pytorch_model.bin.index.json": "{}",
    "tf_model.h5": "of another format",
    "trainer_state.json": "{}",
    "training_args.bin": "a pickle",
}
ADAPTER: Mapping[str, str] = {"adapter_config.json": "{}", "adapter_model.safetensors": "weights"}
BESIDE_AN_ADAPTER = ("README.md", "adapter_model.bin", "config.json", "tokenizer.json", "training_args.bin")
BASE, TAKER = UriUse(UriRole.BASE, "model", "spec.field"), UriUse(UriRole.TAKER_ADAPTER, "adapter", "spec.field")


def write(folder: Path, contents: Mapping[str, str]) -> Path:
    for name, text in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


class FolderSource:
    """The files of a dictionary as a remote source."""

    uri = "s3://bucket/key"
    parallel_files = 2

    def __init__(self, contents: Mapping[str, str]) -> None:
        self.contents, self.fetched = contents, []

    fetched: list[str]

    def version(self) -> tuple[str, ...]:
        return tuple(self.contents)

    def list_files(self) -> Listing:
        return selection.build_listing(RemoteFile(name, len(text)) for name, text in self.contents.items())

    def download(self, item: RemoteFile, scratch: Path) -> Path:
        self.fetched.append(item.name)
        return write(scratch, {item.name: self.contents[item.name]}) / item.name


def fetch(source: FolderSource, use: UriUse, tmp_path: Path) -> Digest:
    """The digest of what is fetched from `source`."""
    context = FetchContext(FetchCache(tmp_path / "cache"), lambda uri, kind: source)
    return fetching.fetch(use, context).pin.digest


def select(contents: Mapping[str, str]) -> tuple[str, ...]:
    return model_selection.select_model(contents.keys(), lambda name: contents[name].encode())


def test_a_model_is_what_loading_reads() -> None:
    assert select({**READ, **LEFT_OUT}) == tuple(sorted(READ))


def test_a_remote_model_is_fetched_without_the_rest_and_has_the_digest_of_the_local_one(tmp_path: Path) -> None:
    source = FolderSource({**READ, **LEFT_OUT})
    digest = fetch(source, BASE, tmp_path)
    assert sorted(source.fetched) == sorted(READ)
    assert digest == inputs.hash_input(BASE, write(tmp_path / "model", {**READ, **LEFT_OUT}))
    assert digest == inputs.hash_input(BASE, write(tmp_path / "alone", READ))


@pytest.mark.parametrize("name", sorted(READ))
def test_a_change_in_a_file_that_is_read_changes_the_pinned_digest(tmp_path: Path, name: str) -> None:
    first = inputs.hash_input(BASE, write(tmp_path, READ))
    (tmp_path / name).write_text(READ[name] + " ")
    assert inputs.hash_input(BASE, tmp_path) != first


@pytest.mark.parametrize("name", sorted({*filter(model_selection.is_read, READ)} - {"config.json"}))
def test_a_new_file_that_is_read_changes_the_pinned_digest(tmp_path: Path, name: str) -> None:
    write(tmp_path, {other: text for other, text in READ.items() if other != name})
    first = inputs.hash_input(BASE, tmp_path)
    write(tmp_path, {name: READ[name]})
    assert inputs.hash_input(BASE, tmp_path) != first


@pytest.mark.parametrize("name", sorted(LEFT_OUT))
def test_a_file_that_is_not_read_may_come_change_and_go(tmp_path: Path, name: str) -> None:
    first = inputs.hash_input(BASE, write(tmp_path, READ))
    for text in (LEFT_OUT[name], "changed"):
        write(tmp_path, {name: text})
        assert inputs.hash_input(BASE, tmp_path) == first


def test_an_adapter_is_its_two_files(tmp_path: Path) -> None:
    source = FolderSource({**ADAPTER, **dict.fromkeys(BESIDE_AN_ADAPTER, "x")})
    digest = fetch(source, TAKER, tmp_path)
    assert sorted(source.fetched) == sorted(ADAPTER)
    assert digest == inputs.hash_input(TAKER, write(tmp_path / "local", source.contents))
    assert digest != inputs.hash_input(TAKER, write(tmp_path / "local", {"adapter_config.json": "{ }"}))


def test_one_file_of_weights_is_read_before_an_index_as_transformers_does() -> None:
    chosen = select({**READ, "model.safetensors": "whole"})
    assert [name for name in chosen if name.startswith("model")] == ["model.safetensors"]


def test_the_file_of_weights_that_the_configuration_names_is_read() -> None:
    config = json.dumps({"transformers_weights": "own.safetensors"})
    assert "own.safetensors" in select({**READ, "config.json": config, "own.safetensors": "weights"})


def list_tokenizer_files() -> set[str]:
    """The names of vocabularies that tokenizers of the installed transformers declare."""
    found = set()
    for file in Path(transformers.__file__).parent.rglob("tokenization_*.py"):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Assign) and "VOCAB_FILES_NAMES" in map(ast.unparse, node.targets):
                assert isinstance(node.value, ast.Dict)
                found |= {value.value for value in node.value.values if isinstance(value, ast.Constant)}
    return {str(name) for name in found}


def test_the_files_of_every_tokenizer_of_transformers_are_read() -> None:
    names = list_tokenizer_files()
    assert len(names) > 20
    assert {name for name in names if not model_selection.is_read(name)} == set()


REFUSED: Mapping[str, tuple[Mapping[str, str], str]] = {
    "only a pickle": (
        {"config.json": "{}", "pytorch_model.bin": "", "consolidated.safetensors": ""},
        "but pytorch_model.bin, a pickle, which is refused .*; save it as safetensors",
    ),
    "another format": ({"config.json": "{}", "model.gguf": ""}, r"but model\.gguf; save it as safetensors"),
    "a variant": ({"config.json": "{}", "model.fp16.safetensors": ""}, r"but model\.fp16\.safetensors; save it as"),
    "no weights": ({"config.json": "{}", "README.md": ""}, r"has no weights \(model\.safetensors or "),
    "no configuration": ({"model.safetensors": ""}, r"has no config\.json, which every model needs"),
    "an adapter beside it": (
        {"config.json": "{}", "model.safetensors": "", "adapter_config.json": "{}"},
        r"has adapter_config\.json, so it is an adapter or a model with one; give the folder of the model alone",
    ),
    "a lost part": (
        {"config.json": "{}", "model.safetensors.index.json": INDEX, "model-00001-of-00002.safetensors": ""},
        r"names the file 'model-00002-of-00002\.safetensors' of weights in safetensors, which is not there",
    ),
    "no index": ({"config.json": "{}", "model.safetensors.index.json": "[]"}, "is not a JSON object"),
    "an empty index": ({"config.json": "{}", "model.safetensors.index.json": "{}"}, "has no weight_map"),
    "a broken configuration": ({"config.json": "{", "model.safetensors": ""}, r"config\.json: is not JSON"),
    "an index that leaves its folder": (
        {"config.json": "{}", "model.safetensors.index.json": '{"weight_map": {"a": "../x.safetensors"}}'},
        r"names the file '\.\./x\.safetensors'",
    ),
}


@pytest.mark.parametrize(("contents", "words"), REFUSED.values(), ids=REFUSED)
def test_a_folder_that_is_no_model_is_refused_with_a_way_out(
    tmp_path: Path, contents: Mapping[str, str], words: str
) -> None:
    for call in (
        lambda: inputs.hash_input(BASE, write(tmp_path / "local", contents)),
        lambda: fetch(FolderSource(contents), BASE, tmp_path),
    ):
        with pytest.raises(BadInputError, match=rf"^spec\.field: 'model': .*{words}") as refusal:
            call()
        assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("splits", "names"),
    [
        ([None], ["train.csv"]),
        (["test"], ["test.csv"]),
        ([None, "test"], ["test.csv", "train.csv"]),
    ],
)
def test_data_is_the_files_of_the_splits_that_are_read(
    tmp_path: Path, splits: Sequence[str | None], names: list[str]
) -> None:
    contents = dict.fromkeys(("README.md", "dataset_infos.json", "test.csv", "train.csv"), "text\n1+1\n")
    use = UriUse(UriRole.DATA, "data", "spec.field", frozenset(splits))
    source = FolderSource(contents)
    digest = fetch(source, use, tmp_path)
    assert sorted(source.fetched) == names
    folder = write(tmp_path / "data", contents)
    assert inputs.hash_input(use, folder) == digest
    write(folder, {"README.md": "x", "valid.csv": "text\n2+2\n"})
    assert inputs.hash_input(use, folder) == digest
    write(folder, {names[0]: "text\n2+2\n"})
    assert inputs.hash_input(use, folder) != digest


def test_data_that_cannot_be_chosen_is_refused_before_any_file_is_fetched(tmp_path: Path) -> None:
    source = FolderSource(dict.fromkeys(("a/train.csv", "b/train.csv"), "text\n1+1\n"))
    with pytest.raises(BadInputError, match=r"^spec\.field: 'data': it has data in several folders \('a', 'b'\)"):
        fetch(source, UriUse(UriRole.DATA, "data", "spec.field"), tmp_path)
    assert source.fetched == []

"""Adapter folders: what is read, what is refused, and that writing is deterministic and whole."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import peft
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from swarm_core.errors import BadInputError
from swarm_core.ports import CorruptError
from swarm_trainer.lora import adapter, export, signature
from swarm_trainer.lora.base import silence_transformers
from swarm_trainer.lora.signature import Signature

Make = Callable[..., Path]
Q0 = "base_model.model.model.layers.0.self_attn.q_proj"


@pytest.fixture
def folder(tiny_base: Path, make_adapter: Make, tmp_path: Path) -> Path:
    """A good adapter that a test may spoil."""
    return Path(shutil.copytree(make_adapter(tiny_base), tmp_path / "adapter"))


def set_config(folder: Path, **changes: object) -> None:
    config = json.loads((folder / adapter.CONFIG_FILE).read_text())
    (folder / adapter.CONFIG_FILE).write_text(json.dumps(config | changes))


def change_tensors(folder: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    tensors = {name: tensor.clone() for name, tensor in load_file(folder / adapter.WEIGHTS_FILE).items()}
    change(tensors)
    save_file(tensors, folder / adapter.WEIGHTS_FILE)


def test_a_signature_says_rank_alpha_modules_and_the_shapes_of_the_base(folder: Path) -> None:
    found = adapter.read_signature(folder)
    assert (found.rank, found.alpha, found.scale) == (4, 8.0, 2.0)
    assert found.target_modules == ("down_proj", "q_proj", "v_proj")
    shapes = dict(found.shapes)
    assert shapes["model.layers.1.mlp.down_proj"] == (32, 64)
    assert shapes["model.layers.0.self_attn.v_proj"] == (16, 32)
    assert len(shapes) == 6


def test_what_is_saved_is_loaded(folder: Path, tmp_path: Path) -> None:
    tensors = adapter.load(folder)
    export.save(tmp_path / "again", tensors.items(), adapter.read_signature(folder))
    again = adapter.load(tmp_path / "again")
    assert list(again) == sorted(tensors)
    assert all(torch.equal(again[name], tensors[name]) for name in tensors)


def test_the_same_tensors_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    known, tensors = adapter.read_signature(folder), adapter.load(folder)
    export.save(tmp_path / "one", tensors.items(), known)
    export.save(tmp_path / "elsewhere" / "two", tensors.items(), known)
    for name in (adapter.WEIGHTS_FILE, adapter.CONFIG_FILE):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "elsewhere" / "two" / name).read_bytes()
    assert str(tmp_path) not in (tmp_path / "one" / adapter.CONFIG_FILE).read_text()


def test_the_file_is_one_that_safetensors_reads(folder: Path) -> None:
    read = load_file(folder / adapter.WEIGHTS_FILE)
    assert {name: tuple(tensor.shape) for name, tensor in read.items()} == adapter.read_signature(folder).tensors


def test_peft_reads_the_folder_and_writes_one_that_is_read(folder: Path, tiny_base: Path, tmp_path: Path) -> None:
    with silence_transformers():
        model = peft.PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny_base), folder)
        model.save_pretrained(tmp_path / "theirs")
    theirs = adapter.load(tmp_path / "theirs")
    assert all(torch.equal(theirs[name], tensor) for name, tensor in adapter.load(folder).items())
    assert adapter.read_signature(tmp_path / "theirs") == adapter.read_signature(folder)


def test_a_folder_that_stands_is_verified_and_not_rewritten(folder: Path) -> None:
    known, tensors = adapter.read_signature(folder), adapter.load(folder)
    before = (folder / adapter.WEIGHTS_FILE).stat().st_mtime_ns
    export.save(folder, tensors.items(), known)
    assert (folder / adapter.WEIGHTS_FILE).stat().st_mtime_ns == before


def test_a_folder_that_holds_something_else_is_corrupt(folder: Path) -> None:
    known, tensors = adapter.read_signature(folder), adapter.load(folder)
    change_tensors(folder, lambda found: found[f"{Q0}.lora_A.weight"].add_(1))
    with pytest.raises(CorruptError, match="delete the folder"):
        export.save(folder, tensors.items(), known)


def test_nothing_is_left_when_writing_fails(folder: Path, tmp_path: Path) -> None:
    known, tensors = adapter.read_signature(folder), adapter.load(folder)
    tensors[f"{Q0}.lora_B.weight"][0, 0] = float("inf")
    target = tmp_path / "new" / "adapter"
    with pytest.raises(BadInputError, match="NaN or infinity"):
        export.save(target, tensors.items(), known)
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"use_dora": True}, "use_dora is True: DoRA", id="dora"),
        pytest.param({"modules_to_save": ["lm_head"]}, r"modules_to_save is \['lm_head'\]", id="modules to save"),
        pytest.param({"bias": "all"}, "bias is 'all'", id="bias"),
        pytest.param({"lora_bias": True}, "lora_bias", id="lora bias"),
        pytest.param({"rank_pattern": {"q_proj": 2}}, "rank_pattern", id="rank pattern"),
        pytest.param({"alpha_pattern": {"q_proj": 2}}, "alpha_pattern", id="alpha pattern"),
        pytest.param({"peft_type": "IA3"}, "peft_type is 'IA3', but only LORA", id="another method"),
        pytest.param({"r": 8}, "has rank 8;", id="a rank that the tensors do not have"),
        pytest.param({"lora_alpha": 0}, "lora_alpha a positive number", id="alpha zero"),
        pytest.param({"lora_alpha": 10**400}, "lora_alpha a positive number", id="alpha without end"),
        pytest.param({"lora_alpha": 1e300}, "at most 1,000,000", id="alpha that float32 cannot hold"),
        pytest.param({"use_rslora": "false"}, "use_rslora is 'false'", id="a truth in quotes"),
        pytest.param({"target_modules": "*("}, "choose no modules", id="no regular expression"),
        pytest.param({"layers_to_transform": "0"}, "choose no modules", id="a layer in quotes"),
        pytest.param({"target_modules": ["q_proj", "v_proj"]}, "has tensors for .*down_proj", id="unnamed target"),
    ],
)
def test_a_configuration_that_is_not_plain_lora_is_refused(
    folder: Path, changes: dict[str, object], message: str
) -> None:
    set_config(folder, **changes)
    with pytest.raises(BadInputError, match=message):
        adapter.read_signature(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(lambda found: found.pop(f"{Q0}.lora_B.weight"), "lora_B.weight is missing", id="half a pair"),
        pytest.param(
            lambda found: found.update({"base_model.model.lm_head.weight": torch.zeros(2, 2)}),
            "unknown tensor",
            id="foreign",
        ),
        pytest.param(lambda found: found.clear(), "contains no tensors", id="empty"),
        pytest.param(
            lambda found: found.update({f"{Q0}.lora_A.weight": torch.zeros(4, 32, dtype=torch.int8)}),
            "is I8",
            id="integers",
        ),
    ],
)
def test_tensors_that_are_not_a_complete_lora_are_refused(folder: Path, change: Callable, message: str) -> None:
    change_tensors(folder, change)
    with pytest.raises(BadInputError, match=message):
        adapter.read_signature(folder)


def test_non_finite_tensors_are_refused_when_loaded(folder: Path) -> None:
    change_tensors(folder, lambda found: found[f"{Q0}.lora_A.weight"].fill_(float("nan")))
    with pytest.raises(BadInputError, match=r"q_proj\.lora_A\.weight: contains NaN"):
        adapter.load(folder)


@pytest.mark.parametrize("name", adapter.PICKLE_FILES)
def test_pickle_is_refused_and_beside_safetensors_left_alone(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"never opened")
    adapter.read_signature(folder)
    (folder / adapter.WEIGHTS_FILE).unlink()
    with pytest.raises(BadInputError, match="pickle can run code"):
        adapter.read_signature(folder)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        pytest.param(adapter.CONFIG_FILE, None, "adapter_config.json: missing", id="no configuration"),
        pytest.param(adapter.CONFIG_FILE, b"{", "not JSON", id="broken configuration"),
        pytest.param(adapter.CONFIG_FILE, b"[]", "peft_type", id="configuration is a list"),
        pytest.param(adapter.WEIGHTS_FILE, None, "adapter_model.safetensors: missing", id="no tensors"),
        pytest.param(adapter.WEIGHTS_FILE, b"rubbish", "not a safetensors file", id="broken tensors"),
    ],
)
def test_a_broken_folder_is_refused_by_the_file(folder: Path, name: str, content: bytes | None, message: str) -> None:
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(BadInputError, match=message):
        adapter.read_signature(folder)


def test_an_adapter_fits_its_own_base(folder: Path, tiny_base: Path) -> None:
    signature.check_base(tiny_base, adapter.read_signature(folder))


def test_an_adapter_of_another_base_does_not_fit(folder: Path, make_base: Make) -> None:
    with pytest.raises(BadInputError, match=r"is 32x64, but 64x128 in base model"):
        signature.check_base(make_base(hidden=64), adapter.read_signature(folder))


def test_a_layer_that_the_base_lacks_does_not_fit(tiny_base: Path) -> None:
    with pytest.raises(BadInputError, match="does not have"):
        signature.check_base(tiny_base, Signature(2, 4.0, ("q_proj",), (("model.layers.9.q_proj", (32, 32)),)))


def test_an_adapter_that_skips_a_layer_does_not_fit(folder: Path, tiny_base: Path) -> None:
    known = adapter.read_signature(folder)
    with pytest.raises(BadInputError, match="no tensors for"):
        signature.check_base(tiny_base, Signature(known.rank, known.alpha, known.target_modules, known.shapes[1:]))


@pytest.mark.parametrize(
    ("other", "message"),
    [
        pytest.param({"rank": 2}, "second: rank 2, but first has 4", id="ranks"),
        pytest.param({"alpha": 4.0}, "second: alpha 4.0, but first has 8.0", id="alphas"),
        pytest.param({"targets": ("q_proj",)}, "second: target modules q_proj, but first has", id="targets"),
    ],
)
def test_adapters_that_cannot_be_added_are_refused(
    tiny_base: Path, make_adapter: Make, other: dict[str, object], message: str
) -> None:
    one, two = (adapter.read_signature(made) for made in (make_adapter(tiny_base), make_adapter(tiny_base, **other)))
    with pytest.raises(BadInputError, match=message):
        signature.require_common([("first", one), ("second", two)])


def test_adapters_of_different_bases_are_refused(tiny_base: Path, make_base: Make, make_adapter: Make) -> None:
    one = adapter.read_signature(make_adapter(tiny_base))
    two = adapter.read_signature(make_adapter(make_base(hidden=64)))
    with pytest.raises(BadInputError, match="second: another base model than first"):
        signature.require_common([("first", one), ("second", two)])

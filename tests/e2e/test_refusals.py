"""What cannot work is refused in one line, with exit code 2, and nothing is left half-written."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command_line import FinishedRun, dataswarm
from safetensors.torch import load_file, save_file

Spoil = Callable[[Path], None]


def edit(old: str, new: str) -> Spoil:
    """Replace `old` in short.yaml."""

    def spoil(arena: Path) -> None:
        text = (arena / "short.yaml").read_text()
        assert old in text
        (arena / "short.yaml").write_text(text.replace(old, new))

    return spoil


def data(text: str) -> Spoil:
    return lambda arena: (arena / "seeds.jsonl").write_text(text) and None


def adapter_of_another_base(arena: Path) -> None:
    file = arena / "takers" / "adder" / "adapter_model.safetensors"
    tensors = {name: tensor.repeat(1, 2) if "lora_A" in name else tensor for name, tensor in load_file(file).items()}
    save_file(tensors, file)


def adapter_that_is_not_finite(arena: Path) -> None:
    file = arena / "takers" / "adder" / "adapter_model.safetensors"
    save_file({name: tensor / 0 for name, tensor in load_file(file).items()}, file)


def pickled(arena: Path) -> None:
    (arena / "takers" / "adder" / "adapter_model.safetensors").unlink()
    (arena / "takers" / "adder" / "adapter_model.bin").write_bytes(b"\x80\x04.")


def check_by_a_judge_that_needs_references(arena: Path) -> None:
    edit("type: Arithmetic", "type: ExactMatch")(arena)
    edit("shots: 3", "shots: 3, format: QuestionsAndAnswers, answerCheck: Judge")(arena)
    data("".join(json.dumps({"text": f"{n}+1", "reference": f"{n + 1}"}) + "\n" for n in range(99)))(arena)


def line(text: str) -> str:
    return json.dumps({"text": text}) + "\n"


REFUSED = {
    "unknown field": (edit("pairs: 96", "pears: 96"), ["spec.generators.training.pears", "pairs"]),
    "wrong type": (edit("seed: 7", "seed: seven"), ["spec.seed", "seven"]),
    "not a number": (edit("temperature: 1.0", "temperature: .nan"), ["spec.generation.temperature"]),
    "duplicate names": (
        edit("name: multiplier", "name: adder"),
        ["spec.takers[1].name", "adder", "another taker has this name"],
    ),
    "missing file": (edit("uri: seeds.jsonl", "uri: sseeds.jsonl"), ["spec.generators.data.uri", "sseeds.jsonl"]),
    "broken JSONL": (data(line("1+1") + '{"text": \n'), ["seeds.jsonl line 2", "JSON"]),
    "empty data": (data(""), ["seeds.jsonl", "is empty"]),
    "too few items": (data("".join(line(f"{n}+1") for n in range(20))), ["seed items", "clusters", "24"]),
    "another judge's data": (data("".join(line(f"word {n}?") for n in range(99))), ["Arithmetic", "cannot judge"]),
    "no answers": (
        edit("shots: 3", "shots: 3, format: QuestionsAndAnswers"),
        ["without the answer", "data.fields.ref"],
    ),
    "no checker": (check_by_a_judge_that_needs_references, ["spec.generation.answerCheck: Judge", "set it to Takers"]),
    "adapter of another base": (adapter_of_another_base, ["spec.takers[0].adapter", "another base"]),
    "adapter not finite": (adapter_that_is_not_finite, ["takers/adder", "NaN"]),
    "pickle": (pickled, ["adapter_model.bin", "pickle"]),
    "longer than the base": (edit("maxModelLen: 128", "maxModelLen: 512"), ["spec.base.maxModelLen", "512", "256"]),
    "too long": (edit("maxTokens: 40", "maxTokens: 400"), ["spec.generation.maxTokens", "maxModelLen"]),
}


@pytest.mark.parametrize(("spoil", "words"), REFUSED.values(), ids=REFUSED)
def test_input_that_cannot_work_is_refused(
    arena: Path, tmp_path: Path, warm: Path, spoil: Spoil, words: list[str]
) -> None:
    spoil(arena)
    done = dataswarm("run", arena / "short.yaml", "--folder", tmp_path / "run", at=warm)
    lines = done.stderr.strip().splitlines()
    assert done.returncode == 2, done.stderr
    assert len(lines) == 1, done.stderr
    assert all(word in lines[0] for word in words), lines[0]
    assert not (tmp_path / "run").exists()


def test_a_run_folder_of_another_experiment_is_refused(
    finished: FinishedRun, arena: Path, tmp_path: Path, warm: Path
) -> None:
    folder = Path(shutil.copytree(finished.folder, tmp_path / "run"))
    edit("seed: 7", "seed: 8")(arena)
    done = dataswarm("run", arena / "short.yaml", "--folder", folder, at=warm)
    assert done.returncode == 2
    assert "spec.seed is 7 there and 8 here" in done.stderr


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MB: a run's first megabytes fit, its adapters do not."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs root; run the tests as root to see the full and the read-only disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_without_room_for_the_run_is_refused(arena: Path, disk: Path, warm: Path) -> None:
    done = dataswarm("run", arena / "short.yaml", "--folder", disk / "run", at=warm)
    assert done.returncode == 2, done.stderr
    assert "MiB free" in done.stderr or "No space left" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (disk / "run").exists()


def test_a_read_only_folder_is_refused(arena: Path, disk: Path, warm: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    done = dataswarm("run", arena / "short.yaml", "--folder", disk / "run", at=warm)
    assert done.returncode == 2, done.stderr
    assert "the file system is read-only" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_seed_data_that_changed_under_a_run_is_refused(half: Path, arena: Path, warm: Path) -> None:
    with (arena / "seeds.jsonl").open("a") as file:
        file.write(line("12+13"))
    done = dataswarm("run", arena / "short.yaml", "--folder", half, at=warm)
    assert done.returncode == 2
    assert "spec.generators.data.uri: 'seeds.jsonl' has changed" in done.stderr


def test_an_adapter_changed_in_the_store_is_refused(half: Path, arena: Path, warm: Path) -> None:
    receipt = json.loads((half / "store" / "names" / "receipts" / "train.generators.001.json").read_text())
    digest = receipt["outputs"]["adapter"]
    manifest = json.loads((half / "store" / "blobs" / digest[:2] / digest).read_text())
    digest = manifest["adapter_model.safetensors"]["sha256"]
    blob = half / "store" / "blobs" / digest[:2] / digest
    blob.chmod(0o644)
    blob.write_bytes(blob.read_bytes()[:-1] + b"\x01")
    done = dataswarm("run", arena / "short.yaml", "--folder", half, at=warm)
    assert done.returncode == 2, done.stderr
    assert digest[:12] in done.stderr

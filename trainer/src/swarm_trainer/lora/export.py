"""Writing an adapter: an ordinary PEFT folder, deterministically, whole or not at all.

Invariants: the same tensors and signature give the same bytes on any machine; what stands in a folder never changes.

The file is laid out here and not by the safetensors package, which wants every tensor in memory at once: so a sum is
streamed. The format: a length of 8 bytes, a JSON header padded to a multiple of 8, the tensors' bytes.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from swarm_core.ports import CorruptError
from swarm_core.recipe import Digest
from swarm_trainer.lora import base
from swarm_trainer.lora.adapter import CODES, CONFIG, WEIGHTS, finite
from swarm_trainer.lora.signature import Signature


def save(folder: Path, tensors: Iterable[tuple[str, Tensor]], signature: Signature, dtype: str = "float32") -> Digest:
    """Write a PEFT folder; return the sha256 of its tensor file.

    `tensors` come in the order of `signature.tensors` and are held one at a time, so a generator streams. A folder
    that is there already is verified, not rewritten: raises CorruptError if it holds anything else. Raises
    BadInputError on a tensor that is not finite.
    """
    digest = hashlib.sha256()
    if folder.exists():
        for piece in _pieces(tensors, signature, dtype):
            digest.update(piece)
        return _verified(folder, signature, digest.hexdigest())
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        with (scratch / WEIGHTS).open("wb") as file:
            for piece in _pieces(tensors, signature, dtype):
                file.write(piece)
                digest.update(piece)
        (scratch / CONFIG).write_bytes(config_bytes(signature))
        scratch.chmod(0o755)  # mkdtemp's 0700 would lock out the user whose server reads the export
        return _moved(scratch, folder, signature, digest.hexdigest())
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def config_bytes(signature: Signature) -> bytes:
    """The adapter_config.json of a plain LoRA. Names no path: where the base lies is not the adapter's to say."""
    alpha = int(signature.alpha) if signature.alpha == int(signature.alpha) else signature.alpha
    config = {
        "base_model_name_or_path": None,
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "init_lora_weights": True,
        "lora_alpha": alpha,
        "lora_dropout": 0.0,
        "modules_to_save": None,
        "peft_type": "LORA",
        "r": signature.rank,
        "target_modules": list(signature.target_modules),
        "task_type": "CAUSAL_LM",
        "use_dora": False,
        "use_rslora": False,
    }
    return (json.dumps(config, indent=2, sort_keys=True) + "\n").encode()


def _pieces(tensors: Iterable[tuple[str, Tensor]], signature: Signature, dtype: str) -> Iterator[bytes | memoryview]:
    """A safetensors file in pieces: length, header, then each tensor's bytes in name order."""
    wanted, kind = signature.tensors, base.element_type(dtype)
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in wanted.items():
        start, end = end, end + shape[0] * shape[1] * kind.itemsize
        header[name] = {"dtype": CODES[dtype], "shape": shape, "data_offsets": (start, end)}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # readers map the tensors, so they begin at a multiple of 8
    yield len(text).to_bytes(8, "little") + text
    given = iter(tensors)
    for name, shape in wanted.items():
        got, tensor = next(given, ("nothing", torch.empty(0)))
        if got != name or tuple(tensor.shape) != shape:
            raise ValueError(f"{got} {tuple(tensor.shape)} where the signature has {name} {shape}")
        cast = finite(name, tensor.detach().to("cpu", kind)).contiguous()
        yield cast.view(torch.uint8).numpy().data.cast("B")


def _moved(scratch: Path, folder: Path, signature: Signature, digest: str) -> Digest:
    """Give the finished folder its name; if another process was first, what that one wrote must be the same."""
    try:
        scratch.rename(folder)
    except OSError:
        if not folder.exists():
            raise
        return _verified(folder, signature, digest)
    return Digest(digest)


def _verified(folder: Path, signature: Signature, expected: str) -> Digest:
    """`expected` if `folder` holds exactly that. Raises CorruptError."""
    try:
        with (folder / WEIGHTS).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        config = (folder / CONFIG).read_bytes()
    except FileNotFoundError as error:
        raise CorruptError(f"{folder}: stands there without {Path(error.filename).name}; delete the folder") from error
    if found != expected:
        raise CorruptError(f"{folder}: holds {WEIGHTS} {found[:12]}, not {expected[:12]}; delete the folder")
    if config != config_bytes(signature):
        raise CorruptError(f"{folder}: {CONFIG} is not the one of this adapter; delete the folder")
    return Digest(expected)

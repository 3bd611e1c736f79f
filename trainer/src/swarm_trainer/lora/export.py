"""Writes an adapter as an ordinary PEFT folder: deterministic, and complete or not at all.

Invariants: the same tensors and signature give the same bytes on any machine. An existing folder is never changed.

This module writes the safetensors format itself, because the safetensors package needs all tensors in memory at once.
Here tensors arrive one at a time, in any order and from any thread. The format is a length of 8 bytes, a JSON header
padded to a multiple of 8 bytes, and the bytes of the tensors (https://github.com/huggingface/safetensors#format).

Writing computes no digest: hashing a file takes longer than loading and saving it, and the name of a recipe does not
depend on it. Code that stores a file calls `digest`. If a folder already exists, the bytes themselves are compared.
"""

import filecmp
import functools
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import torch
from torch import Tensor

from swarm_core.ports import CorruptError
from swarm_core.recipe import Digest
from swarm_trainer.lora import adapter, base
from swarm_trainer.lora.adapter import CONFIG_FILE, DTYPE_CODES, WEIGHTS_FILE, Float32Array
from swarm_trainer.lora.signature import Signature
from swarm_trainer.stores import files

MAX_PIECES = 512
"""The maximum number of pieces in one `pwritev` call. The limit of Linux is 1,024 (IOV_MAX)."""


class TensorFile:
    """A safetensors file with a known layout, open to write or to compare. Any number of threads may call `put`."""

    def __init__(self, path: Path, signature: Signature, dtype: str, *, exists: bool) -> None:
        """Create the file, or open it for comparison if `exists`: each `put` must then match its content.

        Raises CorruptError if an existing file has another size or header, OSError.
        """
        header_bytes, self._starts, size = _compute_layout(signature, dtype)
        self._path, self._dtype, self._exists = path, dtype, exists
        self._file = os.open(path, os.O_RDONLY if exists else os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with ExitStack() as undo:  # closes the file if the rest of the constructor raises
            undo.callback(self.close)
            if exists and os.fstat(self._file).st_size != size:
                raise self._corrupt(f"has {os.fstat(self._file).st_size} bytes, not {size}")
            self._write(0, [memoryview(header_bytes)])
            undo.pop_all()

    def put(self, tensor: str, pieces: Sequence[Float32Array], prefix: str = "") -> None:
        """Write a whole tensor, cast to the dtype of the file: its finite numbers as contiguous pieces in order.

        Raises BadInputError if a number is too large for the dtype, with `prefix` before the name of the tensor;
        CorruptError if the existing file has other numbers; OSError.
        """
        self._write(self._starts[tensor], [encode(prefix + tensor, piece, self._dtype) for piece in pieces])

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _write(self, offset: int, data: Sequence[memoryview]) -> None:
        """Write pieces one after another, or compare them. Few long writes are cheap: the kernel uses large pages."""
        if self._exists:
            self._compare(offset, data)
            return
        for first in range(0, len(data), MAX_PIECES):
            batch = data[first : first + MAX_PIECES]
            written, size = os.pwritev(self._file, batch, offset), sum(map(len, batch))
            if written < size:  # after a signal, or on a full disk, where the next write raises OSError
                self._write_rest(offset + written, b"".join(batch)[written:])
            offset += size

    def _write_rest(self, offset: int, data: bytes) -> None:
        while data:
            written = os.pwrite(self._file, data, offset)
            offset, data = offset + written, data[written:]

    def _compare(self, offset: int, data: Sequence[memoryview]) -> None:
        for piece in data:
            if os.pread(self._file, len(piece), offset) != piece:
                raise self._corrupt(f"has other content from byte {offset}")
            offset += len(piece)

    def _corrupt(self, problem: str) -> CorruptError:
        return CorruptError(f"{self._path}: {problem}; delete the folder")


@contextmanager
def open_tensor_file(folder: Path, signature: Signature, dtype: str = "float32") -> Iterator[TensorFile]:
    """Open the tensor file of a PEFT folder; `put` every tensor into it. The folder appears when the block ends.

    An existing folder is verified and not rewritten: CorruptError is raised if its content differs. Raises
    BadInputError for an unknown dtype, OSError. An error leaves no new folder.
    """
    base.parse_dtype(dtype)
    if folder.exists():
        _verify(folder, signature)
        with closing(TensorFile(folder / WEIGHTS_FILE, signature, dtype, exists=True)) as file:
            yield file
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        with closing(TensorFile(scratch / WEIGHTS_FILE, signature, dtype, exists=False)) as file:
            yield file
        (scratch / CONFIG_FILE).write_bytes(serialize_config(signature))
        scratch.chmod(0o755)  # mkdtemp creates 0700, which a server that runs as another user could not read
        _move(scratch, folder, signature)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def save(folder: Path, tensors: Iterable[tuple[str, Tensor]], signature: Signature, dtype: str = "float32") -> None:
    """Write a PEFT folder from tensors with their names: A is [rank, in], B is [out, rank].

    `tensors` must have the order of `signature.tensors`, or ValueError is raised. They are held one at a time, so a
    generator streams. Raises as `open_tensor_file` does, and BadInputError if a tensor is not finite.
    """
    remaining = iter(tensors)
    with open_tensor_file(folder, signature, dtype) as file:
        for name, shape in signature.tensors.items():
            found, tensor = next(remaining, ("nothing", torch.empty(0)))
            if found != name or tuple(tensor.shape) != shape:
                raise ValueError(f"{found} {tuple(tensor.shape)}, but the signature has {name} {shape} here")
            numbers = tensor.detach().to("cpu", torch.float32).contiguous().numpy()
            adapter.check_finite(name, numbers)
            file.put(name, [numbers])


def digest(folder: Path) -> Digest:
    """Return the SHA-256 of the tensor file in `folder`. Raises OSError."""
    return files.digest(folder / WEIGHTS_FILE)


def encode(name: str, numbers: Float32Array, dtype: str) -> memoryview:
    """Return the bytes of contiguous, finite `numbers` cast to `dtype`. Raises BadInputError if one is too large."""
    if dtype == "float32":
        return numbers.data.cast("B")
    cast = adapter.require_finite(name, torch.from_numpy(numbers).to(base.parse_dtype(dtype)))
    return cast.view(torch.uint8).numpy().data.cast("B")


def serialize_config(signature: Signature) -> bytes:
    """Return the adapter_config.json of a plain LoRA. It has no path of a base model, so it is the same everywhere."""
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


@functools.lru_cache(maxsize=4)  # all recipes over one basis have the same layout
def _compute_layout(signature: Signature, dtype: str) -> tuple[bytes, dict[str, int], int]:
    """Return the first bytes of the file, the offset of each tensor in bytes, and the size of the file in bytes."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    starts, end, itemsize = {}, 0, base.parse_dtype(dtype).itemsize
    for name, shape in signature.tensors.items():
        starts[name], end = end, end + shape[0] * shape[1] * itemsize
        header[name] = {"dtype": DTYPE_CODES[dtype], "shape": shape, "data_offsets": (starts[name], end)}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # readers memory-map the tensors, so they must start at a multiple of 8
    header_bytes = len(text).to_bytes(8, "little") + text
    return header_bytes, {name: len(header_bytes) + start for name, start in starts.items()}, len(header_bytes) + end


def _verify(folder: Path, signature: Signature) -> None:
    """Check that `folder` has both files, with the configuration of `signature`. Raises CorruptError."""
    for name in (WEIGHTS_FILE, CONFIG_FILE):
        if not (folder / name).is_file():
            raise CorruptError(f"{folder}: exists but has no {name}; delete the folder")
    if (folder / CONFIG_FILE).read_bytes() != serialize_config(signature):
        raise CorruptError(f"{folder}: {CONFIG_FILE} belongs to another adapter; delete the folder")


def _move(scratch: Path, folder: Path, signature: Signature) -> None:
    """Rename the finished folder. If another process was first, its content must be the same. Raises CorruptError."""
    try:
        scratch.rename(folder)
    except OSError:
        if not folder.exists():
            raise
        _verify(folder, signature)
        if not filecmp.cmp(scratch / WEIGHTS_FILE, folder / WEIGHTS_FILE, shallow=False):
            raise CorruptError(f"{folder}: another process wrote a different {WEIGHTS_FILE}; delete it") from None

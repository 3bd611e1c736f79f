"""Writing an adapter: an ordinary PEFT folder, deterministically, whole or not at all.

Invariants: the same tensors and signature give the same bytes on any machine; what stands in a folder never changes.

The file is laid out here and not by the safetensors package, which wants every tensor in memory at once: so tensors
come one at a time, in any order and from any thread. The format: a length of 8 bytes, a JSON header padded to a
multiple of 8, the tensors' bytes.

No digest is taken on the way: to hash a file costs more than to load and save it, and a recipe has its name without.
Who stores a file asks for its `digest`. Where a folder stands already, the bytes themselves are compared.
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
"""Written in one call; Linux takes 1,024."""


class TensorFile:
    """A safetensors file of known layout, open to be written or to be compared; any number of threads may `put`."""

    def __init__(self, path: Path, signature: Signature, dtype: str, *, exists: bool) -> None:
        """`exists`: the file is there, and everything put must be what it holds. Raises CorruptError and OSError."""
        header_bytes, self._starts, size = _compute_layout(signature, dtype)
        self._path, self._dtype, self._exists = path, dtype, exists
        self._file = os.open(path, os.O_RDONLY if exists else os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with ExitStack() as undo:
            undo.callback(self.close)
            if exists and os.fstat(self._file).st_size != size:
                raise self._corrupt(f"has {os.fstat(self._file).st_size} bytes, not {size}")
            self._write(0, [memoryview(header_bytes)])
            undo.pop_all()

    def put(self, tensor: str, pieces: Sequence[Float32Array], prefix: str = "") -> None:
        """Put a whole tensor, cast to the dtype of the file: its finite numbers, in contiguous pieces, in order.

        Raises BadInputError if one is too large for it, with `prefix` before the tensor's name; CorruptError if the
        existing file holds another.
        """
        self._write(self._starts[tensor], [encode(prefix + tensor, piece, self._dtype) for piece in pieces])

    def close(self) -> None:
        os.close(self._file)

    def _write(self, offset: int, data: Sequence[memoryview]) -> None:
        """Write pieces one after another, in as few calls as can be: long ones get large pages, which are cheap."""
        if self._exists:
            self._compare(offset, data)
            return
        for first in range(0, len(data), MAX_PIECES):
            batch = data[first : first + MAX_PIECES]
            written, size = os.pwritev(self._file, batch, offset), sum(map(len, batch))
            if written < size:  # a signal, or a disk that is almost full
                self._write_rest(offset + written, b"".join(batch)[written:])
            offset += size

    def _write_rest(self, offset: int, data: bytes) -> None:
        while data:
            written = os.pwrite(self._file, data, offset)
            offset, data = offset + written, data[written:]

    def _compare(self, offset: int, data: Sequence[memoryview]) -> None:
        for piece in data:
            if os.pread(self._file, len(piece), offset) != piece:
                raise self._corrupt(f"holds something else from byte {offset}")
            offset += len(piece)

    def _corrupt(self, problem: str) -> CorruptError:
        return CorruptError(f"{self._path}: {problem}; delete the folder")


@contextmanager
def open_tensor_file(folder: Path, signature: Signature, dtype: str = "float32") -> Iterator[TensorFile]:
    """The tensor file of a PEFT folder, to put every tensor into; the folder is there once the block has ended.

    A folder that is there already is verified, not rewritten: raises CorruptError if it holds anything else. Raises
    BadInputError for an unknown dtype. After an error nothing is left.
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
        scratch.chmod(0o755)  # mkdtemp's 0700 would lock out the user whose server reads the export
        _move(scratch, folder, signature)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def save(folder: Path, tensors: Iterable[tuple[str, Tensor]], signature: Signature, dtype: str = "float32") -> None:
    """Write a PEFT folder.

    `tensors` come in the order of `signature.tensors` and are held one at a time, so a generator streams. Raises as
    `open_tensor_file` does, and BadInputError on a tensor that is not finite.
    """
    remaining = iter(tensors)
    with open_tensor_file(folder, signature, dtype) as file:
        for name, shape in signature.tensors.items():
            found, tensor = next(remaining, ("nothing", torch.empty(0)))
            if found != name or tuple(tensor.shape) != shape:
                raise ValueError(f"{found} {tuple(tensor.shape)} where the signature has {name} {shape}")
            numbers = tensor.detach().to("cpu", torch.float32).contiguous().numpy()
            adapter.check_finite(name, numbers)
            file.put(name, [numbers])


def digest(folder: Path) -> Digest:
    """The sha256 of the tensor file in `folder`."""
    return files.digest(folder / WEIGHTS_FILE)


def encode(name: str, numbers: Float32Array, dtype: str) -> memoryview:
    """The bytes of contiguous, finite `numbers` cast to `dtype`. Raises BadInputError if one is too large for it."""
    if dtype == "float32":
        return numbers.data.cast("B")
    cast = adapter.require_finite(name, torch.from_numpy(numbers).to(base.parse_dtype(dtype)))
    return cast.view(torch.uint8).numpy().data.cast("B")


def serialize_config(signature: Signature) -> bytes:
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


@functools.lru_cache(maxsize=4)  # of recipes over one basis it is the same
def _compute_layout(signature: Signature, dtype: str) -> tuple[bytes, dict[str, int], int]:
    """The file's first bytes, where each tensor starts in it, and its size."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    starts, end, itemsize = {}, 0, base.parse_dtype(dtype).itemsize
    for name, shape in signature.tensors.items():
        starts[name], end = end, end + shape[0] * shape[1] * itemsize
        header[name] = {"dtype": DTYPE_CODES[dtype], "shape": shape, "data_offsets": (starts[name], end)}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # readers map the tensors, so they begin at a multiple of 8
    header_bytes = len(text).to_bytes(8, "little") + text
    return header_bytes, {name: len(header_bytes) + start for name, start in starts.items()}, len(header_bytes) + end


def _verify(folder: Path, signature: Signature) -> None:
    """Pass if `folder` has both files, and the configuration of `signature`. Raises CorruptError."""
    for name in (WEIGHTS_FILE, CONFIG_FILE):
        if not (folder / name).is_file():
            raise CorruptError(f"{folder}: stands there without {name}; delete the folder")
    if (folder / CONFIG_FILE).read_bytes() != serialize_config(signature):
        raise CorruptError(f"{folder}: {CONFIG_FILE} is not the one of this adapter; delete the folder")


def _move(scratch: Path, folder: Path, signature: Signature) -> None:
    """Give the finished folder its name; if another process was first, what that one wrote must be the same."""
    try:
        scratch.rename(folder)
    except OSError:
        if not folder.exists():
            raise
        _verify(folder, signature)
        if not filecmp.cmp(scratch / WEIGHTS_FILE, folder / WEIGHTS_FILE, shallow=False):
            raise CorruptError(f"{folder}: another process wrote another {WEIGHTS_FILE}; delete the folder") from None

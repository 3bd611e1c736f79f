"""The tensor file of an adapter, mapped into memory and read as float32, in part or whole.

`flat` and `whole` copy nothing: the numbers of a float32 file are the file's own pages, which the system may take back
at will; those of a narrower one are widened, exactly, as they are asked for. `read` copies, to where it is wanted. Any
number of threads may read.

The safetensors package reads the same, but makes a tensor of every slice, which costs more than the sums.

Limits: the file is one that `adapter.read_signature` has passed, and nobody shortens it meanwhile.
"""

import json
import mmap
import os
import weakref
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from swarm_trainer.lora import adapter
from swarm_trainer.lora.adapter import Float32Array

_RAW: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "BF16": np.dtype("<u2")}


class MappedTensorFile:
    """A tensor file, open for reading until nobody holds what was read."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError if there is no file."""
        self._file = os.open(folder / adapter.WEIGHTS_FILE, os.O_RDONLY)
        weakref.finalize(self, os.close, self._file)
        self._data = mmap.mmap(self._file, 0, prot=mmap.PROT_READ)
        length = int.from_bytes(self._data[:8], "little")
        self._start, self._header = 8 + length, json.loads(self._data[8 : 8 + length])
        self._plain = {
            tensor: self._start + entry["data_offsets"][0]
            for tensor, entry in self._header.items()
            if _RAW.get(entry.get("dtype")) == np.float32
        }
        """Where the tensors begin that hold the machine's own float32."""

    def flat(self, tensor: str, start: int, stop: int) -> Float32Array:
        """Elements [start, stop) of a tensor laid out in rows; read only."""
        entry = self._header[tensor]
        raw = _RAW[entry["dtype"]]
        offset = self._start + entry["data_offsets"][0] + start * raw.itemsize
        numbers: NDArray[Any] = np.frombuffer(self._data, raw, stop - start, offset)
        if entry["dtype"] == "BF16":  # the upper half of a float32
            numbers = (numbers.astype(np.uint32) << np.uint32(16)).view(np.float32)
        widened: Float32Array = numbers.astype(np.float32, copy=False)
        return widened

    def read(self, tensor: str, start: int, out: Float32Array) -> None:
        """Fill `out`, flat, with the elements from `start` on: for one run over a file cheaper than to map its pages.

        Raises OSError if the file has become shorter.
        """
        offset = self._plain.get(tensor)
        if offset is None:
            out[:] = self.flat(tensor, start, start + out.size)
        elif os.preadv(self._file, (out.data,), offset + start * out.itemsize) != out.nbytes:
            raise OSError(f"{tensor}: its file was shortened meanwhile; fetch the adapter again")

    def whole(self, tensor: str) -> Float32Array:
        """A tensor in its shape; read only."""
        rows, columns = self._header[tensor]["shape"]
        return self.flat(tensor, 0, rows * columns).reshape(rows, columns)

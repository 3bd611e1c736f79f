"""Reads the tensor file of an adapter as float32, in parts or whole, through a memory map.

`flat` and `whole` copy nothing from a float32 file: the numbers are the pages of the file, which the operating system
can reclaim at any time. Numbers of narrower types are widened, exactly, on request. `read` copies into a given array.
Any number of threads may read.

The safetensors package reads the same data, but creates a tensor for each slice, which takes longer than the sums.

Limits: `adapter.read_signature` must have accepted the file, and the file must not become shorter while it is open.
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
"""The numpy types of the stored bytes. numpy has no bfloat16, so its bits are read as integers."""


class MappedTensorFile:
    """A tensor file, open for reading. Its descriptor closes with this object; arrays keep the memory map alive."""

    def __init__(self, folder: Path) -> None:
        """Open the tensor file in `folder`. Raises OSError if there is none."""
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
        """The offsets, in bytes, of the tensors that are stored in the machine's own float32 format."""

    def flat(self, tensor: str, start: int, stop: int) -> Float32Array:
        """Return the elements [start, stop) of the flattened tensor, in row-major order; read-only, float32."""
        entry = self._header[tensor]
        raw = _RAW[entry["dtype"]]
        offset = self._start + entry["data_offsets"][0] + start * raw.itemsize
        numbers: NDArray[Any] = np.frombuffer(self._data, raw, stop - start, offset)
        if entry["dtype"] == "BF16":  # a bfloat16 is the upper half of a float32
            numbers = (numbers.astype(np.uint32) << np.uint32(16)).view(np.float32)
        widened: Float32Array = numbers.astype(np.float32, copy=False)
        return widened

    def read(self, tensor: str, start: int, out: Float32Array) -> None:
        """Fill `out` [elements] with the elements of the flattened tensor from `start` on.

        For a single pass over a file, this is faster than access through the memory map. Raises OSError if the file has
        become shorter.
        """
        offset = self._plain.get(tensor)
        if offset is None:
            out[:] = self.flat(tensor, start, start + out.size)
        elif os.preadv(self._file, (out.data,), offset + start * out.itemsize) != out.nbytes:
            raise OSError(f"{tensor}: its file became shorter while it was open; fetch the adapter again")

    def whole(self, tensor: str) -> Float32Array:
        """Return a tensor in its shape, A [rank, in] or B [out, rank]; read-only, float32."""
        rows, columns = self._header[tensor]["shape"]
        return self.flat(tensor, 0, rows * columns).reshape(rows, columns)

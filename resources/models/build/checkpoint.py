"""Reads the weights of a PyTorch checkpoint (the sequential format that precedes PyTorch 1.6) without PyTorch.

The stream holds five pickles (magic number, protocol version, system info, the object, the storage keys) followed by
the raw storages: an int64 count and that many little-endian elements each. Nothing but the handful of names below can
be resolved while unpickling, so a tampered file cannot run code.
"""

from __future__ import annotations

import io
import pickle
import struct
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001


@dataclass(frozen=True)
class _View:
    """A tensor that still points into a storage which follows later in the stream."""

    key: str
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


def _rebuild_tensor(storage: str, offset: int, shape: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> _View:
    return _View(storage, offset, shape, stride)


class _Unpickler(pickle.Unpickler):
    """Resolves the names that a state dict of float and int64 tensors needs, and refuses every other name."""

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream)
        self.dtypes: dict[str, np.dtype] = {}

    def find_class(self, module: str, name: str) -> Any:
        allowed = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
            ("torch", "FloatStorage"): np.dtype("<f4"),
            ("torch", "LongStorage"): np.dtype("<i8"),
        }
        if (module, name) not in allowed:
            raise pickle.UnpicklingError(f"the checkpoint asks for {module}.{name}, which no weight file needs")
        return allowed[module, name]

    def persistent_load(self, pid: Any) -> str:
        kind, dtype, key, _location, _count, view = pid
        if kind != "storage" or view is not None:
            raise pickle.UnpicklingError(f"unsupported storage record {pid!r}")
        self.dtypes[key] = dtype
        return key


def read_checkpoint(data: bytes) -> dict[str, np.ndarray]:
    """Returns the state dict of a sequential checkpoint: parameter name -> array.

    Raises:
        pickle.UnpicklingError: the stream is not such a checkpoint, or asks for a name that weights do not need.
    """
    stream = io.BytesIO(data)
    if _Unpickler(stream).load() != _MAGIC or _Unpickler(stream).load() != _PROTOCOL:
        raise pickle.UnpicklingError("not a sequential PyTorch checkpoint")
    if not _Unpickler(stream).load()["little_endian"]:
        raise pickle.UnpicklingError("expected a little-endian checkpoint")
    unpickler = _Unpickler(stream)
    state = unpickler.load()
    storages = {}
    for key in _Unpickler(stream).load():
        dtype = unpickler.dtypes[key]
        (count,) = struct.unpack("<q", stream.read(8))
        storages[key] = np.frombuffer(stream.read(count * dtype.itemsize), dtype=dtype, count=count)

    def materialise(view: _View) -> np.ndarray:
        storage = storages[view.key]
        last = view.offset + sum((size - 1) * step for size, step in zip(view.shape, view.stride, strict=True))
        if last >= storage.size:
            raise pickle.UnpicklingError(f"a tensor of shape {view.shape} reaches beyond its storage")
        strides = tuple(step * storage.itemsize for step in view.stride)
        return np.lib.stride_tricks.as_strided(storage[view.offset :], view.shape, strides).copy()

    return {name: materialise(view) for name, view in state.items()}

"""Where arrays are in memory, for the tables of addresses that other kernels take."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from riacho.kernels.compile import kernel

_KINDS = ("uint8", "int64", "boolean", "int32", "uint64", "float64", "int8", "int16", "float32")


@kernel(*(f"int64(Array({kind}, {dimensions}, 'C', True))" for kind in _KINDS for dimensions in (1, 2)))
def address_of_contiguous(array: NDArray[Any]) -> int:
    """The address of the first element: a fifth of what `array.ctypes.data` takes, which makes an object for it."""
    address: int = array.ctypes.data
    return address

"""CRC-32C within kernels: a batch is summed and read in one call, while its bytes are in the processor's cache.

A library's function is called once a batch, and each call gives the interpreter's lock away and waits for it again,
which wakes the job's main thread and is paid for by it: measured, as much as the sums themselves.

CRC-32C is Castagnoli's polynomial (RFC 3720, section 12.1), bits reflected: the number's highest bit is the term x^0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

import numpy as np
from llvmlite import binding, ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from riacho.kernels.compile import inlined, inner
from riacho.kernels.primitives import load_word, uint64

Bytes = NDArray[np.uint8]

_POLYNOMIAL: Final = 0x82F63B78
_ONE: Final = 1 << 31
"""The polynomial 1, and as a number the highest bit."""
_BEGIN: Final = 0xFFFFFFFF

LONG: Final = 1 << 14
"""From so many bytes on three parts are summed side by side and put together, which takes some microseconds: the
processor's instruction takes three cycles, and one can be begun in each."""

_INSTRUCTIONS: Final = {"sse4.2": "llvm.x86.sse42.crc32.64.64", "crc": "llvm.aarch64.crc32cx"}
"""By the processor's feature, what takes a sum and a word of eight bytes."""


def add_word_by_bits(crc: int, word: int) -> int:
    """The sum with eight bytes more: what the instruction does, for a processor that has none."""
    crc ^= word
    for _ in range(64):
        crc = (crc >> uint64(1)) ^ (uint64(_POLYNOMIAL) if crc & uint64(1) else uint64(0))
    return crc


def _instruction(name: str) -> Callable[[int, int], int]:
    wide = ir.IntType(64)
    kind = ir.IntType(32) if "aarch64" in name else wide

    def add(_typing: Any, _crc: Any, _word: Any) -> Any:
        def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            signature = ir.FunctionType(kind, [kind, wide])
            function = cgutils.get_or_insert_function(builder.module, signature, name)  # type: ignore[no-untyped-call]
            crc = arguments[0] if kind is wide else builder.trunc(arguments[0], kind)
            added = builder.call(function, [crc, arguments[1]])
            return added if kind is wide else builder.zext(added, wide)

        return types.uint64(types.uint64, types.uint64), generate

    return cast("Callable[[int, int], int]", intrinsic(add))


def _fastest() -> Callable[[int, int], int]:
    """The processor's instruction, where it has one and Numba was not told to compile for another processor."""
    if config.CPU_NAME is None and config.CPU_FEATURES is None:  # type: ignore[attr-defined]
        features = binding.get_host_cpu_features()
        for feature, name in _INSTRUCTIONS.items():
            if features.get(feature):
                return _instruction(name)
    return inner(add_word_by_bits)


_add_word = _fastest()


@inlined
def _add_byte(crc: int, byte: int) -> int:
    crc = crc ^ uint64(byte)
    for _ in range(8):
        crc = (crc >> uint64(1)) ^ (uint64(_POLYNOMIAL) if crc & uint64(1) else uint64(0))
    return crc


@inner
def _product(one: int, other: int) -> int:
    """Of two polynomials, reduced by Castagnoli's."""
    result = uint64(0)
    for bit in range(32):
        if one & (uint64(_ONE) >> uint64(bit)):
            result ^= other
        other = (other >> uint64(1)) ^ (uint64(_POLYNOMIAL) if other & uint64(1) else uint64(0))
    return result


@inner
def _power(exponent: int) -> int:
    """x to the power of a positive number, reduced."""
    result, square = uint64(_ONE), uint64(_ONE >> 1)
    while exponent:
        if exponent & 1:
            result = _product(result, square)
        square = _product(square, square)
        exponent >>= 1
    return result


@inner
def crc32c(data: Bytes, start: int, end: int) -> int:
    """The sum of the bytes between."""
    crc = uint64(_BEGIN)
    if end - start >= LONG:
        part = (end - start) // 24 * 8
        second, third = uint64(0), uint64(0)
        for position in range(start, start + part, 8):
            crc = _add_word(crc, load_word(data, position))
            second = _add_word(second, load_word(data, position + part))
            third = _add_word(third, load_word(data, position + 2 * part))
        # What precedes a part is, seen from its end, shifted by the part's bits.
        shift = _power(8 * part)
        crc = _product(_product(crc, shift) ^ second, shift) ^ third
        start += 3 * part
    while start + 8 <= end:
        crc = _add_word(crc, load_word(data, start))
        start += 8
    while start < end:
        crc = _add_byte(crc, data[start])
        start += 1
    return crc ^ uint64(_BEGIN)

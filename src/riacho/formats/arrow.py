"""The bridge between NumPy buffers and Polars columns: the Arrow C data interface, without copying.

Numbers could cross by NumPy alone; strings, decimals, lists and null bitmaps cannot. One crossing carries all columns
of a batch. Source: Apache Arrow, "The Arrow C data interface" and "The Arrow PyCapsule Interface".
"""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.kernels.addresses import address_of_contiguous

AnyArray = npt.NDArray[Any]
Uint8Array = npt.NDArray[np.uint8]
Uint64Array = npt.NDArray[np.uint64]
BoolArray = npt.NDArray[np.bool_]

VIEW_BYTES = 16
"""The size of one string view: length, then the bytes themselves (up to 12) or prefix, buffer number and offset."""


class _Schema(ctypes.Structure):
    pass


_SchemaPointer = ctypes.POINTER(_Schema)
_Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_char_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(_SchemaPointer)),
    ("dictionary", ctypes.c_void_p),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]


class _Array(ctypes.Structure):
    pass


_ArrayPointer = ctypes.POINTER(_Array)
_Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(_ArrayPointer)),
    ("dictionary", ctypes.c_void_p),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]


class _Stream(ctypes.Structure):
    pass


_Stream._fields_ = [
    ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), _SchemaPointer)),
    ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), _ArrayPointer)),
    ("get_last_error", ctypes.c_void_p),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]

_NULLABLE = 2  # ARROW_FLAG_NULLABLE

_new_capsule = ctypes.pythonapi.PyCapsule_New
_new_capsule.restype = ctypes.py_object
_new_capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
_capsule_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_capsule_pointer.restype = ctypes.c_void_p
_capsule_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]

_lent: dict[int, list[object]] = {}
"""What each exported structure points to, until its receiver releases it."""

_tickets = itertools.count(1)


def _mark_released(pointer: Any) -> None:
    pointer.contents.release = None


def _give_back(pointer: Any) -> None:
    _lent.pop(pointer.contents.private_data or 0, None)
    pointer.contents.release = None


_RELEASES_SCHEMA = ctypes.CFUNCTYPE(None, _SchemaPointer)(_mark_released)
_RELEASES_ARRAY = ctypes.CFUNCTYPE(None, _ArrayPointer)(_give_back)
_RELEASE_SCHEMA = ctypes.cast(_RELEASES_SCHEMA, ctypes.c_void_p).value
_RELEASE_ARRAY = ctypes.cast(_RELEASES_ARRAY, ctypes.c_void_p).value


@dataclass(slots=True)  # freezing a value takes as long as four of these, and a small batch makes many
class Column:
    """One column as Arrow buffers, never changed.

    `format` is Arrow's code ("l" int64, "vu" string view, "+L" large list, …).
    `valid` is a bool per row, or None where no row is null. `buffers` are those after the validity bitmap.
    """

    format: str
    length: int
    buffers: tuple[AnyArray, ...] = ()
    valid: BoolArray | None = None
    children: tuple[tuple[str, Column], ...] = ()
    _addresses: tuple[int, tuple[int, ...]] | None = field(default=None, repr=False, compare=False)

    def addresses(self) -> tuple[int, tuple[int, ...]]:
        """Where the validity is, a byte a row (0: there is none), and where the buffers are.

        Asked of NumPy once: for a small batch it takes longer than a kernel takes for its rows.
        """
        found = self._addresses
        if found is None:
            valid = 0 if self.valid is None else address_of(self.valid)
            found = valid, tuple([address_of(buffer) for buffer in self.buffers])
            self._addresses = found
        return found


def address_of(array: AnyArray) -> int:
    """Where an array's first element is."""
    try:
        return address_of_contiguous(array)
    except TypeError:  # one with gaps, or of another type
        return array.ctypes.data


def strings(views: Uint8Array, data: Sequence[Uint8Array], valid: BoolArray | None, *, text: bool = True) -> Column:
    """A column of string views (16 bytes a row) into `data`; `text` promises UTF-8, else the type is Binary."""
    sizes = np.array([len(buffer) for buffer in data], np.int64)
    return Column("vu" if text else "vz", len(views) // VIEW_BYTES, (views, *data, sizes), valid)


def to_frame(columns: Sequence[tuple[str, Column]], height: int) -> pl.DataFrame:
    """The columns as a frame that shares their memory and keeps it alive."""
    if not columns:
        return pl.DataFrame(height=height)
    struct = Column("+s", height, (), None, tuple(columns))
    return pl.Series("", _Exported(struct)).struct.unnest()


class _Exported:
    """An object of the Arrow PyCapsule protocol over one column. Must outlive the import of its schema."""

    __slots__ = ("_column", "_schema")

    def __init__(self, column: Column) -> None:
        self._column = column
        self._schema = _Schema.from_buffer_copy(_schema(_signature("", column))[0])

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        del requested_schema  # the protocol lets a producer ignore it
        kept: list[object] = []
        array = _build_array(self._column, kept)
        kept.append(array)
        array.private_data = next(_tickets)
        _lent[array.private_data] = kept
        return (
            _new_capsule(ctypes.addressof(self._schema), b"arrow_schema", None),
            _new_capsule(ctypes.addressof(array), b"arrow_array", None),
        )


_Signature = tuple[str, str, tuple["_Signature", ...]]


def _signature(name: str, column: Column) -> _Signature:
    return (name, column.format, tuple(_signature(child_name, child) for child_name, child in column.children))


@cache
def _schema(signature: _Signature) -> tuple[Any, list[object]]:
    """The C structure of a column's type, built once for each type that a process exports."""
    name, code, below = signature
    parts = [_schema(child) for child in below]
    pointers = (_SchemaPointer * len(parts))(*(ctypes.pointer(part[0]) for part in parts))
    texts = (code.encode(), name.encode())
    schema = _Schema(texts[0], texts[1], None, _NULLABLE, len(parts), pointers, None, _RELEASE_SCHEMA, None)
    return schema, [parts, pointers, texts]


def _build_array(column: Column, kept: list[object]) -> Any:
    children = [_build_array(child, kept) for _, child in column.children]
    pointers = (_ArrayPointer * len(children))(*(ctypes.pointer(child) for child in children))
    bitmap = None if column.valid is None else np.packbits(column.valid, bitorder="little")
    addresses = [None if bitmap is None else address_of(bitmap), *column.addresses()[1]]
    buffers = (ctypes.c_void_p * len(addresses))(*addresses)
    kept.extend((children, pointers, bitmap, column.buffers, buffers))
    nulls = 0 if bitmap is None else -1
    return _Array(column.length, nulls, 0, len(addresses), len(children), buffers, pointers, None, _RELEASE_ARRAY, None)


@dataclass(slots=True)  # not frozen, as columns are not
class StringViews:
    """The memory of a string or binary column: 16-byte views, and the address of each buffer that they point into.

    Null rows have a false `valid`; what their view says is undefined. `owner` keeps the memory alive.
    """

    views: Uint8Array
    addresses: Uint64Array
    valid: BoolArray | None
    owner: object


def string_views(series: pl.Series) -> StringViews:
    """The views of a String or Binary series, without copying its bytes."""
    assert series.dtype in (pl.String, pl.Binary), f"{series.dtype} has no views"
    series = series.rechunk()
    height = len(series)
    if height == 0:
        return StringViews(np.empty(0, np.uint8), np.zeros(1, np.uint64), None, series)
    capsule = series.__arrow_c_stream__()
    stream = _Stream.from_address(_capsule_pointer(capsule, b"arrow_array_stream"))
    array = _Array()
    status = stream.get_next(ctypes.byref(stream), ctypes.byref(array))
    assert status == 0, "Polars exports every string column"
    assert array.length == height, "a rechunked series is one array"
    owner = _Received(array, series)
    first = array.offset
    address = array.buffers[1]
    views = _at(address, (first + height) * VIEW_BYTES)[first * VIEW_BYTES :]
    data = [array.buffers[index] or 0 for index in range(2, array.n_buffers - 1)]
    valid = ~series.is_null().to_numpy() if series.null_count() else None
    return StringViews(views, np.array(data or [0], np.uint64), valid, owner)


def views_of(column: Column) -> StringViews:
    """The views of a column of strings or byte strings."""
    data = column.addresses()[1][1:-1]
    return StringViews(column.buffers[0].view(np.uint8), np.array(data or [0], np.uint64), column.valid, column)


@dataclass(slots=True)  # not frozen, as columns are not
class Buffers:
    """Where a column's memory is: the addresses of its validity bitmap (0: no nulls) and of its data buffers.

    `offset` is the place of the first row in all of them but the data of views. A struct has `children`.
    """

    offset: int
    valid: int
    data: tuple[int, ...]
    children: tuple[Buffers, ...]


def frame_buffers(frame: pl.DataFrame) -> tuple[tuple[Buffers, ...], object]:
    """The memory of each column of a frame that has rows, in one crossing, and what keeps that memory alive."""
    assert frame.height, "a frame without rows has no memory"
    frame = frame.rechunk()
    stream = _Stream.from_address(_capsule_pointer(capsule := frame.__arrow_c_stream__(), b"arrow_array_stream"))
    array = _Array()
    status = stream.get_next(ctypes.byref(stream), ctypes.byref(array))
    assert status == 0, "Polars exports every frame"
    assert array.length == frame.height, "a rechunked frame is one array"
    owner = _Received(array, (frame, capsule))
    columns = tuple(_buffers(array.children[place].contents, array.offset) for place in range(array.n_children))
    return columns, owner


class _Memory:
    """Bytes at an address, and what keeps them alive as long as an array looks at them."""

    __slots__ = ("__array_interface__", "_owner")

    def __init__(self, address: int, size: int, owner: object) -> None:
        self.__array_interface__ = {"data": (address, True), "shape": (size,), "typestr": "|u1", "version": 3}
        self._owner = owner


def view_data(place: Buffers, owner: object) -> list[Uint8Array]:
    """The data buffers that a column of views points into, each of which keeps `owner` alive."""
    addresses = place.data[1:-1]
    if not addresses:
        return []
    sizes = _at(place.data[-1], 8 * len(addresses)).view(np.int64).tolist()
    return [memory_at(address, size, owner) for address, size in zip(addresses, sizes, strict=True)]


def memory_at(address: int, size: int, owner: object) -> Uint8Array:
    """The bytes at an address as an array that keeps `owner` alive."""
    return np.asarray(_Memory(address, size, owner)) if size else np.empty(0, np.uint8)


def column_buffers(column: Column) -> tuple[Buffers, object]:
    """The memory of a column, and what keeps it alive."""
    children = [column_buffers(child) for _, child in column.children]
    bitmap = None if column.valid is None else np.packbits(column.valid, bitorder="little")
    _, addresses = column.addresses()
    found = Buffers(0, 0 if bitmap is None else address_of(bitmap), addresses, tuple(child for child, _ in children))
    return found, (column, bitmap, children)


def _buffers(array: Any, offset: int) -> Buffers:
    addresses = [array.buffers[place] or 0 for place in range(array.n_buffers)]
    offset += array.offset
    children = tuple(_buffers(array.children[place].contents, offset) for place in range(array.n_children))
    return Buffers(offset, addresses[0] if addresses else 0, tuple(addresses[1:]), children)


class _Received:
    """An array that Polars exported; released when nothing refers to it any more. `_source` is what it came from."""

    __slots__ = ("_array", "_source")

    def __init__(self, array: Any, source: object) -> None:
        self._array = array
        self._source = source

    def __del__(self) -> None:
        if self._array.release:
            release = ctypes.CFUNCTYPE(None, _ArrayPointer)(self._array.release)
            release(ctypes.byref(self._array))


def _at(address: int, size: int) -> Uint8Array:
    """The bytes at an address, as an array that does not own them."""
    memory = (ctypes.c_uint8 * size).from_address(address)
    return np.ctypeslib.as_array(memory)

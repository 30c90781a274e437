"""Rows as 64-bit words: how frames enter state and leave it.

Every value of a fixed width becomes one word that orders as the value does; strings, byte strings, wide decimals and
nested values become the id of their bytes in a `StringPool`. Two rows are equal exactly when their words are, with
null equal to null, NaN to NaN, and −0.0 different from 0.0: Flink compares keys in their binary form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.dataflow.columns import integers
from riacho.dataflow.state.nested import nested_to_text, text_to_nested
from riacho.dataflow.state.strings import StringPool
from riacho.formats.arrow import Column, string_views, to_frame, views_of
from riacho.formats.buffered import BufferedColumns, Columnar
from riacho.plan.relations import Field
from riacho.plan.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    CharType,
    DataType,
    DateType,
    DecimalType,
    FloatType,
    IntegerType,
    MapType,
    NullType,
    RowType,
    TimestampLtzType,
    TimestampType,
    TimeType,
    VarbinaryType,
    VarcharType,
    is_bytes,
    is_text,
)

AnyArray = npt.NDArray[np.generic]
Int64Array = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

NULLS_PER_WORD = 63
"""Columns whose null bits share a word; the sign bit stays free."""

NARROW_DECIMAL = 18
"""Digits that always fit into one word."""

_QUIET_NAN = 0x7FF8000000000000
_LOW_63 = 0x7FFFFFFFFFFFFFFF
_SIGN = np.uint64(1 << 63)

_INTEGER_FORMATS: dict[int, tuple[str, type[np.generic]]] = {
    8: ("c", np.int8),
    16: ("s", np.int16),
    32: ("i", np.int32),
    64: ("l", np.int64),
}


def is_interned(data_type: DataType) -> bool:
    """Whether the word of such a value is an id of the pool."""
    if isinstance(data_type, DecimalType):
        return data_type.precision > NARROW_DECIMAL
    return is_text(data_type) or is_bytes(data_type) or isinstance(data_type, ArrayType | MapType | RowType)


def words_of_floats(values: npt.NDArray[np.float64]) -> Int64Array:
    """IEEE 754's total order as integers, with one NaN, the greatest.

    >>> words = words_of_floats(np.array([-np.inf, -0.0, 0.0, 1.5, np.inf, np.nan]))
    >>> bool((np.diff(words) > 0).all())
    True
    """
    bits = values.view(np.int64)
    bits = np.where(np.isnan(values), _QUIET_NAN, bits)
    return bits ^ ((bits >> 63) & _LOW_63)


def floats_of_words(words: Int64Array) -> npt.NDArray[np.float64]:
    """The inverse of `words_of_floats`."""
    return (words ^ ((words >> 63) & _LOW_63)).view(np.float64)


def limbs_of_decimals(series: pl.Series) -> tuple[Int64Array, npt.NDArray[np.uint64]]:
    """The unscaled values as 128-bit two's complement: upper and lower half."""
    unscaled = series.to_physical().fill_null(0)
    low = (unscaled & ((1 << 64) - 1)).cast(pl.UInt64).to_numpy()
    high = ((unscaled - (unscaled & ((1 << 64) - 1))) // (1 << 64)).cast(pl.Int64).to_numpy()
    return high, low


def decimal_column(high: Int64Array, low: npt.NDArray[np.uint64], valid: BoolArray | None, kind: DecimalType) -> Column:
    """Unscaled 128-bit values as an Arrow decimal column."""
    limbs = np.empty((len(low), 2), np.uint64)
    limbs[:, 0] = low
    limbs[:, 1] = high.view(np.uint64)
    return Column(f"d:{kind.precision},{kind.scale}", len(low), (limbs,), valid)


def encode(column: Column | pl.Series, data_type: DataType, pool: StringPool) -> tuple[Int64Array, BoolArray | None]:
    """A column's words, and which rows are valid (None: all). The word of a null is 0, or `NO_STRING`."""
    if isinstance(column, pl.Series):
        return _encode_series(column, data_type, pool)
    if isinstance(data_type, IntegerType) and data_type.bits == 64:
        words: Int64Array | None = column.buffers[0]
    elif is_text(data_type) or is_bytes(data_type):
        return pool.intern_views(views_of(column), column.length), column.valid
    else:
        words = _words_of_buffers(column, data_type)
    if words is None:
        return _encode_series(to_frame([("", column)], column.length).to_series(), data_type, pool)
    return words if column.valid is None else np.where(column.valid, words, 0), column.valid


def _words_of_buffers(column: Column, data_type: DataType) -> Int64Array | None:
    """The words of values of a fixed width, whatever those of nulls; None for others."""
    match data_type:
        case BooleanType():
            bits = np.unpackbits(column.buffers[0], count=column.length, bitorder="little")
            return bits.astype(np.int64)
        case FloatType():
            return words_of_floats(column.buffers[0].astype(np.float64, copy=False))
        case DecimalType(precision=precision):
            low_halves = column.buffers[0].reshape(-1).view(np.int64)[::2]
            return np.ascontiguousarray(low_halves) if precision <= NARROW_DECIMAL else None
    if is_interned(data_type) or isinstance(data_type, NullType):
        return None
    words: Int64Array = column.buffers[0].astype(np.int64, copy=False)
    return words


def _encode_series(series: pl.Series, data_type: DataType, pool: StringPool) -> tuple[Int64Array, BoolArray | None]:
    valid = ~series.is_null().to_numpy() if series.null_count() else None
    if valid is None and isinstance(data_type, IntegerType) and data_type.bits == 64:
        return series.to_numpy(), None
    if is_text(data_type) or is_bytes(data_type):
        return pool.intern_views(string_views(series), len(series)), valid
    if isinstance(data_type, DecimalType) and data_type.precision > NARROW_DECIMAL:
        return _intern_decimals(series, valid, pool), valid
    if is_interned(data_type):
        return pool.intern(nested_to_text(series)), valid
    if isinstance(data_type, NullType):
        return np.zeros(len(series), np.int64), np.zeros(len(series), np.bool_)
    if isinstance(data_type, BooleanType):
        return series.fill_null(value=False).to_numpy().astype(np.int64), valid
    if isinstance(data_type, FloatType):
        words = words_of_floats(np.ascontiguousarray(series.cast(pl.Float64).fill_null(0.0).to_numpy()))
        return words, valid
    numbers = integers(series.to_physical() if isinstance(data_type, DecimalType) else series)
    if valid is not None:
        numbers = numbers.fill_null(0)
    return numbers.to_numpy(), valid


def _intern_decimals(series: pl.Series, valid: BoolArray | None, pool: StringPool) -> Int64Array:
    """Ids of 16 bytes that order as the numbers do: big-endian, the sign bit flipped."""
    high, low = limbs_of_decimals(series)
    limbs = np.empty((len(low), 2), ">u8")
    limbs[:, 0] = high.view(np.uint64) ^ _SIGN
    limbs[:, 1] = low
    raw = Column("w:16", len(low), (limbs,), valid)
    packed = to_frame([("packed", raw)], len(low)).to_series()
    return pool.intern(packed)


def decode(words: Int64Array, valid: BoolArray | None, data_type: DataType, pool: StringPool) -> Column | pl.Series:
    """The inverse of `encode`: an Arrow column, or a series where only Polars can build it."""
    length = len(words)
    match data_type:
        case IntegerType(bits=64):
            return Column("l", length, (words,), valid)
        case IntegerType(bits=bits):
            code, kind_of = _INTEGER_FORMATS[bits]
            return Column(code, length, (words.astype(kind_of),), valid)
        case CharType() | VarcharType():
            return pool.column(words, valid, text=True)
        case BinaryType() | VarbinaryType():
            return pool.column(words, valid, text=False)
        case DecimalType(precision=precision) if precision > NARROW_DECIMAL:
            high, low = limbs_of_ids(words, pool)
            return decimal_column(high, low, valid, data_type)
        case ArrayType() | MapType() | RowType():
            texts = to_frame([("texts", pool.column(words, valid, text=True))], length).to_series()
            return text_to_nested(texts, data_type)
        case FloatType(bits=bits):
            floats = floats_of_words(words)
            return Column(
                "g" if bits == 64 else "f", length, (floats if bits == 64 else floats.astype(np.float32),), valid
            )
        case BooleanType():
            return Column("b", length, (np.packbits(words != 0, bitorder="little"),), valid)
        case DecimalType():
            return decimal_column(words >> 63, words.view(np.uint64), valid, data_type)
        case DateType():
            return Column("tdD", length, (words.astype(np.int32),), valid)
        case TimeType():
            return Column("ttn", length, (words,), valid)
        case TimestampType():
            return Column("tsu:", length, (words,), valid)
        case TimestampLtzType():
            return Column("tsu:UTC", length, (words,), valid)
        case NullType():
            return pl.Series([None] * length, dtype=pl.Null)
    return Column("l", length, (words,), valid)  # intervals


def limbs_of_ids(ids: Int64Array, pool: StringPool) -> tuple[Int64Array, npt.NDArray[np.uint64]]:
    """The high and low halves of wide decimals, which the pool holds in 16 bytes each; zeros for null."""
    starts, _, arena = pool.storage
    known = np.maximum(ids, 0)
    places = starts[known][:, None] + np.arange(16) if len(starts) else np.zeros((len(ids), 16), np.int64)
    limbs = arena[places].view(">u8")
    limbs = np.where((ids >= 0)[:, None], limbs, 0).astype(np.uint64)
    return (limbs[:, 0] ^ _SIGN).view(np.int64), limbs[:, 1].copy()


def build_frame(fields: Sequence[Field], columns: Sequence[Column | pl.Series], height: int) -> pl.DataFrame:
    """A frame of decoded columns, its types exactly those of `fields`."""
    crossing = [(item.name, column) for item, column in zip(fields, columns, strict=True) if isinstance(column, Column)]
    frame = to_frame(crossing, height)
    others = {item.name: column for item, column in zip(fields, columns, strict=True) if isinstance(column, pl.Series)}
    if not others:
        return frame
    frame = frame.with_columns(**others) if crossing else pl.DataFrame(others)
    return frame.select([item.name for item in fields])


def build_rows(fields: Sequence[Field], columns: Sequence[Column | pl.Series], height: int) -> Columnar:
    """The same, as buffers where every column has them."""
    buffered = tuple(column for column in columns if isinstance(column, Column))
    if len(buffered) < len(columns) or not columns:
        return build_frame(fields, columns, height)
    return BufferedColumns(tuple(item.name for item in fields), buffered, height)


@dataclass(frozen=True, slots=True)
class RowCodec:
    """Rows of given fields as rows of words: the null bits first, then one word per field."""

    fields: tuple[Field, ...]
    pool: StringPool
    null_words: int = field(init=False)
    interned: tuple[int, ...] = field(init=False)
    """Which words are ids of the pool."""

    def __post_init__(self) -> None:
        null_words = max(1, -(-len(self.fields) // NULLS_PER_WORD))
        interned = [null_words + place for place, item in enumerate(self.fields) if is_interned(item.type)]
        object.__setattr__(self, "null_words", null_words)
        object.__setattr__(self, "interned", tuple(interned))

    @property
    def width(self) -> int:
        """Words per row."""
        return self.null_words + len(self.fields)

    def encode(self, columns: Sequence[Column | pl.Series], rows: int, *, before: int = 0) -> Int64Array:
        """One row of words per row of the columns, after `before` words that the caller fills."""
        words = np.empty((rows, before + self.width), np.int64)
        self.write(columns, words, before)
        return words

    def write(self, columns: Sequence[Column | pl.Series], words: Int64Array, before: int) -> None:
        """The same into rows of words of which the first `before` stay as they are."""
        words[:, before : before + self.null_words] = 0
        for index, (series, item) in enumerate(zip(columns, self.fields, strict=True)):
            column, valid = encode(series, item.type, self.pool)
            words[:, before + self.null_words + index] = column
            if valid is not None:
                word, bit = divmod(index, NULLS_PER_WORD)
                words[:, before + word] |= (~valid).astype(np.int64) << bit

    def decode(self, words: Int64Array) -> list[Column | pl.Series]:
        """The columns that `encode` was given; `words` without those before."""
        return self.decode_columns(np.ascontiguousarray(words.T))

    def decode_columns(self, words: Int64Array) -> list[Column | pl.Series]:
        """The same of words that stand column by column."""
        nulls = [words[word] for word in range(self.null_words)]
        some = [bool(part.any()) for part in nulls]
        columns = []
        for index, item in enumerate(self.fields):
            word, bit = divmod(index, NULLS_PER_WORD)
            valid = (nulls[word] >> bit) & 1 == 0 if some[word] else None
            columns.append(decode(words[self.null_words + index], valid, item.type, self.pool))
        return columns

    def retain(self, words: Int64Array) -> None:
        """Keep the strings of these rows of words."""
        if self.interned:
            self.pool.retain(words[:, list(self.interned)])

    def release(self, words: Int64Array) -> None:
        """Let go of what `retain` kept."""
        if self.interned:
            self.pool.release(words[:, list(self.interned)])

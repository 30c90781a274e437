"""Columns to JSON objects, byte for byte as Flink's JSON format writes them.

Source: Flink, "JSON Format"; conversions as its RowDataToJsonConverters makes them, printed as Jackson prints.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
import polars as pl

from riacho.errors import RiachoError
from riacho.formats.arrow import Column
from riacho.formats.buffered import Columnar, column_named, series_of, taken_from
from riacho.formats.decoding import Bytes, Scratch, Spans
from riacho.formats.encoding import (
    EVERY_ROW,
    NO_PREFIX,
    ColumnWriter,
    FloatWriter,
    IntegersWriter,
    IntegerWriter,
    Prefixes,
    SpanWriter,
    Style,
    TextWriter,
    TimeWriter,
    boolean_texts,
    characters,
    decimal_texts,
    join_lists,
    list_parts,
    nulled,
    write_columns,
)
from riacho.formats.fields import Field, FieldType, Kind
from riacho.formats.json_text import quote
from riacho.kernels.write_texts import JSON_STRING, PLAIN, QUOTED

FAIL = "FAIL"
DROP = "DROP"
LITERAL = "LITERAL"

_NULL = characters("null")
_BARE = Style(-1, _NULL)


class JsonEncoder:
    """Writes one object per row.

    `iso_timestamps` writes `2024-01-01T00:00:00`, SQL style has a space; `offset` adds `Z` to TIMESTAMP too.
    `map_null_key` is FAIL, DROP or LITERAL (then `map_null_literal` stands for the key).
    """

    def __init__(
        self,
        fields: Sequence[Field],
        *,
        iso_timestamps: bool = False,
        offset: bool = False,
        map_null_key: str = FAIL,
        map_null_literal: str = "null",
        plain_decimals: bool = False,
        ignore_null_fields: bool = False,
    ) -> None:
        self._fields = tuple(fields)
        prefixed = [(item, _prefix(item.name)) for item in fields]
        runs = [(integers, tuple(run)) for integers, run in groupby(prefixed, _is_integer)]
        self._runs = [(run, Prefixes.of([prefix for _, prefix in run]) if integers else None) for integers, run in runs]
        """The fields and their prefixes, in runs of integers, with their prefixes together, and of others."""
        self._separator = "T" if iso_timestamps else " "
        self._offset = offset
        self._map_null_key = map_null_key
        self._map_null_literal = map_null_literal
        self._plain_decimals = plain_decimals
        self._scratch = Scratch()
        self._style = Style(ord("{"), _NULL, skip_nulls=ignore_null_fields)

    def encode(self, rows: Columnar) -> Spans:
        """An object per row. Raises `RiachoError` for a null key in a MAP under FAIL."""
        writers = list(self._writers(rows))
        return write_columns(writers, rows.height, self._style, "{", "}", self._scratch)

    def _writers(self, rows: Columnar) -> Iterator[tuple[Bytes, ColumnWriter]]:
        whole, places = taken_from(rows) or (rows, EVERY_ROW)
        for run, prefixes in self._runs:
            if prefixes is not None:
                columns = [column_named(whole, item.name) for item, _ in run]
                buffered = [column for column in columns if isinstance(column, Column)]
                if len(buffered) == len(columns):
                    yield NO_PREFIX, IntegersWriter(prefixes, buffered, places)
                    continue
            for item, prefix in run:
                yield prefix, self._writer(item.type, column_named(rows, item.name))

    def _objects(self, fields: Sequence[Field], columns: Sequence[pl.Series], height: int) -> Spans:
        writers = [
            (_prefix(item.name), self._writer(item.type, column)) for item, column in zip(fields, columns, strict=True)
        ]
        return write_columns(writers, height, self._style, "{", "}")

    def _writer(self, kind: FieldType, column: Column | pl.Series) -> ColumnWriter:
        match kind.kind:
            case Kind.INTEGER:
                return IntegerWriter(column)
            case Kind.STRING:
                return TextWriter(column, JSON_STRING)
            case Kind.DATE:
                return TimeWriter(column, quoted=True)
            case Kind.TIME:
                return TimeWriter(column, quoted=True)
            case Kind.TIMESTAMP:
                return TimeWriter(column, separator=self._separator, utc=self._offset, quoted=True)
            case Kind.TIMESTAMP_LTZ:
                return TimeWriter(column, separator=self._separator, utc=True, quoted=True)
        series = series_of(column)
        match kind.kind:
            case Kind.FLOAT:
                return FloatWriter(series, quotes_others=True)
            case Kind.BOOLEAN:
                return TextWriter(boolean_texts(series), PLAIN)
            case Kind.DECIMAL:
                return TextWriter(decimal_texts(series, kind.scale, plain=self._plain_decimals), PLAIN)
            case Kind.BYTES:
                return TextWriter(series.bin.encode("base64"), QUOTED)
            case Kind.ROW:
                return SpanWriter(self._rows(kind, series))
            case Kind.ARRAY:
                offsets, elements, valid = list_parts(series)
                written = self._values(kind.children[0].type, elements)
                return SpanWriter(join_lists(offsets, written, valid, brackets="[]", separator=",", null=_NULL))
            case Kind.MAP:
                return SpanWriter(self._maps(kind, series))

    def _values(self, kind: FieldType, series: pl.Series) -> Spans:
        """The text of each value on its own."""
        return write_columns([(characters(""), self._writer(kind, series))], len(series), _BARE, "", "")

    def _rows(self, kind: FieldType, series: pl.Series) -> Spans:
        columns = [series.struct.field(child.name) for child in kind.children]
        valid = series.is_not_null().to_numpy() if series.null_count() else None
        return nulled(self._objects(kind.children, columns, len(series)), valid)

    def _maps(self, kind: FieldType, series: pl.Series) -> Spans:
        key, value = kind.children
        offsets, entries, valid = list_parts(series)
        names = entries.struct.field(key.name)
        kept = None
        if names.null_count():
            if self._map_null_key == FAIL:
                raise RiachoError(
                    "a MAP with a null key cannot be written as JSON",
                    mend="set 'json.map-null-key.mode' to 'DROP' or 'LITERAL'",
                )
            if self._map_null_key == DROP:
                kept = names.is_not_null().to_numpy()
            names = names.fill_null(self._map_null_literal)
        return join_lists(
            offsets,
            self._values(value.type, entries.struct.field(value.name)),
            valid,
            brackets="{}",
            separator=",",
            null=_NULL,
            keys=self._values(key.type, names),
            kept=kept,
        )


def _is_integer(prefixed: tuple[Field, Bytes]) -> bool:
    return prefixed[0].type.kind is Kind.INTEGER


def _prefix(name: str) -> Bytes:
    return np.frombuffer(quote(name).encode() + b":", np.uint8)

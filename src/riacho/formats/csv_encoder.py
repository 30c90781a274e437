"""Columns to CSV lines, byte for byte as Flink's CSV format writes them.

Source: Flink, "CSV Format"; quoting is that of Jackson's CsvGenerator, which asks no more than needed of short texts
and quotes every long one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from riacho.formats import arrow
from riacho.formats.buffered import Columnar, column_named, series_of
from riacho.formats.csv_decoder import CsvDialect
from riacho.formats.decoding import Bytes, Int64Array, Scratch, Spans
from riacho.formats.encoding import (
    ALL_VALID,
    NO_OPENING,
    ColumnWriter,
    FloatWriter,
    IntegerWriter,
    Rows,
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
from riacho.kernels import write_csv
from riacho.kernels.write_texts import PLAIN

_IN_TIMESTAMPS = frozenset("0123456789-:. Z")
"""Characters of a timestamp, of which the blank asks for quotes."""


class _QuotedWriter:
    """A column of texts, in quotes where Jackson puts them."""

    def __init__(self, texts: arrow.Column | pl.Series, quote: str, escape: str | None, safe: int) -> None:
        self._memory = arrow.views_of(texts) if isinstance(texts, arrow.Column) else arrow.string_views(texts)
        self._views = self._memory.views.view(np.int32)
        self._valid = ALL_VALID if self._memory.valid is None else self._memory.valid
        self._quote, self._escape = ord(quote), ord(escape or quote)
        self._safe = safe

    def add_sizes(self, sizes: Int64Array) -> None:
        write_csv.add_csv_sizes(
            sizes,
            self._views,
            self._memory.addresses,
            self._valid,
            self._views.ctypes.data,
            self._quote,
            self._escape,
        )

    def write(self, rows: Rows, prefix: Bytes, style: Style) -> None:
        write_csv.write_csv_texts(
            rows.out,
            rows.cursor,
            prefix,
            style.opening,
            self._views,
            self._memory.addresses,
            self._valid,
            self._views.ctypes.data,
            style.null,
            self._safe,
            self._quote,
            self._escape,
        )


class CsvEncoder:
    """Writes one line per row, without its line delimiter."""

    def __init__(self, fields: Sequence[Field], dialect: CsvDialect, *, scientific_decimals: bool = True) -> None:
        self._fields = tuple(fields)
        self._dialect = dialect
        self._scientific = scientific_decimals
        self._null = characters(dialect.null_literal or "")
        self._style = Style(NO_OPENING, self._null)
        self._scratch = Scratch()
        self._safe = max(ord(dialect.delimiter), ord(dialect.quote) if dialect.quote else 0, ord("\n"))
        """Up to this one each ASCII character asks for quotes."""

    def encode(self, rows: Columnar) -> Spans:
        """A line per row."""
        columns = []
        for index, item in enumerate(self._fields):
            prefix = characters(self._dialect.delimiter if index else "")
            columns.append((prefix, self._writer(item.type, column_named(rows, item.name))))
        return write_columns(columns, rows.height, self._style, "", "", self._scratch)

    def _writer(self, kind: FieldType, column: arrow.Column | pl.Series) -> ColumnWriter:
        match kind.kind:
            case Kind.INTEGER:
                return IntegerWriter(column)
            case Kind.DATE | Kind.TIME:
                return TimeWriter(column, quoted=False)
            case Kind.TIMESTAMP | Kind.TIMESTAMP_LTZ if self._has_usual_quotes:
                return TimeWriter(column, utc=kind.kind is Kind.TIMESTAMP_LTZ, quoted=True)
            case Kind.STRING:
                return self._quoted(column)
        series = series_of(column)
        match kind.kind:
            case Kind.FLOAT:
                return FloatWriter(series, quotes_others=False)
            case Kind.BOOLEAN:
                return TextWriter(boolean_texts(series), PLAIN)
            case Kind.DECIMAL:
                return TextWriter(self._decimals(kind, series), PLAIN)
            case _:
                return self._quoted(self._texts(kind, series))

    @property
    def _has_usual_quotes(self) -> bool:
        """Whether a timestamp, which has a blank, stands in quotes, and no character of it means anything there."""
        quote, escape = self._dialect.quote, self._dialect.escape
        return quote == '"' and escape not in _IN_TIMESTAMPS

    def _texts(self, kind: FieldType, series: pl.Series) -> pl.Series:
        """The values as texts, before quotes."""
        match kind.kind:
            case Kind.STRING:
                return series
            case Kind.BYTES:
                return series.bin.encode("base64")
            case Kind.ARRAY:
                offsets, elements, valid = list_parts(series)
                texts = self._spans(kind.children[0].type, elements)
                joined = join_lists(
                    offsets, texts, valid, brackets="", separator=self._dialect.array_delimiter, null=self._null
                )
                return series_of(joined.column(text=True))
            case Kind.ROW:
                fields = [self._as_text(child.type, series.struct.field(child.name)) for child in kind.children]
                null = self._dialect.null_literal or ""
                delimiter = self._dialect.array_delimiter
                joined_rows = pl.select(
                    pl.concat_str([field.fill_null(null) for field in fields], separator=delimiter)
                ).to_series()
                return joined_rows.zip_with(series.is_not_null(), pl.Series([None], dtype=pl.String))
            case _:
                return self._as_text(kind, series)

    def _as_text(self, kind: FieldType, series: pl.Series) -> pl.Series:
        spans = self._spans(kind, series)
        return series_of(nulled(spans, series.is_not_null().to_numpy()).column(text=True))

    def _spans(self, kind: FieldType, series: pl.Series) -> Spans:
        """The text of each value on its own, inside an array or a row: quotes come around the whole."""
        match kind.kind:
            case Kind.TIMESTAMP | Kind.TIMESTAMP_LTZ:
                writer: ColumnWriter = TimeWriter(series, utc=kind.kind is Kind.TIMESTAMP_LTZ, quoted=False)
            case Kind.STRING | Kind.BYTES | Kind.ARRAY | Kind.ROW:
                writer = TextWriter(self._texts(kind, series), PLAIN)
            case _:
                writer = self._writer(kind, series)
        return write_columns([(characters(""), writer)], len(series), self._style, "", "")

    def _quoted(self, texts: arrow.Column | pl.Series) -> ColumnWriter:
        if self._dialect.quote is None:
            return TextWriter(texts, PLAIN)
        return _QuotedWriter(texts, self._dialect.quote, self._dialect.escape, self._safe)

    def _decimals(self, kind: FieldType, series: pl.Series) -> pl.Series:
        """Without trailing zeros, 100000 as 1E+5; with `scientific_decimals` off, as they are."""
        texts = decimal_texts(series, kind.scale, plain=True)
        if not self._scientific:
            return texts
        if kind.scale:
            texts = texts.str.replace(r"\.?0+$", "")
        tens = texts.str.contains(r"0$") & (texts != "0")
        rows = np.flatnonzero(tens.fill_null(False).to_numpy())
        if not len(rows):
            return texts
        return texts.scatter(pl.Series(rows), [str(series[row].normalize()) for row in rows.tolist()])

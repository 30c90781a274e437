"""A record's bytes as the one column of a table. Source: Flink, "Raw Format"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.errors import RiachoError
from riacho.formats.buffered import Columnar, column_named, series_of
from riacho.formats.decoding import BadRecord, Decoded, Int64Array, Spans
from riacho.formats.encoding import Style, TextWriter, characters, write_columns
from riacho.formats.fields import Field, Kind
from riacho.kernels.write_texts import PLAIN


@dataclass(frozen=True, slots=True)
class RawOptions:
    charset: str = "utf-8"
    """A Python codec."""
    little_endian: bool = False


class RawDecoder:
    """The one field of a raw table. A record without a value is a row of null."""

    def __init__(self, field: Field, options: RawOptions) -> None:
        self._field = field
        self._options = options

    def decode(self, records: Spans) -> Decoded:
        """One row per record; a number of another size than its type's is bad."""
        record = np.arange(len(records), dtype=np.int64)
        if self._field.type.kind in (Kind.STRING, Kind.BYTES):
            return Decoded(pl.DataFrame([self._texts(records)]), record)
        kind = _number(self._field, self._options)
        wrong = (records.length >= 0) & (records.length != kind.itemsize)
        bad = tuple(
            BadRecord(row, f"{self._field.type.name} takes {kind.itemsize} bytes, but the record has {size}")
            for row, size in zip(np.flatnonzero(wrong).tolist(), records.length[wrong].tolist(), strict=True)
        )
        good = ~wrong
        present = records.length == kind.itemsize
        starts = np.where(present, records.start, 0)
        values = self._numbers(records, kind, starts) if present.any() else np.zeros(len(records), kind)
        series = pl.Series(self._field.name, values, dtype=self._field.type.polars())
        series = series.zip_with(pl.Series(present), pl.Series([None], dtype=series.dtype))
        frame = series.to_frame()
        if bad:
            frame, record = frame.filter(pl.Series(good)), record[good]
        return Decoded(frame, record, bad)

    def _numbers(self, records: Spans, kind: np.dtype[Any], starts: Int64Array) -> npt.NDArray[Any]:
        places = starts[:, None] + np.arange(kind.itemsize)
        values: npt.NDArray[Any] = records.data[places].view(kind).reshape(-1)
        if self._field.type.kind is Kind.BOOLEAN:
            return np.asarray(values != 0)
        return np.asarray(values.astype(kind.newbyteorder("=")))

    def _texts(self, records: Spans) -> pl.Series:
        series = series_of(records.column(text=False), self._field.name)
        if self._field.type.kind is Kind.BYTES:
            return series
        if self._options.charset != "utf-8":
            decoded = [None if value is None else value.decode(self._options.charset, "replace") for value in series]
            return pl.Series(self._field.name, decoded, dtype=pl.String)
        text = series.cast(pl.String, strict=False)
        if text.null_count() != series.null_count():  # Java puts U+FFFD in the place of what is not UTF-8
            decoded = [None if value is None else value.decode("utf-8", "replace") for value in series]
            text = pl.Series(self._field.name, decoded, dtype=pl.String)
        return text


class RawEncoder:
    """The bytes of the one column; a null is a record without a value."""

    def __init__(self, field: Field, options: RawOptions) -> None:
        self._field = field
        self._options = options

    def encode(self, rows: Columnar) -> Spans:
        """One record per row. Raises `RiachoError` for a character that the charset lacks."""
        series = series_of(column_named(rows, self._field.name))
        kind = self._field.type.kind
        if kind is Kind.STRING and self._options.charset != "utf-8":
            try:
                return Spans.of([None if value is None else value.encode(self._options.charset) for value in series])
            except UnicodeEncodeError as error:
                raise RiachoError(f"the charset {self._options.charset} lacks a character: {error}") from error
        nulls = series.is_null().to_numpy()
        if kind in (Kind.STRING, Kind.BYTES):
            style = Style(-1, characters(""))
            spans = write_columns([(characters(""), TextWriter(series, PLAIN))], len(series), style, "", "")
            return Spans(spans.data, spans.start, np.where(nulls, np.int32(-1), spans.length))
        number = _number(self._field, self._options)
        values = series.fill_null(False if kind is Kind.BOOLEAN else 0).to_numpy().astype(number)
        data = np.frombuffer(values.tobytes(), np.uint8)
        start = np.arange(len(series), dtype=np.int64) * number.itemsize
        return Spans(data, start, np.where(nulls, -1, number.itemsize).astype(np.int32))


def _number(field: Field, options: RawOptions) -> np.dtype[Any]:
    order = "<" if options.little_endian else ">"
    match field.type.kind:
        case Kind.BOOLEAN:
            return np.dtype(np.uint8)
        case Kind.INTEGER:
            return np.dtype(f"{order}i{field.type.bits // 8}")
        case Kind.FLOAT:
            return np.dtype(f"{order}f{field.type.bits // 8}")
        case _:
            raise RiachoError(f"the raw format cannot hold column '{field.name}' of type {field.type.name}")

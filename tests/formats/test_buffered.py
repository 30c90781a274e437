"""Rows as buffers, cut and joined, are the rows that frames would be."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riacho.dataflow.programs.crossing import columns_of
from riacho.formats.arrow import Column, strings
from riacho.formats.buffered import BufferedColumns, buffers_of, concatenated, frame_of, gathered, sliced
from riacho.formats.fields import Field, FieldType, Kind
from riacho.formats.json_encoder import JsonEncoder

TEXTS = ["", "a", "twelve bytes", "thirteen bytes", "a text that no view holds"]

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "n": st.none() | st.integers(-(2**63), 2**63 - 1),
            "s": st.none() | st.sampled_from(TEXTS),
            "b": st.none() | st.booleans(),
            "m": st.none() | st.integers(-999, 999).map(lambda cents: Decimal(cents) / 100),
            "d": st.none() | st.dates(date(1970, 1, 1), date(2030, 1, 1)),
            "t": st.none() | st.datetimes(datetime(1970, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001
            "f": st.none() | st.floats(-1e9, 1e9),
            "r": st.none() | st.fixed_dictionaries({"x": st.none() | st.integers(0, 9), "y": st.sampled_from(TEXTS)}),
            "l": st.none() | st.lists(st.none() | st.sampled_from(TEXTS), max_size=3),
        }
    ),
    min_size=1,
    max_size=20,
)
SCHEMA = {
    "n": pl.Int64(),
    "s": pl.String(),
    "b": pl.Boolean(),
    "m": pl.Decimal(10, 2),
    "d": pl.Date(),
    "t": pl.Datetime("us"),
    "f": pl.Float64(),
    "r": pl.Struct({"x": pl.Int64(), "y": pl.String()}),
    "l": pl.List(pl.String()),
}
CODES = {"m": "d:10,2", "d": "tdD", "t": "tsu:", "f": "g"}


def list_column(series: pl.Series) -> Column:
    """A column of lists of strings."""
    lists = series.to_list()
    offsets = np.cumsum([0, *(len(items or ()) for items in lists)], dtype=np.int64)
    texts = pl.Series("", [text for items in lists for text in items or ()], pl.String)
    (elements,) = columns_of(texts.to_frame()) if len(texts) else [strings(np.empty(0, np.uint8), [], None, text=True)]
    return Column("+L", len(lists), (offsets,), series.is_not_null().to_numpy(), (("item", elements),))


def buffered(frame: pl.DataFrame) -> BufferedColumns:
    """The frame's columns as buffers that are not Polars' own."""
    columns = []
    for series in frame.iter_columns():
        if isinstance(series.dtype, pl.List):
            columns.append(list_column(series))
            continue
        if isinstance(series.dtype, pl.Struct):
            below = columns_of(series.struct.unnest())
            names = [item.name for item in series.dtype.fields]
            valid = series.is_not_null().to_numpy()
            columns.append(Column("+s", len(series), (), valid, tuple(zip(names, below, strict=True))))
            continue
        (column,) = columns_of(series.to_frame())
        code = CODES.get(series.name, column.format)
        values = column.buffers[0]
        if series.name == "m":  # as state has them: a line of two words a row
            values = values.view(np.uint64).reshape(-1, 2)
        elif series.name in ("n", "t", "f"):
            values = values.view(np.float64 if series.name == "f" else np.int64)
        columns.append(Column(code, column.length, (values, *column.buffers[1:]), column.valid))
    return BufferedColumns(tuple(frame.columns), tuple(columns), frame.height)


@settings(max_examples=50, deadline=None)
@given(ROWS, st.data())
def test_cut_and_joined_again_they_are_the_same(values: list[dict[str, Any]], data: st.DataObject) -> None:
    frame = pl.DataFrame(values, schema=SCHEMA)
    rows = buffered(frame)
    cuts = sorted({0, frame.height, *data.draw(st.lists(st.integers(0, frame.height), max_size=3))})
    parts = [sliced(rows, first, stop) for first, stop in pairwise(cuts)]
    for part, (first, stop) in zip(parts, pairwise(cuts), strict=True):
        assert frame_of(part).equals(frame[first:stop])
    assert frame_of(concatenated(parts)).equals(frame)
    assert frame_of(concatenated([rows, frame])).equals(pl.concat([frame, frame]))


@settings(max_examples=50, deadline=None)
@given(ROWS, st.data())
def test_rows_are_picked_as_from_a_frame(values: list[dict[str, Any]], data: st.DataObject) -> None:
    frame = pl.DataFrame(values, schema=SCHEMA)
    places = np.array(data.draw(st.lists(st.integers(0, frame.height - 1), max_size=9)), np.int64)
    assert frame_of(gathered(buffered(frame), places)).equals(frame[places])
    assert frame_of(gathered(frame, places)).equals(frame[places])


ENCODED = [
    Field("n", FieldType(Kind.INTEGER, "BIGINT", bits=64)),
    Field("s", FieldType(Kind.STRING, "STRING")),
    Field("b", FieldType(Kind.BOOLEAN, "BOOLEAN")),
    Field("m", FieldType(Kind.DECIMAL, "DECIMAL(10, 2)", precision=10, scale=2)),
    Field("d", FieldType(Kind.DATE, "DATE")),
    Field("t", FieldType(Kind.TIMESTAMP, "TIMESTAMP(6)", precision=6)),
    Field("f", FieldType(Kind.FLOAT, "DOUBLE", bits=64)),
    Field(
        "r",
        FieldType(
            Kind.ROW,
            "ROW<x BIGINT, y STRING>",
            children=(
                Field("x", FieldType(Kind.INTEGER, "BIGINT", bits=64)),
                Field("y", FieldType(Kind.STRING, "STRING")),
            ),
        ),
    ),
]


@settings(max_examples=50, deadline=None)
@given(ROWS)
def test_they_are_the_same_json(values: list[dict[str, Any]]) -> None:
    frame = pl.DataFrame(values, schema=SCHEMA)
    spans = JsonEncoder(ENCODED).encode(frame)
    written = [spans[row] for row in range(len(spans))]
    spans = JsonEncoder(ENCODED).encode(buffered(frame))
    assert [spans[row] for row in range(len(spans))] == written


@pytest.mark.parametrize(
    ("code", "kind", "width"), [("c", np.int8, 8), ("s", np.int16, 16), ("i", np.int32, 32), ("l", np.int64, 64)]
)
def test_integers_of_any_width_are_written_from_numbers_and_from_bytes(code: str, kind: type, width: int) -> None:
    numbers = np.array([0, 1, -1, np.iinfo(kind).max, np.iinfo(kind).min], kind)
    encoder = JsonEncoder([Field("n", FieldType(Kind.INTEGER, "", bits=width))])
    for values in (numbers, numbers.view(np.uint8)):
        spans = encoder.encode(BufferedColumns(("n",), (Column(code, len(numbers), (values,)),), len(numbers)))
        assert [spans[row] for row in range(len(spans))] == [b'{"n":%d}' % number for number in numbers.tolist()]


@pytest.mark.parametrize("first", [0, 3])
def test_a_slice_is_in_memory_where_its_addresses_say(first: int) -> None:
    frame = pl.DataFrame([{"n": n, "m": Decimal(n), "s": TEXTS[4], "f": float(n)} for n in range(9)], schema=SCHEMA)
    rows = buffered(frame.select("n", "m", "s", "f"))
    part = sliced(rows, first, 7)
    assert isinstance(part, BufferedColumns)
    found, _ = buffers_of(part, [0, 1, 2, 3])
    for column, place in zip(part.columns, found, strict=True):
        assert place.data[0] == column.buffers[0].ctypes.data

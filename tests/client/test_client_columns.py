"""Columns of byte strings, headers and records, without a cluster."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riacho.client import BinaryColumn, HeaderColumn, ProduceColumns, RecordColumns
from riacho.client.errors import CorruptRecordsError
from riacho.errors import RiachoError

optional_bytes = st.none() | st.binary(max_size=200)


@given(st.lists(optional_bytes))
def test_values_come_out_as_they_went_in(values: list[bytes | None]) -> None:
    assert BinaryColumn.from_values(values).to_values() == values


@given(st.lists(optional_bytes))
def test_arrows_layout_is_taken_with_its_nulls(values: list[bytes | None]) -> None:
    data = np.frombuffer(b"".join(value or b"" for value in values), np.uint8)
    offsets = np.cumsum([0, *(len(value or b"") for value in values)])
    valid = np.array([value is not None for value in values], np.bool_)

    assert BinaryColumn.from_offsets(data, offsets, valid).to_values() == values


def test_a_value_that_no_record_can_hold_is_refused() -> None:
    with pytest.raises(RiachoError, match="2 GiB"):
        BinaryColumn.from_offsets(np.empty(0, np.uint8), np.array([0, 2**31]))


def test_a_constant_is_kept_once() -> None:
    column = BinaryColumn.constant(b"reason", 1000)

    assert column.data.size == len(b"reason")
    assert column.to_values() == [b"reason"] * 1000


@given(st.lists(st.lists(st.tuples(st.text(max_size=5), optional_bytes), max_size=4)))
def test_headers_of_single_records_come_out_as_they_went_in(
    headers: list[list[tuple[str, bytes | None]]],
) -> None:
    column = HeaderColumn.from_values(headers)

    assert column.to_values() == headers
    assert [column[row] for row in range(len(column))] == headers


@given(st.lists(st.tuples(optional_bytes, optional_bytes), min_size=1), st.text(max_size=200))
def test_header_columns_are_the_headers_of_each_record(
    values: list[tuple[bytes | None, bytes | None]], name: str
) -> None:
    column = HeaderColumn.from_columns(
        [
            ("first", BinaryColumn.from_values([first for first, _ in values])),
            (name, BinaryColumn.from_values([second for _, second in values])),
        ]
    )

    assert column.to_values() == [[("first", first), (name, second)] for first, second in values]


def test_malformed_headers_are_refused_when_they_are_read() -> None:
    headers = HeaderColumn.from_values([[("name", b"value")]])
    headers.data.setflags(write=False)
    cut = HeaderColumn(headers.data, headers.start, headers.length - 1, headers.count)

    with pytest.raises(CorruptRecordsError, match="headers are malformed"):
        cut.to_values()


def test_a_slice_goes_on_at_the_first_record_that_it_leaves() -> None:
    columns = RecordColumns.from_values([b"a", b"b", b"c"], keys=[b"1", None, b"3"], first_offset=10)

    assert columns.slice(0, 2).next_offset == 12
    assert columns.slice(2, 3).next_offset == 13
    assert columns.slice(1, 3).value.to_values() == [b"b", b"c"]
    assert columns.slice(1, 3).key.to_values() == [None, b"3"]


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(RiachoError, match="'key' has 1 elements"):
        ProduceColumns.from_values([b"a", b"b"], keys=[b"k"])

"""Kept rows against a dictionary: values of every type, chunks swept and used again, restarts."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riacho.dataflow.columns import polars_type
from riacho.dataflow.state import chunks
from riacho.dataflow.state.given_rows import ChosenPairs, OutputRows
from riacho.dataflow.state.row_index import RowIndex
from riacho.dataflow.state.rows import RowStore
from riacho.formats.arrow import Column
from riacho.formats.buffered import buffers_of, sliced, tables_of
from riacho.formats.buffered import frame_of as frame_of_rows
from riacho.plan.relations import Field
from riacho.plan.types import (
    BIGINT,
    BOOLEAN,
    BYTES,
    DATE,
    DOUBLE,
    FLOAT,
    INT,
    SMALLINT,
    STRING,
    TIME,
    TIMESTAMP_3,
    TINYINT,
    ArrayType,
    DataType,
    DecimalType,
    MapType,
    RowField,
    RowType,
)

integer = st.integers(-(2**63), 2**63 - 1)
text = st.text(st.sampled_from("abß€𝄞"), max_size=8) | st.text(st.sampled_from("xyé"), min_size=10, max_size=30)
moment = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1))  # noqa: DTZ001 - TIMESTAMP has no zone
place = RowType((RowField("name", STRING), RowField("at", RowType((RowField("x", INT), RowField("y", DOUBLE))))))

TYPES: list[tuple[DataType, st.SearchStrategy[Any]]] = [
    (TINYINT, st.integers(-128, 127)),
    (SMALLINT, st.integers(-(2**15), 2**15 - 1)),
    (INT, st.integers(-(2**31), 2**31 - 1)),
    (BIGINT, integer),
    (FLOAT, st.floats(width=32)),
    (DOUBLE, st.floats()),
    (BOOLEAN, st.booleans()),
    (DecimalType(18, 3), st.decimals(-(10**14), 10**14, places=3)),
    (DecimalType(38, 5), st.integers(-(10**35), 10**35).map(lambda value: Decimal(f"{value}E-5"))),
    (STRING, text),
    (BYTES, st.binary(max_size=30)),
    (DATE, st.dates(date(1800, 1, 1), date(2200, 1, 1))),
    (TIME, st.times().map(lambda value: value.replace(microsecond=0))),
    (TIMESTAMP_3, moment),
    (ArrayType(INT), st.lists(st.none() | st.integers(0, 9), max_size=3)),
    (MapType(STRING, INT), st.just([{"key": "k", "value": 1}])),
    (
        place,
        st.fixed_dictionaries(
            {
                "name": st.none() | text,
                "at": st.none() | st.fixed_dictionaries({"x": st.none() | st.integers(0, 9), "y": st.floats()}),
            }
        ),
    ),
]
FIELDS = [Field(f"c{index}", kind) for index, (kind, _) in enumerate(TYPES)]
rows_of_all_types = st.tuples(*(st.none() | values for _, values in TYPES))


def frame_of(rows: list[tuple[Any, ...]], fields: list[Field]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={item.name: polars_type(item.type) for item in fields}, orient="row")


def plain(value: Any) -> Any:
    """A value that equals itself, −0.0 apart from 0.0."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else (value, math.copysign(1, value))
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    return value


def plain_rows(frame: pl.DataFrame) -> list[list[Any]]:
    return [[plain(value) for value in row] for row in frame.rows()]


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(rows_of_all_types, min_size=1, max_size=12), skipped=st.integers(0, 3))
def test_values_of_every_type_come_back_as_they_went_in(rows: list[tuple[Any, ...]], skipped: int) -> None:
    frame = frame_of(rows, FIELDS)
    store = RowStore(FIELDS)
    slots = store.keep(frame)
    given_out = store.frame(slots[::-1].copy())
    assert given_out.schema == frame.schema
    assert plain_rows(given_out) == plain_rows(frame[::-1])
    # A slice has offsets in its buffers.
    part = frame[min(skipped, len(rows) - 1) :]
    assert plain_rows(store.frame(store.keep(part))) == plain_rows(part)


SIMPLE = [
    index
    for index, (kind, _) in enumerate(TYPES)
    if kind != BOOLEAN and not isinstance(kind, ArrayType | MapType | RowType)
]
"""Fields whose columns are in memory as kernels read them."""


@pytest.mark.parametrize("at_once", [False, True], ids=["side by side", "at once"])
@pytest.mark.parametrize("places", [SIMPLE, range(len(FIELDS))], ids=["simple columns", "all columns"])
@settings(max_examples=40, deadline=None)
@given(rows=st.lists(rows_of_all_types, min_size=1, max_size=12), parted=st.integers(1, 9), seed=st.integers(0, 9))
def test_rows_put_together_from_two_stores_are_kept_by_a_third(
    places: Sequence[int], at_once: bool, rows: list[tuple[Any, ...]], parted: int, seed: int
) -> None:
    fields = [FIELDS[place] for place in places]
    frame = frame_of([tuple(row[place] for place in places) for row in rows], fields)
    left, right, both = RowStore(fields[:parted]), RowStore(fields[parted:]), RowStore(fields)
    lefts, rights = left.keep(frame[:, :parted]), right.keep(frame[:, parted:])
    random = np.random.default_rng(seed)
    chosen, others = random.integers(0, len(rows), 7), random.integers(-1, len(rows), 7)
    others[3] = -1
    slots = np.append(rights, -1)[others]

    if at_once:
        pairs = ChosenPairs(left.choose(range(parted)), right.choose(range(len(fields) - parted)))
        made = OutputRows(fields, [len(fields)]).rows([left.give_pairs(lefts[chosen], right, slots, pairs)], 7)
    else:
        output = OutputRows(fields, [parted, len(fields) - parted])
        made = output.rows([left.give(lefts[chosen]), right.give(slots)], 7)
    kept, some = both.keep(made), both.keep(sliced(made, 2, 6))

    assert (tables_of(made) is not None) == (places is SIMPLE)
    expected = left.frame(lefts[chosen]).hstack(right.frame(slots))
    assert plain_rows(both.frame(kept)) == plain_rows(expected)
    assert plain_rows(both.frame(some)) == plain_rows(expected[2:6])
    assert plain_rows(frame_of_rows(made)) == plain_rows(expected)


def test_where_booleans_are_holds_while_their_rows_live() -> None:
    fields = [Field("a", BOOLEAN), Field("r", RowType((RowField("b", BOOLEAN),)))]
    store = RowStore(fields)
    slots = store.keep(frame_of([(True, {"b": True})] * 80, fields))
    made = OutputRows(fields, [2]).rows([store.give(slots)], 80)

    (first, second), _owner = buffers_of(made, [0, 1])
    later = [np.zeros(10, np.uint8) for _ in range(50)]  # in memory that is free

    assert ctypes.string_at(first.data[0], 10) == b"\xff" * 10
    assert ctypes.string_at(second.children[0].data[0], 10) == b"\xff" * 10
    assert not any(array.any() for array in later)


def test_columns_of_rows_come_in_any_order_and_beside_numbers() -> None:
    store = RowStore(PAIR)
    slots = store.keep(frame_of([(1, "a"), (2, "b" * 20)], PAIR))
    fields = [Field("s", STRING), Field("place", BIGINT), Field("n", BIGINT)]

    output = OutputRows(fields, [2, 1], [1, 2, 0])
    made = output.rows([store.give(slots), Column("l", 2, (np.array([7, 8]),))], 2)
    other = RowStore(fields)

    assert frame_of_rows(made).rows() == [("a", 7, 1), ("b" * 20, 8, 2)]
    assert other.frame(other.keep(made)).rows() == [("a", 7, 1), ("b" * 20, 8, 2)]


def test_a_negative_slot_is_a_row_of_nulls() -> None:
    store = RowStore(FIELDS)
    store.keep(frame_of([tuple(None for _ in FIELDS)], FIELDS))
    assert store.frame(np.array([-1, 0])).rows() == [tuple(None for _ in FIELDS)] * 2


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("keep"), st.lists(st.tuples(st.integers(0, 9), text | st.just("r" * 200)), max_size=10)),
        st.tuples(st.just("stage and drop"), st.lists(st.tuples(st.integers(0, 9), text), max_size=10)),
        st.tuples(st.just("release"), st.integers(0, 12)),
        st.tuples(st.just("restart"), st.none()),
    ),
    max_size=25,
)
PAIR = [Field("n", BIGINT), Field("s", STRING)]


@settings(max_examples=80, deadline=None)
@given(steps=STEPS, seed=st.integers(0, 9))
def test_rows_stay_while_others_go_and_their_chunks_are_swept(steps: Any, seed: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "FIRST_CHUNK_BYTES", 64)
        patch.setattr(chunks, "SWEPT_BYTES", 32)
        patch.setattr(chunks, "FREED_BYTES", 1)
        store = RowStore(PAIR)
        model: dict[int, tuple[Any, ...]] = {}
        seen: list[tuple[pl.DataFrame, list[Any]]] = []
        random = np.random.default_rng(seed)
        for action, argument in steps:
            if action == "keep":
                slots = store.keep(frame_of(argument, PAIR)).tolist()
                assert not set(slots) & set(model)
                model |= dict(zip(slots, argument, strict=True))
            elif action == "stage and drop":
                store.release(store.stage(frame_of(argument, PAIR)))
            elif action == "release":
                gone = random.permutation(sorted(model))[:argument].astype(np.int64)
                store.release(gone)
                for slot in gone.tolist():
                    del model[slot]
            else:
                state = store.snapshot()
                store = RowStore(PAIR)
                store.restore(state)
            store.end_pass()
            slots = np.array(sorted(model), np.int64)
            frame = store.frame(slots)
            assert len(store) == len(model)
            assert frame.rows() == [model[slot] for slot in slots.tolist()]
            seen.append((frame, frame.rows()))
        # What was given out is not touched by what came after.
        assert all(frame.rows() == rows for frame, rows in seen)


@settings(max_examples=80, deadline=None)
@given(batches=st.lists(st.lists(st.tuples(st.none() | st.floats(), st.none() | text), max_size=8), max_size=6))
def test_an_index_finds_equal_rows_wherever_their_strings_are(batches: Any) -> None:
    fields = [Field("f", DOUBLE), Field("s", STRING)]
    store = RowStore(fields)
    model: dict[Any, int] = {}
    index = RowIndex(store)
    for number, batch in enumerate(batches):
        slots = store.stage(frame_of(batch, fields))
        found = index.upsert(slots)
        new = slots[found == slots]
        store.settle(new)
        store.release(slots[found != slots])
        store.end_pass()
        for row, slot in zip(batch, found.tolist(), strict=True):
            key = (plain(row[0]), row[1])
            assert model.setdefault(key, slot) == slot
        assert len(store) == len(model)
        if number == 2 and model:
            key, slot = next(iter(model.items()))
            index.remove(np.array([slot]))
            store.release(np.array([slot]))
            del model[key]
        if number == 3:
            state = store.snapshot()
            store = RowStore(fields)
            store.restore(state)
            index = RowIndex(store)
            index.rebuild()


def test_memory_of_dead_chunks_is_used_again() -> None:
    store = RowStore(PAIR)
    frame = frame_of([(n, f"{n:0200}") for n in range(2000)], PAIR)
    slots = store.keep(frame)
    for _ in range(200):
        store.release(slots)
        slots = store.keep(frame)
        store.end_pass()
    assert store.bytes < 20 * 2000 * 200
    assert store.frame(slots).equals(frame)

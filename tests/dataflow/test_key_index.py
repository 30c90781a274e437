"""The key index and the string pool against dictionaries, colliding hashes included."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riacho.dataflow.state.arena import MAPPED_BYTES, Growable
from riacho.dataflow.state.hash_table import BACKED_BYTES, COPIED_PER_CALL, COPIED_PER_ROW, FIRST_SIZE
from riacho.dataflow.state.key_index import KeyIndex
from riacho.dataflow.state.strings import StringPool
from riacho.formats.arrow import to_frame
from riacho.kernels.keys import hash_words


def all_collide(words: Any, out: Any) -> None:
    out[:] = 7


def upper_halves_collide(words: Any, out: Any) -> None:
    hash_words(words, out)
    out &= np.uint64(0xFFFFFFFF)


def lower_halves_collide(words: Any, out: Any) -> None:
    hash_words(words, out)
    out &= np.uint64(0xFFFFFFFF00000000)


HASHES = [hash_words, all_collide, upper_halves_collide, lower_halves_collide]
keys = st.tuples(st.integers(-2, 2), st.integers(-(2**63), 2**63 - 1) | st.integers(0, 5))
steps = st.lists(
    st.one_of(
        st.tuples(st.just("upsert"), st.lists(keys, max_size=20)),
        st.tuples(st.just("release"), st.integers(0, 10)),
        st.tuples(st.just("restart"), st.none()),
    ),
    max_size=12,
)


def words_of(rows: list[tuple[int, int]]) -> Any:
    return np.array(rows, np.int64).reshape(len(rows), 2)


@pytest.mark.parametrize("hash_function", HASHES)
@settings(max_examples=40, deadline=None)
@given(steps=steps)
def test_an_index_is_a_dictionary_of_keys(steps: Any, hash_function: Any) -> None:
    index = KeyIndex(2, hash_function=hash_function)
    model: dict[tuple[int, int], int] = {}
    for action, argument in steps:
        if action == "upsert":
            known = set(model)
            slots, new_rows = index.upsert(words_of(argument))
            for key, slot in zip(argument, slots.tolist(), strict=True):
                assert model.setdefault(key, slot) == slot
            firsts = [place for place, key in enumerate(argument) if key not in known and argument.index(key) == place]
            assert new_rows.tolist() == firsts
        elif action == "release":
            gone = list(model)[:argument]
            index.release(np.array([model.pop(key) for key in gone], np.int64))
            assert (index.find(words_of(gone)) == -1).all()
        else:
            snapshot = index.snapshot()
            index = KeyIndex(2, hash_function=hash_function)
            index.restore(snapshot)
        assert len(index) == len(model)
        assert sorted(model.values()) == index.live().tolist(), "each key has a slot of its own"
        assert index.find(words_of(list(model))).tolist() == list(model.values())


def test_a_table_that_grows_keeps_every_key_while_its_entries_are_copied() -> None:
    index = KeyIndex(1)
    slots: dict[int, int] = {}
    random = np.random.default_rng(1)
    for _ in range(300):
        batch = random.integers(0, 30_000, (100, 1))
        for key, slot in zip(batch[:, 0].tolist(), index.upsert(batch).slots.tolist(), strict=True):
            assert slots.setdefault(key, slot) == slot
    assert len(index) == len(slots)


def test_growing_copies_a_bounded_number_of_entries_per_call() -> None:
    index = KeyIndex(1)
    count = 200 * FIRST_SIZE
    index.upsert(np.arange(count).reshape(-1, 1))
    size = len(index._table.entries)
    while not len(index._table.old) or len(index._table.entries) == size:
        index.upsert(np.arange(count, count + 100).reshape(-1, 1))
        count += 100
    left = [len(index._table.old) - index._table._copied]
    while len(index._table.old):
        index.upsert(np.zeros((1, 1), np.int64))
        left.append(len(index._table.old) - index._table._copied)
    assert max(-np.diff(left[:-1])) <= COPIED_PER_CALL + COPIED_PER_ROW


def test_a_released_slot_is_given_to_the_next_key() -> None:
    index = KeyIndex(1)
    index.upsert(np.array([[1], [2], [3]]))
    index.release(np.array([1]))
    assert index.upsert(np.array([[9]])).slots.tolist() == [1]


texts = st.none() | st.text(max_size=5) | st.sampled_from(["same first twelve 1", "same first twelve 2", "x" * 500])
pool_steps = st.lists(
    st.one_of(
        st.tuples(st.just("keep"), st.lists(texts, max_size=10)),
        st.tuples(st.just("look"), st.lists(texts, max_size=10)),
        st.tuples(st.just("drop"), st.integers(0, 5)),
        st.tuples(st.just("restart"), st.none()),
    ),
    max_size=12,
)


@settings(max_examples=80, deadline=None)
@given(steps=pool_steps)
def test_a_pool_keeps_the_strings_that_are_referred_to_and_no_others(steps: Any) -> None:
    pool = StringPool()
    held: list[tuple[str, int]] = []
    for action, argument in steps:
        if action in ("keep", "look"):
            ids = pool.intern(pl.Series(argument, dtype=pl.String))
            read = to_frame([("text", pool.column(ids, ids >= 0, text=True))], len(ids))
            assert read.to_series().to_list() == argument
            if action == "keep":
                pool.retain(ids)
                held += [(text, number) for text, number in zip(argument, ids.tolist(), strict=True) if number >= 0]
        elif action == "drop":
            pool.release(np.array([number for _, number in held[:argument]], np.int64))
            del held[:argument]
        else:
            snapshot = pool.snapshot()
            pool = StringPool()
            pool.restore(snapshot)
        pool.collect()
        assert dict(held).keys() == {text for text, _ in held}
        assert len(pool) == len({text for text, _ in held})
        assert len(set(held)) == len({text for text, _ in held}), "a string has one id"
        if held:
            again = pool.intern(pl.Series([text for text, _ in held]))
            assert again.tolist() == [number for _, number in held]


def test_an_arena_is_moved_together_when_most_of_it_is_dead() -> None:
    pool = StringPool()
    kept = pool.intern(pl.Series(["kept for ever, and longer than a view"]))
    pool.retain(kept)
    for number in range(40):
        passing = pool.intern(pl.Series([f"{number}-{place}-" + "x" * 200 for place in range(1000)]))
        assert passing.min() >= 0
        pool.collect()
    assert len(pool) == 1
    assert pool.bytes < 200 * 40 * 1000
    frame = to_frame([("text", pool.column(kept, None, text=True))], 1)
    assert frame.item() == "kept for ever, and longer than a view"


def test_a_large_array_grows_without_losing_its_values() -> None:
    array = Growable(np.int64, width=2)
    length = 10
    while array.bytes < 8 * MAPPED_BYTES:
        array.reserve(length)
        array.values[length - 1] = length
        length *= 3
    places = [10 * 3**power for power in range(20) if 10 * 3**power < length]
    assert [array.values[place - 1].tolist() for place in places] == [[place, place] for place in places]
    assert not array.values[length // 3 :].any()


def test_a_large_table_is_made_ready_before_keys_go_to_it() -> None:
    index = KeyIndex(1)
    table = index._table
    for start in range(0, 300_000, 5_000):
        slots = index.upsert(np.arange(start, start + 5_000).reshape(-1, 1)).slots
        assert slots.tolist() == list(range(start, start + 5_000))
        if table.used > len(table.entries) // 2 - 5_000 and 16 * len(table.entries) >= BACKED_BYTES:
            assert table._readied >= len(table.entries), "most of the next one has its memory"

    assert index.find(np.arange(300_000).reshape(-1, 1)).tolist() == list(range(300_000))


def test_tombstones_make_no_next_table_ready() -> None:
    index = KeyIndex(1)
    for start in range(0, 400_000, 10_000):
        slots = index.upsert(np.arange(start, start + 10_000).reshape(-1, 1)).slots
        index.release(slots)

    assert len(index) == 0
    assert index._table._readied == 0

"""What a pass makes of each key: Hypothesis against one row at a time."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riacho.dataflow.batch import Batch, WatermarkSteps
from riacho.dataflow.sinks.upserts import last_of_keys, last_of_pairs, upserts_of
from riacho.sql.session import compile_script

Row = tuple[int | None, str | None, int | None]

rows = st.tuples(st.sampled_from([None, 1, 2, 3]), st.sampled_from([None, "a", "b"]), st.sampled_from([None, 1, 2]))
changes = st.lists(st.tuples(rows, st.sampled_from([-2, -1, 1, 2])), max_size=12)


def batch_of(given_rows: list[Row], diff: list[int] | None) -> Batch:
    frame = pl.DataFrame(given_rows, schema={"k": pl.Int64, "j": pl.String, "v": pl.Int64}, orient="row")
    diffs = None if diff is None else np.array(diff, np.int8)
    return Batch(frame, np.arange(len(given_rows)), WatermarkSteps.still(), diff=diffs)


def one_at_a_time(given_rows: list[Row], diff: list[int], width: int) -> tuple[list[int], list[int]]:
    net: Counter[Row] = Counter()
    last: dict[Row, int] = {}
    for place, (row, change) in enumerate(zip(given_rows, diff, strict=True)):
        net[row] += change
        last[row] = place
    new: dict[Row, int] = {}
    gone: dict[Row, int] = {}
    for row, place in sorted(last.items(), key=lambda item: item[1]):
        if net[row]:
            (new if net[row] > 0 else gone)[row[:width]] = place
    return sorted(new.values()), sorted(place for key, place in gone.items() if key not in new)


@pytest.mark.parametrize("key", [["k"], ["k", "j"]])
@given(changes)
def test_each_key_has_its_new_row_or_is_gone(key: list[str], given_changes: list[tuple[Row, int]]) -> None:
    given_rows = [row for row, _ in given_changes]
    diff = [change for _, change in given_changes]
    kept, gone = last_of_keys(batch_of(given_rows, diff), key)
    assert (kept.tolist(), gone.tolist()) == one_at_a_time(given_rows, diff, len(key))


@given(st.lists(rows, max_size=12))
def test_of_an_append_only_pass_the_last_row_of_each_key_counts(given_rows: list[Row]) -> None:
    kept, gone = last_of_keys(batch_of(given_rows, None), ["k"])
    assert kept.tolist() == sorted({row[0]: place for place, row in enumerate(given_rows)}.values())
    assert not len(gone)


@given(st.dictionaries(st.integers(0, 9), st.sampled_from(["old", "new", "both"]), max_size=8))
def test_of_pairs_the_new_row_counts_or_the_key_is_gone(changes: dict[int, str]) -> None:
    pairs = {"old": [-1], "new": [1], "both": [-1, 1]}
    diff = [sign for kind in changes.values() for sign in pairs[kind]]
    given_rows: list[Row] = [(key, None, sign) for key, kind in changes.items() for sign in pairs[kind]]
    for signs in (diff, None) if set(diff) <= {1} else (diff,):
        batch = replace(batch_of(given_rows, signs), sequence=np.array([row[0] for row in given_rows], np.int64))
        kept, gone = last_of_pairs(batch)
        wanted_kept, wanted_gone = last_of_keys(batch, ["k"])
        assert (kept.tolist(), gone.tolist()) == (wanted_kept.tolist(), wanted_gone.tolist())


@pytest.mark.parametrize(
    ("query", "pairs"),
    [
        ("SELECT k, COUNT(*), SUM(v) FROM t GROUP BY k", True),
        ("SELECT k, 1 + COUNT(*), MAX(v) FROM t GROUP BY k", True),
        ("SELECT k, COUNT(*), SUM(v) FROM t GROUP BY k HAVING COUNT(*) > 1", False),
        ("SELECT k + 1, COUNT(*), SUM(v) FROM t GROUP BY k", False),
        ("SELECT MAX(k), COUNT(*), v FROM t GROUP BY v", False),
        ("SELECT k, COUNT(*), j FROM t GROUP BY k, j", False),
        ("SELECT k, v, j FROM t", False),
    ],
)
def test_pairs_are_taken_for_granted_only_where_the_groups_are_the_keys(query: str, *, pairs: bool) -> None:
    script = f"""
    CREATE TABLE t (k BIGINT, v BIGINT, j BIGINT) WITH ('connector' = 'datagen');
    CREATE TABLE totals (k BIGINT, n BIGINT, total BIGINT, PRIMARY KEY (k) NOT ENFORCED)
    WITH ('connector' = 'upsert-kafka', 'topic' = 'totals', 'key.format' = 'json', 'value.format' = 'json');
    INSERT INTO totals {query};
    """
    (sink,) = compile_script(script).jobs[0].sinks
    assert (upserts_of(sink, ["k"]) is last_of_pairs) is pairs

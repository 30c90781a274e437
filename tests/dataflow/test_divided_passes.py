"""A pass that a join would make very large is divided: the answer stays, what is in memory at once is bounded."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from changelogs import Event, at, call, run, scan, started
from event_streams import Stream, cut
from hypothesis import given, settings
from hypothesis import strategies as st

from riacho.dataflow.batch import Batch, WatermarkSteps
from riacho.dataflow.expressions import Settings
from riacho.dataflow.operators import join
from riacho.plan.relations import (
    Aggregate,
    Job,
    Join,
    JoinKind,
    Normalize,
    Project,
    Relation,
    Sink,
    Union,
    Watermark,
    WindowAggregate,
    WindowKind,
    WindowProperty,
)
from riacho.plan.tables import Table
from riacho.plan.types import BIGINT, STRING, TIMESTAMP_3

COLUMNS = {"id": BIGINT, "k": STRING, "ts": TIMESTAMP_3}
TIME = 2
LEFT, RIGHT = scan("a", **COLUMNS), scan("b", **COLUMNS)
CHANGING = Normalize(scan("u", key=("id",), **COLUMNS), (0,))


def joined(left: Relation, right: Relation, kind: JoinKind) -> Join:
    return Join(left, right, kind, (1,), (1,))


def windows_above(below: Relation, time: int) -> WindowAggregate:
    calls = (call("COUNT", below.schema), call("MIN", below.schema, "k", STRING))
    return WindowAggregate(
        below, WindowKind.TUMBLE, time, 20, 20, 0, (), calls, (WindowProperty.END,), ("n", "low", "end")
    )


def stamped_join() -> Join:
    stamped = [Watermark(source, TIME, source.schema.column(TIME)) for source in (LEFT, RIGHT)]
    return joined(stamped[0], stamped[1], JoinKind.INNER)


def keys_only(relation: Relation) -> Project:
    return Project(relation, (relation.schema.column("k"),), ("k",))


QUERIES: dict[str, Relation] = {
    "inner": joined(LEFT, RIGHT, JoinKind.INNER),
    "left, changing": joined(LEFT, CHANGING, JoinKind.LEFT),
    "equal rows": Join(keys_only(CHANGING), keys_only(CHANGING), JoinKind.INNER, (0,), (0,)),
    "join of a join": Join(joined(LEFT, RIGHT, JoinKind.INNER), CHANGING, JoinKind.LEFT, (1,), (1,)),
    "aggregate": Aggregate(
        joined(LEFT, CHANGING, JoinKind.LEFT), (1,), (call("COUNT", LEFT.schema, "id"),), ("k", "n")
    ),
    "windows": windows_above(stamped_join(), TIME),
    "union with what it reads": Union((keys_only(joined(LEFT, RIGHT, JoinKind.INNER)), keys_only(LEFT))),
}


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    events = []
    for number in range(draw(st.integers(1, 30))):
        table = draw(st.sampled_from("abu"))
        key = draw(st.sampled_from(["x", "x", "y", None]))
        identity = draw(st.integers(0, 4))
        deleted = table == "u" and draw(st.integers(0, 5)) == 0
        events.append(Event(table, (identity, key, at(3 * number)), deleted=deleted))
    return cut(draw, events, most_cuts=3, most_restarts=1)


@pytest.mark.parametrize("name", QUERIES)
@settings(max_examples=10, deadline=None)
@given(stream=streams())
def test_a_divided_pass_gives_what_a_whole_one_gives(name: str, stream: Any) -> None:
    events, cuts, restarts = stream
    relation = QUERIES[name]
    whole = run(relation, events, cuts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(join, "MAX_PAIRS", 4)
        divided = run(relation, events, cuts, restart_at=restarts)
    assert divided.total() == whole.total()
    assert divided.late == whole.late


ROWS = 1_000


@pytest.mark.parametrize("equal", [False, True], ids=["different rows", "equal rows"])
def test_rows_of_one_key_that_all_meet_are_joined_in_bounded_parts(equal: bool) -> None:
    sides: list[Relation] = [LEFT, RIGHT]
    if equal:  # counted as one row, not kept one by one
        sides = [keys_only(Normalize(scan(name, key=("id",), **COLUMNS), (0,))) for name in "ab"]
    key = (0,) if equal else (1,)
    relation = Join(sides[0], sides[1], JoinKind.INNER, key, key)
    job = Job((Sink(relation, Table("out", (), (("connector", "blackhole"),))),))
    graph = started(job, Settings(), 1)
    inputs = {
        name: Batch(
            pl.DataFrame({"id": range(ROWS), "k": ["x"] * ROWS, "ts": [at(0)] * ROWS}),
            np.arange(first, 2 * ROWS, 2),
            WatermarkSteps.still(),
            split=np.zeros(ROWS, np.int32),
        )
        for first, name in enumerate(graph.scans)
    }
    sizes = [len(output) for part in graph.run_pass(inputs) for output in part.values()]
    assert sum(sizes) == ROWS * ROWS
    assert len(sizes) > 1
    assert max(sizes) <= join.MAX_PAIRS + ROWS

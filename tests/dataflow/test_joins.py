"""Joins: any cut and any interleaving of the inputs gives DuckDB's answer at every prefix."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import oracle
import pytest
from changelogs import Event, call, run, scan
from event_streams import Stream, cut, table_after
from hypothesis import given, settings
from hypothesis import strategies as st

from riacho.dataflow.operators import join
from riacho.errors import RiachoError
from riacho.plan.expressions import Call, Expression, Literal
from riacho.plan.relations import Aggregate, Join, JoinKind, Normalize, Project, Relation, Scan, Union
from riacho.plan.types import BIGINT, BOOLEAN, STRING

COLUMNS = {"id": BIGINT, "k": STRING, "j": BIGINT, "v": BIGINT}
INNER, LEFT = JoinKind.INNER, JoinKind.LEFT

values = st.tuples(
    st.none() | st.sampled_from(["a", "b", "a string longer than twelve bytes"]),
    st.none() | st.integers(0, 1),
    st.none() | st.integers(0, 3),
)


def side(name: str, *, changing: bool) -> Relation:
    if changing:
        return Normalize(scan(name, key=("id",), **COLUMNS), (0,))
    return scan(name, **COLUMNS)


@st.composite
def streams(draw: st.DrawFn, *, changing: tuple[bool, bool]) -> Stream:
    events = []
    for _ in range(draw(st.integers(1, 30))):
        right = draw(st.booleans())
        deleted = changing[right] and draw(st.integers(0, 3)) == 0
        identity = draw(st.integers(0, 4))
        row = (None, None, None) if deleted else draw(values)
        events.append(Event("b" if right else "a", (identity, *row), deleted=deleted))
    return cut(draw, events)


def load_prefix(
    events: list[Event], prefix: int, sides: tuple[Relation, Relation], changing: tuple[bool, bool]
) -> None:
    for name, relation, updates in zip("ab", sides, changing, strict=True):
        oracle.load(name, relation.schema, table_after(events[:prefix], name, changing=updates))


KEYS = {
    "one key": ((1,), (1,), "a.k = b.k"),
    "two keys": ((1, 2), (1, 2), "a.k = b.k AND a.j = b.j"),
    "no key": ((), (), "true"),
}
RESIDUALS = {
    "words": "a.v <= b.v",
    "several words": "b.v BETWEEN a.v AND a.id AND a.v <> b.id AND a.id > a.v",
    "a program": "a.v + 1 <= b.v",
    "Polars": "a.k <= b.k",
}
"""What a condition is evaluated by."""
CHANGING = [(False, False), (True, False), (False, True), (True, True)]


def columns_of(kind: JoinKind, condition: str) -> list[str]:
    """What a join gives out, in SQL."""
    left, right = ([f"{side}.{name}" for name in COLUMNS] for side in "ab")
    if kind is JoinKind.MARK:
        return [*left, f"EXISTS (SELECT * FROM b WHERE {condition})"]
    return left + right if kind.emits_right else left


def joined_by_duckdb(kind: JoinKind, condition: str, columns: list[str]) -> str:
    join = "" if kind is JoinKind.MARK else f"{kind.value} JOIN b ON {condition}"
    return f"SELECT {', '.join(columns)} FROM a {join}"


@pytest.mark.parametrize("changing", CHANGING, ids=["added", "left changes", "right changes", "both change"])
@pytest.mark.parametrize("kind", JoinKind, ids=[kind.value.lower() for kind in JoinKind])
@settings(max_examples=20, deadline=None)
@given(
    data=st.data(),
    keys=st.sampled_from(sorted(KEYS)),
    null_safe=st.booleans(),
    residual=st.sampled_from([*RESIDUALS, ""]),
    room=st.sampled_from([1, 3, join.FIRST_PAIRS]),
)
def test_a_join_is_that_of_the_batch_at_every_prefix(
    data: st.DataObject,
    changing: tuple[bool, bool],
    kind: JoinKind,
    keys: str,
    null_safe: bool,
    residual: str,
    room: int,
) -> None:
    events, cuts, restarts = data.draw(streams(changing=changing))
    sides = side("a", changing=changing[0]), side("b", changing=changing[1])
    left_keys, right_keys, condition = KEYS[keys]
    safe: frozenset[int] = frozenset()
    if null_safe and left_keys:
        safe = frozenset((0,))
        condition = condition.replace("a.k =", "a.k IS NOT DISTINCT FROM")
    relation = Join(*sides, kind, left_keys, right_keys, null_safe=safe)
    if residual:
        pair = relation.pair
        columns = {"v": pair.column("v"), "w": pair.column("v0"), "k": pair.column("k"), "l": pair.column("k0")}
        one = Literal(BIGINT, 1)
        conditions: dict[str, Expression] = {
            "words": Call(BOOLEAN, "<=", (columns["v"], columns["w"])),
            "several words": Call(
                BOOLEAN,
                "AND",
                (
                    Call(BOOLEAN, "BETWEEN", (columns["w"], columns["v"], pair.column("id"))),
                    Call(BOOLEAN, "<>", (columns["v"], pair.column("id0"))),
                    Call(BOOLEAN, ">", (pair.column("id"), columns["v"])),
                ),
            ),
            "a program": Call(BOOLEAN, "<=", (Call(BIGINT, "+", (columns["v"], one)), columns["w"])),
            "Polars": Call(BOOLEAN, "<=", (columns["k"], columns["l"])),
        }
        relation = replace(relation, residual=conditions[residual])
        condition += f" AND {RESIDUALS[residual]}"

    columns = columns_of(kind, condition)
    given = sorted(data.draw(st.sets(st.integers(0, len(columns) - 1), min_size=1)))
    relation = replace(relation, given=tuple(given), names=())

    def compare(prefix: int, outcome: Any) -> None:
        if prefix in (len(events), *cuts[:1]):
            load_prefix(events, prefix, sides, changing)
            assert outcome.total() == oracle.query(joined_by_duckdb(kind, condition, [columns[at] for at in given]))

    with room_for_pairs(room):
        run(relation, events, cuts, restart_at=restarts, observe=compare)


@contextmanager
def room_for_pairs(room: int) -> Iterator[None]:
    """Look for so many pairs at once, so that few are many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(join, "FIRST_PAIRS", room)
        patch.setattr(join, "MAX_PAIRS", room)
        yield


@pytest.mark.parametrize("condition", ["none", "words", "a program"])
@pytest.mark.parametrize("kind", [INNER, LEFT], ids=["inner", "left"])
@settings(max_examples=15, deadline=None)
@given(stream=streams(changing=(False, False)), room=st.integers(1, 4))
def test_a_join_of_added_rows_emits_the_same_rows_in_the_same_order_however_it_is_cut(
    stream: Any, room: int, kind: JoinKind, condition: str
) -> None:
    events, cuts, restarts = stream
    relation = Join(side("a", changing=False), side("b", changing=False), kind, (1,), (1,))
    if condition != "none":
        left, right = relation.pair.column("v"), relation.pair.column("v0")
        if condition == "a program":
            left = Call(BIGINT, "+", (left, Literal(BIGINT, 1)))
        relation = replace(relation, residual=Call(BOOLEAN, "<=", (left, right)))
    whole = run(relation, events)
    with room_for_pairs(room):
        assert run(relation, events, cuts, restart_at=restarts).changes == whole.changes
    assert kind is LEFT or all(diff == 1 for _, diff in whole.changes)


@settings(max_examples=15, deadline=None)
@given(streams(changing=(True, True)))
def test_an_aggregate_over_a_left_join_follows_the_crossings(stream: Any) -> None:
    events, cuts, restarts = stream
    sides = side("a", changing=True), side("b", changing=True)
    below = Join(*sides, LEFT, (1,), (1,))
    schema = below.schema
    relation = Aggregate(
        below,
        (1,),
        (call("COUNT", schema), call("COUNT", schema, "id0"), call("MAX", schema, "v0")),
        ("k", "n", "m", "top"),
    )

    def compare(prefix: int, outcome: Any) -> None:
        load_prefix(events, prefix, sides, (True, True))
        expected = "SELECT a.k, count(*), count(b.id), max(b.v) FROM a LEFT JOIN b ON a.k = b.k GROUP BY a.k"
        assert outcome.total() == oracle.query(expected)

    run(relation, events, cuts, restart_at=restarts, observe=compare)


@pytest.mark.parametrize("kind", [INNER, LEFT], ids=["inner", "left"])
@settings(max_examples=15, deadline=None)
@given(stream=streams(changing=(True, True)))
def test_rows_that_are_equal_count_as_often_as_they_occur(stream: Any, kind: JoinKind) -> None:
    events, cuts, restarts = stream
    sides = side("a", changing=True), side("b", changing=True)
    # Without their identity, rows of different keys are equal, and one row's number goes up and down.
    names = ("k", "j")
    left, right = (Project(each, tuple(each.schema.column(name) for name in names), names) for each in sides)
    relation = Join(left, right, kind, (0,), (0,))

    def compare(prefix: int, outcome: Any) -> None:
        load_prefix(events, prefix, sides, (True, True))
        sql = f"SELECT a.k, a.j, b.k, b.j FROM a {kind.value} JOIN b ON a.k = b.k"
        assert outcome.total() == oracle.query(sql)

    run(relation, events, cuts, restart_at=restarts, observe=compare)


@settings(max_examples=10, deadline=None)
@given(streams(changing=(False, False)))
def test_a_join_of_a_stream_with_itself_sees_each_pair(stream: Any) -> None:
    events, cuts, restarts = stream
    source = side("a", changing=False)
    relation = Join(source, source, INNER, (1,), (1,))

    def compare(prefix: int, outcome: Any) -> None:
        oracle.load("a", source.schema, table_after(events[:prefix], "a", changing=False))
        assert outcome.total() == oracle.query("SELECT * FROM a x JOIN a y ON x.k = y.k")

    run(relation, events, cuts, restart_at=restarts, observe=compare)


@settings(max_examples=15, deadline=None)
@given(streams(changing=(False, False)))
def test_a_union_has_the_rows_of_all_inputs_in_order_of_arrival(stream: Any) -> None:
    events, cuts, restarts = stream
    relation = Union((side("a", changing=False), side("b", changing=False)))
    outcome = run(relation, events, cuts, restart_at=restarts)
    assert outcome.changes == [(event.values, 1) for event in events]


@settings(max_examples=15, deadline=None)
@given(streams(changing=(True, True)))
def test_upserts_become_a_changelog_of_the_table_that_they_leave(stream: Any) -> None:
    events, cuts, restarts = stream
    source = side("a", changing=True)
    whole = run(source, events)
    assert run(source, events, cuts, restart_at=restarts).changes == whole.changes
    assert sorted(map(repr, whole.total().elements())) == sorted(map(repr, table_after(events, "a", changing=True)))


def test_a_second_match_of_a_scalar_subquery_fails_the_job() -> None:
    relation = Join(side("a", changing=False), side("b", changing=False), LEFT, (1,), (1,), single=True)
    events = [Event("a", (1, "a", 0, 0)), Event("b", (7, "a", 0, 0)), Event("b", (8, "a", 0, 0))]
    assert run(relation, events[:2]).total() == {(1, "a", 0, 0, 7, "a", 0, 0): 1}
    with pytest.raises(RiachoError, match="a scalar subquery gave more than one row"):
        run(relation, events)


def test_a_null_key_matches_nothing_not_even_null() -> None:
    relation = Join(side("a", changing=False), side("b", changing=False), LEFT, (1,), (1,))
    events = [Event("a", (1, None, None, None)), Event("b", (2, None, None, None))]
    assert run(relation, events, [1]).changes == [((1, *(None,) * 7), 1)]


def test_a_padded_row_is_retracted_by_the_first_match_and_returns_with_the_last_ones_end() -> None:
    relation = Join(side("a", changing=False), side("b", changing=True), LEFT, (1,), (1,))
    events = [
        Event("a", (1, "a", None, None)),
        Event("b", (7, "a", None, None)),
        Event("b", (8, "a", None, None)),
        Event("b", (7, None, None, None), deleted=True),
        Event("b", (8, None, None, None), deleted=True),
    ]
    padded = (1, "a", None, None, None, None, None, None)
    outcome = run(relation, events, range(5))
    assert outcome.passes[0] == [(padded, 1)]
    assert outcome.passes[1][0] == (padded, -1)
    assert outcome.passes[4][-1] == (padded, 1)
    assert outcome.total() == {padded: 1}


def test_equal_rows_count_as_often_as_they_were_added() -> None:
    source = scan("a", **COLUMNS)
    assert isinstance(source, Scan)
    relation = Join(source, side("b", changing=False), INNER, (1,), (1,))
    twice = [Event("a", (1, "a", 0, 0))] * 2 + [Event("b", (2, "a", 0, 0))] * 3
    assert list(run(relation, twice, [1, 3]).total().values()) == [6]


def test_every_copy_of_a_left_row_returns_when_its_last_match_ends() -> None:
    sides = side("a", changing=True), side("b", changing=True)
    left = Project(sides[0], (sides[0].schema.column("k"),), ("k",))
    relation = Join(left, sides[1], LEFT, (0,), (1,))
    events = [
        Event("a", (1, "a", None, None)),
        Event("b", (7, "a", None, None)),
        Event("a", (2, "a", None, None)),
        Event("b", (7, None, None, None), deleted=True),
    ]
    assert run(relation, events, range(4)).total() == {("a", None, None, None, None): 2}


@pytest.mark.parametrize("kind", [JoinKind.SEMI, JoinKind.ANTI, LEFT], ids=["semi", "anti", "left"])
def test_the_rows_of_one_giant_key_all_get_their_first_match_at_once(kind: JoinKind) -> None:
    size = 70_000
    relation = Join(side("a", changing=False), side("b", changing=False), kind, (1,), (1,))
    events = [*(Event("a", (number, "a", 0, 0)) for number in range(size)), Event("b", (0, "a", 0, 0))]
    outcome = run(relation, events, [size])
    assert len(outcome.passes[0]) == (0 if kind is JoinKind.SEMI else size)
    assert outcome.total().total() == (0 if kind is JoinKind.ANTI else size)


def test_the_rows_of_one_giant_key_all_go_again() -> None:
    size = 20_000
    relation = Join(side("a", changing=True), side("b", changing=True), LEFT, (1,), (1,))
    matched = [Event("b", (0, "a", 0, 0)), *(Event("a", (number, "a", 0, 0)) for number in range(size))]
    gone = [Event("a", (number, None, None, None), deleted=True) for number in range(size - 1)]
    outcome = run(relation, matched + gone, range(0, 2 * size, 3_000), restart_at=[size])
    assert outcome.total() == {(size - 1, "a", 0, 0, 0, "a", 0, 0): 1}

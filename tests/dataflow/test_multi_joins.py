"""Joins of several inputs by keys: any cut and any interleaving gives DuckDB's answer at every prefix."""

from __future__ import annotations

from typing import Any

import oracle
import pytest
from changelogs import Event, batches_between, run, scan, started
from event_streams import Stream, cut, table_after
from hypothesis import given, settings
from hypothesis import strategies as st

from riacho.dataflow.expressions import Settings
from riacho.dataflow.operators import multi_join
from riacho.dataflow.state.snapshots import section
from riacho.plan.passes.multi_join import recognize_multi_joins
from riacho.plan.relations import Job, Join, JoinKind, MultiJoin, Normalize, Project, Relation, Sink
from riacho.plan.tables import Table
from riacho.plan.types import BIGINT, STRING

COLUMNS = {"id": BIGINT, "k": STRING, "j": BIGINT}
NAMES = ("a", "b", "c", "d")
INNER, LEFT, SEMI, ANTI, MARK = JoinKind.INNER, JoinKind.LEFT, JoinKind.SEMI, JoinKind.ANTI, JoinKind.MARK
KINDS = (INNER, LEFT, SEMI, ANTI, MARK)

values = st.tuples(
    st.none() | st.sampled_from(["a", "b", "a string longer than twelve bytes"]),
    st.none() | st.integers(0, 1),
)


def table(name: str, *, changing: bool) -> Relation:
    if changing:
        return Normalize(scan(name, key=("id",), **COLUMNS), (0,))
    return scan(name, **COLUMNS)


@st.composite
def streams(draw: st.DrawFn, changing: tuple[bool, ...]) -> Stream:
    events = []
    for number in range(draw(st.integers(1, 40))):
        place = draw(st.integers(0, len(changing) - 1))
        deleted = changing[place] and draw(st.integers(0, 3)) == 0
        identity = draw(st.integers(0, 4)) if changing[place] else number
        events.append(Event(NAMES[place], (identity, *((None, None) if deleted else draw(values))), deleted=deleted))
    return cut(draw, events)


def load_prefix(events: list[Event], prefix: int, sources: list[Relation], changing: tuple[bool, ...]) -> None:
    for name, relation, updates in zip(NAMES, sources, changing, strict=False):
        oracle.load(name, relation.schema, table_after(events[:prefix], name, changing=updates))


def condition(name: str, keys: tuple[int, ...], *, null_safe: bool) -> str:
    fields = [tuple(COLUMNS)[key] for key in keys]
    first = f"a.{fields[0]} {'IS NOT DISTINCT FROM' if null_safe else '='} {name}.{fields[0]}"
    return " AND ".join([first, *(f"a.{field} = {name}.{field}" for field in fields[1:])])


def batch_query(kinds: tuple[JoinKind, ...], keys: tuple[int, ...], *, null_safe: bool) -> str:
    columns, joins, where = ["a.*"], [], []
    for name, kind in zip(NAMES[1:], kinds, strict=False):
        on = condition(name, keys, null_safe=null_safe)
        exists = f"EXISTS (SELECT * FROM {name} WHERE {on})"
        if kind in (INNER, LEFT):
            columns.append(f"{name}.*")
            joins.append(f"{kind.value} JOIN {name} ON {on}")
        elif kind is MARK:
            columns.append(exists)
        else:
            where.append(exists if kind is SEMI else f"NOT {exists}")
    return f"SELECT {', '.join(columns)} FROM a {' '.join(joins)} WHERE {' AND '.join(where) or 'true'}"


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    kinds=st.lists(st.sampled_from(KINDS), min_size=2, max_size=3).map(tuple),
    keys=st.sampled_from([(1,), (1, 2), (2, 1)]),
    null_safe=st.booleans(),
    room=st.sampled_from([1, 7, multi_join.FIRST_TUPLES]),
)
def test_joins_by_one_key_are_those_of_the_batch_at_every_prefix(
    data: st.DataObject, kinds: tuple[JoinKind, ...], keys: tuple[int, ...], null_safe: bool, room: int
) -> None:
    changing = data.draw(st.tuples(*[st.booleans()] * (len(kinds) + 1)))
    events, cuts, restarts = data.draw(streams(changing))
    sources = [table(name, changing=updates) for name, updates in zip(NAMES, changing, strict=False)]
    relation = sources[0]
    for kind, source in zip(kinds, sources[1:], strict=True):
        relation = Join(relation, source, kind, keys, keys, null_safe=frozenset((0,)) if null_safe else frozenset())
    (whole,) = recognize_multi_joins((relation,))
    assert isinstance(whole, MultiJoin)
    assert whole.schema == relation.schema
    sql = batch_query(kinds, keys, null_safe=null_safe)

    def compare(prefix: int, outcome: Any) -> None:
        load_prefix(events, prefix, sources, changing)
        assert outcome.total() == oracle.query(sql)

    with pytest.MonkeyPatch.context() as patch:
        # Parts that end early, and no room where there mostly is.
        patch.setattr(multi_join, "FIRST_TUPLES", room)
        patch.setattr(multi_join, "MAX_TUPLES", room)
        run(whole, events, cuts, restart_at=restarts, observe=compare)


FIELDS = tuple(COLUMNS)
COMPARED = [((1, 1),), ((2, 2),), ((2, 0),), ((0, 2),), ((0, 0),), ((1, 1), (2, 2))]
"""Fields of a table and of one that is joined to it, which have one type."""


@st.composite
def trees(draw: st.DrawFn) -> list[tuple[JoinKind, int, tuple[tuple[int, int], ...]]]:
    """How each table but the first is joined: its kind, to which table before, by which fields of both."""
    joins: list[tuple[JoinKind, int, tuple[tuple[int, int], ...]]] = []
    for _ in range(draw(st.integers(2, 3))):
        always_there = [0, *(number for number, (kind, *_) in enumerate(joins, 1) if kind is INNER)]
        kind = draw(st.sampled_from([INNER, INNER, *KINDS]))
        joins.append((kind, draw(st.sampled_from(always_there)), draw(st.sampled_from(COMPARED))))
    return joins


@settings(max_examples=80, deadline=None)
@given(
    data=st.data(),
    joins=trees(),
    null_safe=st.booleans(),
    room=st.sampled_from([1, 7, multi_join.FIRST_TUPLES]),
)
def test_joins_by_different_keys_are_those_of_the_batch_at_every_prefix(
    data: st.DataObject, joins: list[tuple[JoinKind, int, tuple[tuple[int, int], ...]]], null_safe: bool, room: int
) -> None:
    changing = data.draw(st.tuples(*[st.booleans()] * (len(joins) + 1)))
    events, cuts, restarts = data.draw(streams(changing))
    tables = [table(name, changing=updates) for name, updates in zip(NAMES, changing, strict=False)]
    # Some inputs are the same table.
    read = [0, *(data.draw(st.sampled_from([number, number, 0, 1])) for number in range(1, len(tables)))]
    sources = [tables[number] for number in read]
    relation, begins, width = sources[0], [0], len(FIELDS)
    columns, joined, where = ["a.*"], [], []
    for (kind, other, compared), name, source, number in zip(joins, NAMES[1:], sources[1:], read[1:], strict=False):
        left_keys, right_keys = zip(*((begins[other] + its, own) for its, own in compared), strict=True)
        safe = frozenset(range(len(compared))) if null_safe else frozenset[int]()
        relation = Join(relation, source, kind, left_keys, right_keys, null_safe=safe)
        begins.append(width)
        width = len(relation.schema)
        equal = "IS NOT DISTINCT FROM" if null_safe else "="
        on = " AND ".join(f"{NAMES[other]}.{FIELDS[its]} {equal} {name}.{FIELDS[own]}" for its, own in compared)
        named = f"{NAMES[number]} AS {name}"
        exists = f"EXISTS (SELECT * FROM {named} WHERE {on})"
        if kind in (INNER, LEFT):
            columns.append(f"{name}.*")
            joined.append(f"{kind.value} JOIN {named} ON {on}")
        elif kind is MARK:
            columns.append(exists)
        else:
            where.append(exists if kind is SEMI else f"NOT {exists}")
    sql = f"SELECT {', '.join(columns)} FROM a {' '.join(joined)} WHERE {' AND '.join(where) or 'true'}"
    (whole,) = recognize_multi_joins((relation,))
    assert isinstance(whole, MultiJoin)
    assert whole.schema == relation.schema

    def compare(prefix: int, outcome: Any) -> None:
        load_prefix(events, prefix, tables, changing)
        assert outcome.total() == oracle.query(sql)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(multi_join, "FIRST_TUPLES", room)
        patch.setattr(multi_join, "MAX_TUPLES", room)
        run(whole, events, cuts, restart_at=restarts, observe=compare)


@settings(max_examples=25, deadline=None)
@given(data=st.data(), kind=st.sampled_from(KINDS[1:]))
def test_a_pair_by_key_alone_is_that_of_the_batch_at_every_prefix(data: st.DataObject, kind: JoinKind) -> None:
    changing = data.draw(st.tuples(st.booleans(), st.booleans()))
    events, cuts, restarts = data.draw(streams(changing))
    sources = [table(name, changing=updates) for name, updates in zip(NAMES, changing, strict=False)]
    (relation,) = recognize_multi_joins((Join(*sources, kind, (1,), (1,)),))
    assert isinstance(relation, MultiJoin)

    def compare(prefix: int, outcome: Any) -> None:
        load_prefix(events, prefix, sources, changing)
        assert outcome.total() == oracle.query(batch_query((kind,), (1,), null_safe=False))

    run(relation, events, cuts, restart_at=restarts, observe=compare)


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_rows_that_are_equal_count_as_often_as_they_occur(data: st.DataObject) -> None:
    changing = (True, True, True)
    events, cuts, restarts = data.draw(streams(changing))
    sources = [table(name, changing=True) for name in NAMES[:3]]
    # Without their identity, rows of different keys are equal, and one row's number goes up and down.
    one, two, three = (Project(each, tuple(map(each.schema.column, ("k", "j"))), ("k", "j")) for each in sources)
    (relation,) = recognize_multi_joins((Join(Join(one, two, INNER, (0,), (0,)), three, LEFT, (2,), (0,)),))
    assert isinstance(relation, MultiJoin)

    def compare(prefix: int, outcome: Any) -> None:
        load_prefix(events, prefix, sources, changing)
        joins = "a JOIN b ON a.k = b.k LEFT JOIN c ON c.k = b.k"
        assert outcome.total() == oracle.query(f"SELECT a.k, a.j, b.k, b.j, c.k, c.j FROM {joins}")

    run(relation, events, cuts, restart_at=restarts, observe=compare)


@settings(max_examples=15, deadline=None)
@given(streams((False, False, False)), st.sampled_from([(1, 1), (2, 2), (0, 2)]))
def test_added_rows_are_joined_in_the_same_order_however_they_are_cut(stream: Any, keys: tuple[int, int]) -> None:
    events, cuts, restarts = stream
    a, b, c = (table(name, changing=False) for name in NAMES[:3])
    (relation,) = recognize_multi_joins((Join(Join(a, b, INNER, (1,), (1,)), c, INNER, keys[:1], keys[1:]),))
    whole = run(relation, events)
    assert run(relation, events, cuts, restart_at=restarts).changes == whole.changes
    assert all(diff == 1 for _, diff in whole.changes)


def test_an_update_of_the_only_match_takes_the_old_row_back_and_gives_the_new_one_and_nothing_between() -> None:
    a, c = (table(name, changing=False) for name in ("a", "c"))
    b = table("b", changing=True)
    (relation,) = recognize_multi_joins((Join(Join(a, b, LEFT, (1,), (1,)), c, SEMI, (1,), (1,)),))
    events = [Event("a", (1, "a", 0)), Event("c", (2, "a", 0)), Event("b", (7, "a", 0)), Event("b", (7, "a", 1))]
    outcome = run(relation, events, range(4))
    alone, old, new = (1, "a", 0, None, None, None), (1, "a", 0, 7, "a", 0), (1, "a", 0, 7, "a", 1)
    assert outcome.passes[:4] == [[], [(alone, 1)], [(alone, -1), (old, 1)], [(old, -1), (new, 1)]]


def test_the_product_of_a_giant_key_comes_in_parts() -> None:
    size = 700
    a, b, c = (table(name, changing=False) for name in NAMES[:3])
    (relation,) = recognize_multi_joins((Join(Join(a, b, INNER, (1,), (1,)), c, INNER, (1,), (1,)),))
    rows = [Event(name, (number, "a", 0)) for name in "ab" for number in range(size)]
    outcome = run(relation, [*rows, Event("c", (0, "a", 0)), Event("c", (1, "a", 0))])
    assert outcome.total().total() == 2 * size * size


@pytest.mark.parametrize("changing", [False, True], ids=["added", "changing"])
def test_an_input_that_occurs_twice_is_kept_once(changing: bool) -> None:
    kept = []
    for second in "ab":
        a, b, c = (table(name, changing=changing) for name in ("a", second, "c"))
        (relation,) = recognize_multi_joins((Join(Join(a, b, INNER, (2,), (0,)), c, INNER, (1,), (1,)),))
        graph = started(Job((Sink(relation, Table("out", (), (("connector", "blackhole"),))),)), Settings(), 1)
        events = [
            Event(name, (number, f"a text of some length {number}", number)) for number in range(5_000) for name in "ab"
        ]
        list(graph.run_pass(batches_between(graph, events, 0, len(events))))
        kept.append(next(metric.state_bytes for metric in graph.metrics() if metric.relation == relation))
    once, twice = kept
    assert once < 0.8 * twice


@pytest.mark.parametrize("second", ["a", "b"])
def test_nothing_is_kept_of_rows_that_have_gone_or_can_never_match(second: str) -> None:
    a, b, c = (table(name, changing=True) for name in ("a", second, "c"))
    (relation,) = recognize_multi_joins((Join(Join(a, b, INNER, (1,), (1,)), c, INNER, (2,), (2,)),))
    graph = started(Job((Sink(relation, Table("out", (), (("connector", "blackhole"),))),)), Settings(), 1)
    rows = [Event(name, (number, f"a key of some length {number}", number)) for name in "abc" for number in range(9)]
    rows += [Event("a", (10, None, 1)), Event("a", (11, "a", None)), Event("b", (12, None, 1))]
    gone = [Event(each.table, (each.values[0], None, None), deleted=True) for each in rows]
    for number, events in enumerate((rows, gone)):
        first = number * len(rows)
        padded = [Event("none", ())] * first + events
        list(graph.run_pass(batches_between(graph, padded, first, first + len(events))))
    (name,) = (metric.id for metric in graph.metrics() if metric.relation == relation)
    state = section(f"{name}.state", graph.snapshot())
    free = {part.removesuffix(".free"): array for part, array in state.items() if part.endswith(".free")}
    assert free
    for part, array in free.items():
        kept = state.get(f"{part}.rows", state.get(f"{part}.keys"))
        assert kept is not None
        assert len(array) == len(kept), f"{part} has nothing left"

"""The first of a join's rows, which are made of its pairs late: DuckDB's at every prefix, however the input is cut."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import oracle
import pytest
from changelogs import Event, run, scan
from event_streams import Stream, cut, table_after
from hypothesis import given, settings
from hypothesis import strategies as st

from riacho.dataflow.batch import Int64Array
from riacho.dataflow.operators import join, multi_join
from riacho.dataflow.state.given_rows import ChosenFields, GivenRows
from riacho.dataflow.state.rows import RowStore
from riacho.plan.expressions import Call
from riacho.plan.ordering import SortKey
from riacho.plan.passes.multi_join import recognize_multi_joins
from riacho.plan.relations import Join, JoinKind, Project, Rank, RankKind, Relation
from riacho.plan.types import BIGINT, BOOLEAN, STRING

COLUMNS = {"id": BIGINT, "k": STRING, "v": BIGINT, "s": STRING, "b": BOOLEAN}
A, B, C = (scan(name, **COLUMNS) for name in "abc")
INNER = JoinKind.INNER

PAIRS = Join(A, B, INNER, (1,), (1,))
CONDITION = Call(BOOLEAN, "<=", (PAIRS.pair.column("v"), PAIRS.pair.column("v0")))
TRIPLES = recognize_multi_joins((Join(PAIRS, C, INNER, (1,), (1,)),))[0]
PLACES = (*range(len(COLUMNS), 2 * len(COLUMNS)), *range(len(COLUMNS)))
TURNED = Project(
    PAIRS, tuple(PAIRS.schema.column(place) for place in PLACES), tuple(PAIRS.schema.names[place] for place in PLACES)
)
ON = "FROM a JOIN b ON a.k = b.k"

JOINS: dict[str, tuple[Relation, str]] = {
    "by keys": (PAIRS, f"SELECT a.*, b.* {ON}"),
    "by a condition, too": (replace(PAIRS, residual=CONDITION), f"SELECT a.*, b.* {ON} AND a.v <= b.v"),
    "in another order": (TURNED, f"SELECT b.*, a.* {ON}"),
    "of three": (TRIPLES, f"SELECT a.*, b.*, c.* {ON} JOIN c ON a.k = c.k"),
}

texts = st.none() | st.sampled_from(["a", "b", "a string longer than twelve bytes"])


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    events = []
    for number in range(draw(st.integers(1, 30))):
        table = draw(st.sampled_from("abc"))
        row = (number, draw(texts), draw(st.none() | st.integers(0, 2)), draw(texts), draw(st.none() | st.booleans()))
        events.append(Event(table, row))
    return cut(draw, events)


@pytest.mark.parametrize("shape", JOINS)
@pytest.mark.parametrize("by_text", [False, True], ids=["by a number", "by a string"])
@pytest.mark.parametrize("numbered", [False, True], ids=["rows", "numbered rows"])
@settings(max_examples=15, deadline=None)
@given(stream=streams(), room=st.sampled_from([1, 3, join.FIRST_PAIRS]), end=st.integers(1, 3))
def test_the_first_rows_of_a_join_are_those_of_the_batch_at_every_prefix(
    shape: str, by_text: bool, numbered: bool, stream: Any, room: int, end: int
) -> None:
    events, cuts, restarts = stream
    joined, sql = JOINS[shape]
    # The identities of a row's parts are last, so that no two rows are equal in order.
    identities = [place for place, field in enumerate(joined.schema) if field.name.startswith("id")]
    leading = 8 if by_text else 7  # of the second input
    order = (SortKey(leading, descending=True, nulls_first=False), *(SortKey(place) for place in identities))
    partition = (1, 2) if by_text else (2,)
    relation = Rank(joined, RankKind.ROW_NUMBER, partition, order, 1, end, "n" if numbered else None)
    columns = [f"c{place}" for place in range(len(joined.schema))]
    ranked = (
        f"SELECT *, row_number() OVER (PARTITION BY {', '.join(columns[at] for at in partition)} ORDER BY "
        f"c{leading} DESC NULLS LAST, {', '.join(columns[at] for at in identities)}) AS n"
    )
    expected = f"{ranked} FROM ({sql}) AS joined({', '.join(columns)}) QUALIFY n <= {end}"
    expected = expected if numbered else f"SELECT {', '.join(columns)} FROM ({expected})"

    def compare(prefix: int, outcome: Any) -> None:
        for name, source in zip("abc", (A, B, C), strict=True):
            oracle.load(name, source.schema, table_after(events[:prefix], name, changing=False))
        assert outcome.total() == oracle.query(expected)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(join, "FIRST_PAIRS", room)
        patch.setattr(join, "MAX_PAIRS", room)
        patch.setattr(multi_join, "MAX_TUPLES", room)
        run(relation, events, cuts, restart_at=restarts, observe=compare)


@pytest.mark.parametrize("shape", ["by keys", "in another order", "of three"])
def test_of_all_rows_of_a_join_only_what_orders_them_is_made(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    joined, _ = JOINS[shape]
    given_texts: list[int] = []
    give = RowStore.give

    def counted(store: RowStore, slots: Int64Array, chosen: ChosenFields | None = None) -> GivenRows:
        if any(item.type == STRING for item in (store.fields if chosen is None else chosen.fields)):
            given_texts.append(len(slots))
        return give(store, slots, chosen)

    monkeypatch.setattr(RowStore, "give", counted)
    monkeypatch.delattr(RowStore, "give_pairs")
    events = [Event(table, (number, "k", number, "a string", None)) for number in range(5) for table in "abc"]

    first = run(Rank(joined, RankKind.ROW_NUMBER, (), (SortKey(2),), 1, 1, None), events).total()

    assert sum(first.values()) == 1
    assert set(given_texts) == {1}

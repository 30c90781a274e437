"""A batch gives the final rows once, when its input has ended, however that was cut into passes."""

from __future__ import annotations

from collections.abc import Sequence

from changelogs import Event, call, run, scan
from hypothesis import given
from hypothesis import strategies as st

from riacho.plan.ordering import SortKey
from riacho.plan.passes.batch import as_batch
from riacho.plan.relations import Aggregate, Materialize, Relation
from riacho.plan.types import BIGINT, INT, STRING

BIDS = scan("bids", channel=STRING, price=INT)
TOTALS = Aggregate(
    BIDS,
    (0,),
    (call("COUNT", BIDS.schema, result=BIGINT.with_nullable(False)), call("SUM", BIDS.schema, "price", INT)),
    ("channel", "bids", "total"),
)
GLOBAL = Aggregate(BIDS, (), TOTALS.calls, ("bids", "total"))

bids = st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.none() | st.integers(0, 3)), max_size=20)
places = st.lists(st.integers(0, 20), max_size=5)


def events_of(drawn: Sequence[tuple[str | None, int | None]]) -> list[Event]:
    return [Event("bids", bid) for bid in drawn]


def final_rows(
    relation: Relation, events: Sequence[Event], cuts: Sequence[int], restarts: Sequence[int]
) -> list[tuple[object, ...]]:
    """The rows that came at the end, none of which may come before or be taken back."""
    outcome = run(relation, events, cuts, restart_at=[place for place in restarts if place < len(events)])
    *before, last = outcome.passes
    assert not any(before)
    assert all(sign == 1 for _, sign in last)
    return [row for row, _ in last]


@given(bids, places, places)
def test_the_final_rows_are_those_that_a_stream_adds_up_to(
    drawn: list[tuple[str | None, int | None]], cuts: list[int], restarts: list[int]
) -> None:
    events = events_of(drawn)

    rows = final_rows(as_batch(TOTALS), events, cuts, restarts)

    assert sorted(rows, key=str) == sorted(run(TOTALS, events).total().elements(), key=str)


@given(bids, places, st.integers(0, 3), st.none() | st.integers(0, 4))
def test_rows_are_sorted_and_cut(
    drawn: list[tuple[str | None, int | None]], cuts: list[int], offset: int, limit: int | None
) -> None:
    ordered = Materialize(BIDS, (SortKey(1, descending=True, nulls_first=False),), offset, limit)

    rows = final_rows(as_batch(ordered), events_of(drawn), cuts, [])

    prices = sorted((price for _, price in drawn), key=lambda price: (price is None, -(price or 0)))
    stop = None if limit is None else offset + limit
    assert [row[1] for row in rows] == prices[offset:stop]


@given(bids, places)
def test_an_aggregate_without_keys_has_a_row_for_no_input(
    drawn: list[tuple[str | None, int | None]], cuts: list[int]
) -> None:
    (row,) = final_rows(as_batch(GLOBAL), events_of(drawn), cuts, [])

    known = [price for _, price in drawn if price is not None]
    assert row == (len(drawn), sum(known) if known else None)


def test_a_query_that_only_adds_rows_tells_them_at_once() -> None:
    assert as_batch(BIDS) == BIDS

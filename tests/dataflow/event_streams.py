"""Events as Hypothesis draws them, how they are cut into passes, and the tables that they leave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from changelogs import Event, at
from hypothesis import strategies as st

Stream = tuple[list[Event], list[int], list[int]]
"""Events, where passes end, and where the job is restarted."""


def cut(draw: st.DrawFn, events: list[Event], *, most_cuts: int = 8, most_restarts: int = 2) -> Stream:
    """The events, cut somewhere."""
    size = len(events)
    cuts = draw(st.lists(st.integers(1, size), max_size=most_cuts))
    return events, cuts, draw(st.lists(st.integers(1, size - 1), max_size=most_restarts)) if size > 1 else []


@st.composite
def out_of_order(
    draw: st.DrawFn,
    rows: st.SearchStrategy[tuple[Any, ...]],
    *,
    late_ms: int,
    tables: Sequence[str] = ("t",),
    splits: int = 2,
) -> Stream:
    """Rows with their times behind them, each up to so late; on several splits of the tables."""
    clock, events = 0, []
    for _ in range(draw(st.integers(1, 40))):
        clock += draw(st.integers(0, 8))
        moment = at(clock - draw(st.integers(0, late_ms)))
        table, split = draw(st.sampled_from(tables)), draw(st.integers(0, splits - 1))
        events.append(Event(table, (*draw(rows), moment), split=split))
    return cut(draw, events)


def table_after(events: list[Event], name: str, *, changing: bool) -> list[tuple[Any, ...]]:
    """The rows of a table that the events leave: all of them or, where it is upserted into, the newest of each key."""
    chosen = [event for event in events if event.table == name]
    if not changing:
        return [event.values for event in chosen]
    table: dict[Any, tuple[Any, ...]] = {}
    for event in chosen:
        table.pop(event.values[0], None)
        if not event.deleted:
            table[event.values[0]] = event.values
    return list(table.values())

"""Queries made up of every form there is: any cut of their input gives DuckDB's answer at every prefix.

The other tests of this folder try one operator at a time, by plans made by hand. Here the text goes through the parser,
the binder and the passes, and forms are stacked: what an aggregate or a left join takes back, the next has to follow.

`RIACHO_QUERIES=1000 pytest tests/dataflow/test_query_forms.py` tries so many. The smallest one that fails is printed as
files for `tests/sql`.
"""

from __future__ import annotations

import os
from collections import Counter
from functools import lru_cache
from typing import Any

import oracle
from changelogs import Event, run
from event_streams import table_after
from hypothesis import given, note, reject, settings
from query_forms import ADDED, CHANGING, DDL, as_files, queries, streams
from query_text import for_duckdb

from riacho.plan.relations import Relation
from riacho.sql.errors import SqlError
from riacho.sql.session import Session

REFUSED = "a subquery cannot read the row around it from below Unnest"
"""The one combination of these forms that there is not; Flink fails on it, too."""

TRIED = int(os.environ.get("RIACHO_QUERIES", "100"))


@lru_cache(maxsize=2)
def plan(query: str) -> Relation:
    session = Session()
    session.execute(DDL)
    return session.query(query)


TABLE = plan("SELECT id, k, j, v, flag FROM a").schema


def answer(query: str, events: list[Event]) -> Counter[tuple[Any, ...]]:
    for name in ADDED + CHANGING:
        oracle.load(name, TABLE, table_after(events, name, changing=name in CHANGING))
    return oracle.query(for_duckdb(query))


@settings(max_examples=TRIED)
@given(query=queries, stream=streams())
def test_a_query_of_any_forms_is_that_of_the_batch_at_every_prefix(query: str, stream: Any) -> None:
    events, cuts, restarts = stream
    note(as_files(query, events))
    try:
        relation = plan(query)
    except SqlError as error:
        if REFUSED not in error.what:
            raise
        reject()

    def compare(prefix: int, outcome: Any) -> None:
        assert outcome.total() == answer(query, events[:prefix])

    run(relation, events, cuts, restart_at=restarts, observe=compare)

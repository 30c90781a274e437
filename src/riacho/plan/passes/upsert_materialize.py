"""Sinks whose PRIMARY KEY several rows of a query may share."""

from __future__ import annotations

from dataclasses import replace

from riacho.plan.changelog import is_updating, unique_keys
from riacho.plan.relations import Sink, UpsertMaterialize

UPSERT_MATERIALIZE = "table.exec.sink.upsert-materialize"
"""The SET option: AUTO, NONE or FORCE."""


def materialize_upserts(sink: Sink, strategy: str) -> Sink:
    """Keep one row per primary key where the query's rows are not told apart by it; the last that came is written.

    ```sql
    INSERT INTO by_country SELECT country, user, COUNT(*) FROM visits GROUP BY country, user  -- PRIMARY KEY (country)
    -- Sink(by_country) over UpsertMaterialize(country) over Aggregate(country, user)
    ```

    `AUTO` does so only for a query that changes its rows: of one that adds rows the last written is the last that
    came anyway. A query whose own key is part of the primary key needs it never, for a pass then has one row for each.
    """
    key = sink.table.primary_key
    if strategy == "NONE" or not key:
        return sink
    names = [column.name for column in sink.table.persisted_columns]
    positions = tuple(names.index(name) for name in key)
    apart = any(unique <= set(positions) for unique in unique_keys(sink.input))
    if strategy == "FORCE" or (is_updating(sink.input) and not apart):
        return replace(sink, input=UpsertMaterialize(sink.input, positions))
    return sink

"""Pieces of queries for Hypothesis to put together, and the few words in which DuckDB's text is another."""

from __future__ import annotations

import re

from hypothesis import strategies as st

values = st.tuples(
    st.none() | st.sampled_from(["x", "y", "a string longer than twelve bytes"]),
    st.none() | st.integers(0, 1),
    st.none() | st.integers(-3, 3),
    st.none() | st.booleans(),
)
"""Of the columns k STRING, j INT, v BIGINT, flag BOOLEAN."""

conditions = st.sampled_from(["v > 0", "flag", "NOT flag OR j = 0", "k IS NULL", "k <> 'x' AND v < 2", "j IS NOT NULL"])
filters = st.sampled_from(["", "", " FILTER (WHERE flag)", " FILTER (WHERE v > 0)"])
counts = filters.map(lambda condition: f"COUNT(*){condition}")


@st.composite
def aggregates(draw: st.DrawFn, column: str = "v") -> str:
    """An aggregate call, with or without DISTINCT and FILTER."""
    function = draw(st.sampled_from(["COUNT", "SUM", "AVG", "MIN", "MAX"]))
    return f"{function}({draw(st.sampled_from(['', 'DISTINCT ']))}{column}){draw(filters)}"


def for_duckdb(query: str) -> str:
    """The same query where the average of integers is an integer, cut off toward zero.

    >>> for_duckdb("SELECT AVG(DISTINCT v) FILTER (WHERE flag), MAX(v) FROM t")
    'SELECT CAST(TRUNC(AVG(DISTINCT v) FILTER (WHERE flag)) AS BIGINT), MAX(v) FROM t'
    """
    return re.sub(r"(AVG\([^()]*\)( FILTER \(WHERE [^()]*\))?)", r"CAST(TRUNC(\1) AS BIGINT)", query)

"""A query in DuckDB, in a process of its own: `python -m riacho.bench.nexmark.duckdb_query`."""

from __future__ import annotations

from typing import Any

from riacho.bench.nexmark.answers import Ran, answer
from riacho.errors import RiachoError

VIEWS = """
CREATE VIEW events AS SELECT * FROM read_parquet('{files}/*.parquet');
CREATE VIEW person AS SELECT n, unnest(person) FROM events WHERE event_type = 0;
CREATE VIEW auction AS SELECT n, unnest(auction) FROM events WHERE event_type = 1;
CREATE VIEW bid AS SELECT n, unnest(bid) FROM events WHERE event_type = 2;
CREATE TABLE side_input AS SELECT * FROM read_csv('{side_input}', header = false, names = ['key', 'value'],
  types = ['BIGINT', 'VARCHAR']);
"""

WARM_ROWS = 10_000


def connect(files: str, side_input: str, threads: int) -> Any:
    """DuckDB over the events of a directory. Raises `RiachoError` where it is not installed."""
    try:
        import duckdb
    except ImportError:
        raise RiachoError("DuckDB is not installed", mend="pip install duckdb") from None
    connection = duckdb.connect(":memory:", config={"threads": threads})
    connection.execute(VIEWS.format(files=files, side_input=side_input))
    return connection


def run(request: dict[str, Any]) -> Ran:
    """Run the query to its end, every column of the result made."""
    connection = connect(request["files"], request["side_input"], request["threads"])
    if request["warm"]:
        connection.execute(f"SELECT COUNT(*) FROM (FROM events LIMIT {WARM_ROWS})").fetchall()
        return Ran(0)
    connection.execute(f"CREATE TEMP TABLE result AS {request['query']}")
    return Ran(int(request["events"]))


if __name__ == "__main__":
    answer(run)

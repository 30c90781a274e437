"""The changelog mode of each step, as Flink derives it from what the sink asks for."""

from __future__ import annotations

import pytest

from riacho.plan.changelog import unique_keys
from riacho.plan.changelog_modes import changelog_modes
from riacho.plan.relations import Project, UpsertMaterialize, walk_relations
from riacho.sql.session import Session, compile_script

TABLES = """
CREATE TABLE bids (auction BIGINT, bidder BIGINT, price BIGINT) WITH ('connector' = 'kafka');
CREATE TABLE users (id BIGINT, name STRING, country STRING, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka');
CREATE TABLE by_key (k BIGINT, v BIGINT, PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = 'upsert-kafka');
CREATE TABLE by_value (k BIGINT, v BIGINT, PRIMARY KEY (v) NOT ENFORCED) WITH ('connector' = 'upsert-kafka');
CREATE TABLE by_name (name STRING, n BIGINT, PRIMARY KEY (name) NOT ENFORCED) WITH ('connector' = 'upsert-kafka');
CREATE TABLE shown (k BIGINT, v BIGINT) WITH ('connector' = 'print');
CREATE TABLE orders (k BIGINT, v BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka');
CREATE TABLE taken (k BIGINT, v BIGINT) WITH ('connector' = 'blackhole');
"""


def steps(insert: str, options: str = "") -> list[str]:
    """`Step [kinds]` of each step but projections, which pass on what they get; from the sink down."""
    (job,) = compile_script(f"{TABLES} {options} {insert};", "test.sql").jobs
    (sink,) = job.sinks
    modes = changelog_modes(sink)
    kept = (step for step in walk_relations(sink) if not isinstance(step, Project))
    return [f"{type(step).__name__} [{modes[step]}]" for step in kept]


def test_rows_that_are_only_added_are_inserts() -> None:
    assert steps("INSERT INTO shown SELECT auction, price FROM bids WHERE price > 1") == [
        "Sink [NONE]",
        "Filter [I]",
        "Scan [I]",
    ]


def test_an_aggregate_by_the_primary_key_needs_no_old_values() -> None:
    aggregate = "SELECT auction, SUM(price) FROM bids GROUP BY auction"
    assert steps(f"INSERT INTO by_key {aggregate}")[:2] == ["Sink [NONE]", "Aggregate [I,UA]"]


def test_a_sink_of_whole_changes_asks_for_old_values() -> None:
    aggregate = "SELECT auction, SUM(price) FROM bids GROUP BY auction"
    assert steps(f"INSERT INTO shown {aggregate}")[:2] == ["Sink [NONE]", "Aggregate [I,UB,UA]"]
    assert steps(f"INSERT INTO taken {aggregate}")[:2] == ["Sink [NONE]", "Aggregate [I,UA]"]


def test_a_filter_over_updates_asks_for_old_values() -> None:
    insert = "INSERT INTO by_key SELECT auction, s FROM (SELECT auction, SUM(price) s FROM bids GROUP BY auction)"
    assert steps(f"{insert} WHERE s > 10")[1:3] == ["Filter [I,UB,UA]", "Aggregate [I,UB,UA]"]


def test_an_aggregate_of_changing_rows_may_delete_its_own() -> None:
    assert steps("INSERT INTO by_name SELECT name, COUNT(*) FROM users GROUP BY name") == [
        "Sink [NONE]",
        "Aggregate [I,UA,D]",
        "Normalize [I,UB,UA,D]",
        "Scan [UA,D]",
    ]


def test_distinct_updates_as_flink_says() -> None:
    assert steps("INSERT INTO taken SELECT DISTINCT auction, price FROM bids")[1] == "Aggregate [I,UA]"


def test_a_join_by_both_unique_keys_needs_no_old_values() -> None:
    counts = "(SELECT bidder, COUNT(*) AS n FROM bids GROUP BY bidder)"
    found = steps(f"INSERT INTO by_key SELECT u.id, c.n FROM users AS u JOIN {counts} AS c ON u.id = c.bidder")
    assert found == [
        "Sink [NONE]",
        "Join [I,UA,D]",
        "Normalize [I,UA,D]",
        "Scan [UA,D]",
        "Aggregate [I,UA]",
        "Scan [I]",
    ]


def test_a_join_by_a_column_that_changes_asks_for_old_values() -> None:
    joined = "users AS u JOIN bids AS b ON u.name = CAST(b.bidder AS STRING)"
    insert = f"INSERT INTO by_key SELECT u.id, b.price FROM {joined}"
    assert "Join [I,UB,UA,D]" in steps(insert)
    assert "Normalize [I,UB,UA,D]" in steps(insert)


@pytest.mark.parametrize(
    ("insert", "strategy", "materialized"),
    [
        ("INSERT INTO by_key SELECT auction, SUM(price) FROM bids GROUP BY auction", "AUTO", False),
        ("INSERT INTO by_value SELECT auction, SUM(price) FROM bids GROUP BY auction", "AUTO", True),
        ("INSERT INTO by_value SELECT auction, SUM(price) FROM bids GROUP BY auction", "NONE", False),
        ("INSERT INTO by_value SELECT auction, price FROM bids", "AUTO", False),
        ("INSERT INTO by_value SELECT auction, price FROM bids", "FORCE", True),
        ("INSERT INTO shown SELECT auction, SUM(price) FROM bids GROUP BY auction", "FORCE", False),
        ("INSERT INTO by_name SELECT name, id FROM users", "AUTO", True),
    ],
)
def test_rows_are_kept_where_several_may_share_a_primary_key(insert: str, strategy: str, materialized: bool) -> None:
    option = f"SET 'table.exec.sink.upsert-materialize' = '{strategy}';"
    (job,) = compile_script(f"{TABLES} {option} {insert};", "test.sql").jobs

    assert isinstance(job.sinks[0].input, UpsertMaterialize) is materialized
    if materialized:
        assert "UB" in changelog_modes(job.sinks[0])[job.sinks[0].input.inputs[0]] or strategy == "FORCE"


def test_a_filter_right_behind_the_rows_that_are_kept_by_key_needs_no_old_values() -> None:
    insert = "INSERT INTO by_key SELECT id, CAST(country AS BIGINT) FROM users WHERE name <> 'x'"
    assert steps(insert)[1:3] == ["Filter [I,UA,D]", "Normalize [I,UA,D]"]


def test_a_key_that_is_cast_to_a_wider_type_is_a_key() -> None:
    session = Session()
    session.execute(
        "CREATE TABLE s (k INT, t VARCHAR(3), PRIMARY KEY (k, t) NOT ENFORCED) WITH ('connector' = 'upsert-kafka');"
    )
    for kept in ("CAST(k AS BIGINT), CAST(t AS STRING)", "k, CAST(t AS VARCHAR(4))"):
        assert unique_keys(session.query(f"SELECT {kept} FROM s")) == {frozenset({0, 1})}
    for lost in ("CAST(k AS SMALLINT), t", "k, CAST(t AS VARCHAR(2))", "k, CAST(t AS CHAR(9))"):
        assert unique_keys(session.query(f"SELECT {lost} FROM s")) == frozenset()


@pytest.mark.parametrize(
    ("order", "told"),
    [
        ("n DESC", "I,UA"),
        ("n DESC, auction", "I,UA"),
        ("lowest", "I,UA"),
        ("highest DESC, n DESC", "I,UA"),
        ("n", "I,UB,UA"),
        ("lowest DESC", "I,UB,UA"),
        ("highest DESC, price DESC", "I,UB,UA"),
    ],
)
def test_a_top_n_of_rows_that_only_rise_needs_no_old_values(order: str, told: str) -> None:
    insert = f"""
        INSERT INTO shown SELECT auction, n FROM (
          SELECT *, ROW_NUMBER() OVER (ORDER BY {order}) AS number FROM (
            SELECT auction, COUNT(*) AS n, MIN(price) AS lowest, MAX(price) AS highest, SUM(price) AS price
            FROM bids GROUP BY auction))
        WHERE number <= 3
        """
    assert steps(insert)[1:3] == ["Rank [I,UB,UA,D]", f"Aggregate [{told}]"]


def test_a_top_n_in_partitions_that_rows_may_leave_asks_for_old_values() -> None:
    insert = """
        INSERT INTO shown SELECT auction, n FROM (
          SELECT *, ROW_NUMBER() OVER (PARTITION BY bidder ORDER BY n DESC) AS number FROM (
            SELECT auction, COUNT(*) AS n, MAX(bidder) AS bidder FROM bids GROUP BY auction))
        WHERE number <= 3
        """
    assert steps(insert)[1:3] == ["Rank [I,UB,UA,D]", "Aggregate [I,UB,UA]"]


def test_versions_are_told_without_the_rows_before_them() -> None:
    views = """
        CREATE VIEW versions AS SELECT k, v, ts FROM (
          SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts DESC) AS number FROM orders) WHERE number = 1;
        """
    insert = "INSERT INTO shown SELECT o.k, r.v FROM orders o JOIN versions FOR SYSTEM_TIME AS OF o.ts r ON o.k = r.k"
    found = steps(insert, views)
    assert found[1] == "Join [I]"
    assert "VersionedView [I,UA,D]" in found

"""What each rewrite of a plan does, and what it must not do."""

from __future__ import annotations

from riacho.plan.relations import (
    Aggregate,
    Filter,
    Join,
    JoinKind,
    MultiJoin,
    Project,
    Scan,
    TimeAttribute,
    Union,
    Unnest,
    Watermark,
    WindowAggregate,
    WindowTable,
)
from riacho.sql.explain import explain_steps
from riacho.sql.session import Session
from sql_frontend.catalog import plan, session, steps

HOURLY = "FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' HOUR))"


def test_a_scan_reads_only_what_is_used() -> None:
    (scan,) = steps(plan("SELECT channel FROM bids WHERE bidder > 1"), Scan)
    assert isinstance(scan, Scan)
    assert scan.fields == ("bidder", "channel", "ts")


def test_counting_rows_still_reads_a_field() -> None:
    (scan,) = steps(plan("SELECT COUNT(*) FROM numbers"), Scan)
    assert isinstance(scan, Scan)
    assert scan.fields == ("n",)


def test_queries_of_one_job_share_the_scan_and_the_watermark_of_a_table() -> None:
    made = session()
    script = made.execute(
        """
        CREATE TABLE out (x BIGINT) WITH ('connector' = 'print');
        EXECUTE STATEMENT SET BEGIN
        INSERT INTO `out` SELECT price FROM bids;
        INSERT INTO `out` SELECT bidder FROM bids WHERE twice > 1;
        END;
    """.replace("TABLE out", "TABLE `out`")
    )
    (job,) = script.jobs
    watermarks = {step for sink in job.sinks for step in steps(sink, Watermark)}
    assert len(watermarks) == 1


def test_a_view_that_two_queries_use_stays_one_step() -> None:
    made = session()
    script = made.execute("""
        CREATE TABLE sink (x BIGINT) WITH ('connector' = 'print');
        CREATE VIEW v AS SELECT bidder, COUNT(*) AS c, SUM(price) AS s FROM bids GROUP BY bidder;
        EXECUTE STATEMENT SET BEGIN
        INSERT INTO sink SELECT c FROM v;
        INSERT INTO sink SELECT s FROM v;
        END;
    """)
    (job,) = script.jobs
    assert len({step for sink in job.sinks for step in steps(sink, Aggregate)}) == 1


def test_filters_do_not_pass_the_watermark() -> None:
    relation = plan("SELECT price FROM bids WHERE price > 5")
    (watermark,) = steps(relation, Watermark)
    assert steps(relation, Filter)
    assert not steps(watermark, Filter)


def test_filters_pass_window_tables_unions_and_groupings() -> None:
    relation = plan("SELECT * FROM (SELECT price AS p FROM bids UNION ALL SELECT b FROM numbers) WHERE p > 5")
    assert isinstance(relation, Union)
    windowed = plan(f"SELECT price, window_end {HOURLY} WHERE price > 5")
    (table,) = steps(windowed, WindowTable)
    assert isinstance(table, WindowTable)
    assert steps(table, Filter)
    grouped = plan("SELECT n FROM (SELECT n, COUNT(*) AS c FROM numbers GROUP BY n) WHERE n > 1")
    (aggregate,) = steps(grouped, Aggregate)
    assert steps(aggregate, Filter)


def test_a_condition_on_the_right_of_a_left_join_stays_above_it() -> None:
    relation = plan("SELECT n, name FROM numbers LEFT JOIN people ON b = id WHERE name IS NULL AND n > 1")
    (join,) = steps(relation, Join)
    assert isinstance(join, Join)
    assert str(steps(relation, Filter)[0].predicate) == "name IS NULL"  # type: ignore[attr-defined]
    assert [str(step.predicate) for step in steps(join, Filter)] == ["(n > 1)"]  # type: ignore[attr-defined]


def test_volatile_expressions_are_neither_moved_nor_doubled() -> None:
    relation = plan("SELECT r, r AS again FROM (SELECT RAND() AS r FROM numbers) WHERE r > 0.5")
    assert explain_steps((relation,)).count("RAND()") == 1


def test_a_computed_field_that_is_read_twice_is_computed_once() -> None:
    relation = plan("SELECT u, u || 'x' FROM (SELECT UPPER(s) AS u FROM numbers)")
    assert explain_steps((relation,)).count("UPPER(s)") == 1


def test_equalities_become_join_keys_and_the_rest_stays() -> None:
    (join,) = steps(plan("SELECT n FROM numbers JOIN people ON b = id AND n > 1 AND s < name"), Join)
    assert isinstance(join, Join)
    assert [join.left.schema[key].name for key in join.left_keys] == ["b"]
    assert [join.right.schema[key].name for key in join.right_keys] == ["id"]
    assert str(join.residual) == "(s < name)"


def test_a_computed_join_key_is_projected_below() -> None:
    (join,) = steps(plan("SELECT n FROM numbers JOIN people ON n + 1 = id"), Join)
    assert isinstance(join, Join)
    (key,) = join.left_keys
    assert isinstance(join.left, Project)
    assert str(join.left.expressions[key]) == "CAST((n + 1) AS BIGINT)"


def test_a_comparison_that_takes_null_for_null_is_a_key_of_such_a_kind() -> None:
    (join,) = steps(plan("SELECT n FROM numbers JOIN people ON n = id AND b IS NOT DISTINCT FROM id"), Join)
    assert isinstance(join, Join)
    assert len(join.left_keys) == 2
    assert join.null_safe == {1}


def test_an_outer_join_whose_padded_rows_a_condition_rejects_is_a_narrower_one() -> None:
    (join,) = steps(plan("SELECT n, name FROM numbers FULL JOIN people ON b = id WHERE n > 1 AND b IS NULL"), Join)
    assert isinstance(join, Join)
    assert join.kind is JoinKind.LEFT
    (join,) = steps(plan("SELECT n, name FROM numbers LEFT JOIN people ON b = id WHERE name LIKE 'A%'"), Join)
    assert isinstance(join, Join)
    assert join.kind is JoinKind.INNER


def test_grouping_by_start_and_end_is_a_window_aggregate() -> None:
    query = f"SELECT channel, window_end, SUM(price) {HOURLY} GROUP BY channel, window_start, window_end"
    (window,) = steps(plan(query), WindowAggregate)
    assert isinstance(window, WindowAggregate)
    assert (window.size, window.slide, window.offset) == (3_600_000, 3_600_000, 0)
    assert [window.input.schema[key].name for key in window.keys] == ["channel"]
    assert window.input.schema[window.time_column].name == "ts"


def test_grouping_by_the_end_alone_is_an_ordinary_aggregate() -> None:
    relation = plan(f"SELECT window_end, COUNT(*) {HOURLY} GROUP BY window_end")
    assert steps(relation, Aggregate)
    assert not steps(relation, WindowAggregate)


def test_a_condition_on_the_window_moves_above_its_aggregate() -> None:
    relation = plan(
        f"SELECT COUNT(*) {HOURLY} WHERE window_start > TIMESTAMP '2013-01-01 00:00:00' AND price > 1 "
        "GROUP BY window_start, window_end"
    )
    (window,) = steps(relation, WindowAggregate)
    assert [str(step.predicate) for step in steps(window, Filter)] == ["(price > 1)"]  # type: ignore[attr-defined]
    assert len(steps(relation, Filter)) == 2


def test_a_window_of_windows_uses_window_time_as_its_row_time() -> None:
    relation = plan(
        f"WITH w AS (SELECT window_time AS rt, COUNT(*) AS c {HOURLY} GROUP BY window_start, window_end, window_time) "
        "SELECT window_end, SUM(c) FROM TABLE(TUMBLE(TABLE w, DESCRIPTOR(rt), INTERVAL '1' DAY)) "
        "GROUP BY window_start, window_end"
    )
    outer, inner = steps(relation, WindowAggregate)
    assert isinstance(outer, WindowAggregate)
    assert isinstance(inner, WindowAggregate)
    assert outer.input.schema[outer.time_column].time is TimeAttribute.ROWTIME
    assert (outer.size, inner.size) == (86_400_000, 3_600_000)


def test_hop_takes_named_arguments_in_any_order() -> None:
    relation = plan(
        "SELECT price FROM HOP(SIZE => INTERVAL '30' MINUTE, DATA => TABLE bids, TIMECOL => DESCRIPTOR(ts), "
        "SLIDE => INTERVAL '5' MINUTE, OFFSET => INTERVAL '1' MINUTE)"
    )
    (window,) = steps(relation, WindowTable)
    assert isinstance(window, WindowTable)
    assert (window.size, window.slide, window.offset) == (1_800_000, 300_000, 60_000)


def test_conditions_that_always_hold_disappear() -> None:
    relation = plan("SELECT n FROM numbers WHERE TRUE AND NOT FALSE")
    assert isinstance(relation, Scan)


def test_a_number_that_may_be_nan_equals_itself() -> None:
    (project,) = steps(plan("SELECT SQRT(n) <> SQRT(n) AS other, RAND() = RAND() AS drawn FROM numbers"), Project)
    assert isinstance(project, Project)
    itself, drawn = map(str, project.expressions)
    assert "<>" not in itself
    assert "=" in drawn


def test_a_join_gives_out_the_fields_that_are_read_above_it() -> None:
    relation = plan("SELECT name FROM bids JOIN people ON id = bidder AND channel < name")
    assert isinstance(relation, Join)
    assert relation.schema.names == ("name",)
    (kept,) = steps(plan("SELECT price FROM bids WHERE EXISTS (SELECT 1 FROM people WHERE id < bidder)"), Join)
    assert kept.schema.names == ("price",)


def test_an_array_that_is_only_laid_out_is_not_repeated_beside_each_element() -> None:
    (step,) = steps(plan("SELECT tag FROM bids LEFT JOIN UNNEST(tags) AS t (tag) ON tag <> channel"), Unnest)
    assert step.schema.names == ("tag",)


def _multi_joins(query: str, options: str = "") -> list[tuple[str, ...]]:
    """The kinds of each multi-way join of a query, the uppermost first."""
    made = session()
    script = made.execute(f"{options} CREATE TABLE k (x BIGINT) WITH ('connector' = 'print'); INSERT INTO k {query};")
    found = steps(script.jobs[0].sinks[0], MultiJoin)
    return [tuple(kind.value for kind in step.kinds) for step in found if isinstance(step, MultiJoin)]


BIDS_OF_PEOPLE = "SELECT b.price FROM bids AS b JOIN people AS p ON p.id = b.bidder"


def test_joins_that_all_compare_one_key_are_one_step() -> None:
    chain = f"{BIDS_OF_PEOPLE} LEFT JOIN numbers AS n ON n.b = p.id WHERE EXISTS (SELECT 1 FROM numbers WHERE b = p.id)"
    assert _multi_joins(chain) == [("INNER", "INNER", "LEFT", "SEMI")]
    nested = "SELECT n.b FROM numbers AS n JOIN (SELECT id FROM people JOIN bids ON id = bidder) ON b = id"
    assert _multi_joins(nested) == [("INNER", "INNER", "INNER")]


def test_joins_by_several_fields_are_one_step_whatever_the_order_in_which_they_are_compared() -> None:
    chain = """SELECT a.price FROM bids AS a JOIN bids AS b ON a.bidder = b.bidder AND a.auction = b.auction
        JOIN bids AS c ON c.auction = b.auction AND a.bidder = c.bidder"""
    assert _multi_joins(chain) == [("INNER", "INNER", "INNER")]


def test_joins_by_different_keys_are_one_step() -> None:
    by_two = f"{BIDS_OF_PEOPLE} JOIN numbers AS n ON n.b = b.auction"
    assert _multi_joins(by_two) == [("INNER", "INNER", "INNER")]
    (step,) = steps(plan(by_two), MultiJoin)
    assert isinstance(step, MultiJoin)
    assert [[source for source, _ in key.members] for key in step.keys] == [[0, 2], [0, 1]]
    exists = "EXISTS (SELECT 1 FROM numbers AS m WHERE m.b = price)"
    star = f"{BIDS_OF_PEOPLE} LEFT JOIN numbers AS n ON n.b = b.auction WHERE {exists}"
    assert _multi_joins(star) == [("INNER", "INNER", "LEFT", "SEMI")]


def test_joins_whose_keys_lead_round_in_a_ring_are_a_step_of_those_below() -> None:
    three = f"{BIDS_OF_PEOPLE} JOIN numbers AS n ON n.b = b.auction"
    ring = f"{three} JOIN bids AS c ON c.price = n.n AND c.channel = p.name"
    assert _multi_joins(ring) == [("INNER", "INNER", "INNER")]


def test_tables_that_are_compared_with_later_ones_only_are_not_multiplied() -> None:
    both = "b.bidder = p.id AND b.auction = n.b"
    (step,) = steps(plan(f"SELECT b.price FROM people AS p, numbers AS n, bids AS b WHERE {both}"), MultiJoin)
    assert isinstance(step, MultiJoin)
    assert [len(key.members) for key in step.keys] == [2, 2]


def test_joins_by_different_keys_stay_one_after_another_where_delta_joins_are_not_wanted() -> None:
    unwanted = "SET 'table.optimizer.delta-join.strategy' = 'NONE';"
    assert _multi_joins(f"{BIDS_OF_PEOPLE} JOIN numbers AS n ON n.b = b.auction", unwanted) == []
    assert _multi_joins(f"{BIDS_OF_PEOPLE} JOIN numbers AS n ON n.b = p.id", unwanted) == [("INNER", "INNER", "INNER")]


def test_joins_by_more_than_keys_stay_one_after_another() -> None:
    assert _multi_joins(f"{BIDS_OF_PEOPLE} JOIN numbers AS n ON n.b = p.id AND n.b = b.auction") == []
    assert _multi_joins(f"{BIDS_OF_PEOPLE} JOIN numbers AS n ON n.b = p.id AND n.n < b.price") == []
    assert _multi_joins(f"{BIDS_OF_PEOPLE} FULL JOIN numbers AS n ON n.b = p.id") == []
    assert _multi_joins(BIDS_OF_PEOPLE) == []


def test_a_key_that_an_outer_join_may_leave_null_is_another_one() -> None:
    left = "SELECT b.price FROM bids AS b LEFT JOIN people AS p ON p.id = b.bidder LEFT JOIN numbers AS n ON n.b ="
    assert _multi_joins(f"{left} b.bidder") == [("INNER", "LEFT", "LEFT")]
    assert _multi_joins(f"{left} p.id") == [("INNER", "LEFT"), ("INNER", "LEFT")]


def test_joins_whose_rows_live_for_a_time_stay_one_after_another() -> None:
    chain = f"{BIDS_OF_PEOPLE} JOIN numbers AS n ON n.b = p.id"
    assert _multi_joins(chain, "SET 'table.exec.state.ttl' = '1 h';") == []
    hinted = chain.replace("SELECT", "SELECT /*+ STATE_TTL('n' = '1 h') */", 1)
    assert _multi_joins(hinted) == []
    assert _multi_joins(chain, "SET 'table.exec.state.ttl' = '0';") == [("INNER", "INNER", "INNER")]


def test_a_join_that_two_queries_read_is_computed_once() -> None:
    made = session()
    script = made.execute("""
        CREATE TABLE sink (x BIGINT, y STRING) WITH ('connector' = 'print');
        CREATE VIEW v AS SELECT b.bidder, p.name FROM bids AS b JOIN people AS p ON p.id = b.bidder;
        EXECUTE STATEMENT SET BEGIN
        INSERT INTO sink SELECT bidder, name FROM v;
        INSERT INTO sink SELECT v.bidder, v.name FROM v JOIN numbers AS n ON n.b = v.bidder;
        END;
    """)
    (job,) = script.jobs
    assert not any(steps(sink, MultiJoin) for sink in job.sinks)
    assert len({step for sink in job.sinks for step in steps(sink, Join)}) == 2


def test_a_semi_join_by_a_key_alone_counts_rows_instead_of_pairs() -> None:
    query = "SELECT price FROM bids WHERE {} (SELECT 1 FROM people WHERE id = bidder{})"
    assert _multi_joins(query.format("EXISTS", "")) == [("INNER", "SEMI")]
    assert _multi_joins(query.format("NOT EXISTS", "")) == [("INNER", "ANTI")]
    assert _multi_joins(query.format("EXISTS", " AND name <> channel")) == []


def test_a_row_time_that_is_cast_to_its_own_type_is_a_plain_timestamp() -> None:
    session = Session()
    session.execute(
        "CREATE TABLE t (ts TIMESTAMP(3), p AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka');"
    )
    query = "SELECT ts, CAST(ts AS TIMESTAMP(3)) AS a, p, CAST(p AS TIMESTAMP_LTZ(3)) AS b FROM t"
    assert [item.time is not None for item in session.query(query).schema] == [True, False, True, False]

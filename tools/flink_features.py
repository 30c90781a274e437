"""What Flink 2.2's SQL documentation describes, and whether Riacho has it; each line with SQL that shows it.

A probe is one statement, after `TABLES`: where Riacho has the feature it is taken, where it has not it is refused. Lines
without one are about what no single statement shows. Functions, formats, connectors and options come from their
registries (see `features_page.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Has(Enum):
    """Whether Riacho has a feature of Flink's."""

    YES = "yes"
    DIFFERS = "differs"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature: its name, where it is described (page and heading, from docs/sql) and what a reader should know."""

    name: str
    has: Has
    link: str
    probe: str | None = None
    remark: str = ""


NOT_HERE = "index.md#not-here"

TABLES = """
CREATE TABLE t (
  k INT, s STRING, v BIGINT, a ARRAY<INT>, m MAP<STRING, INT>, r ROW<x INT>, ts TIMESTAMP(3), p AS PROCTIME(),
  WATERMARK FOR ts AS ts
) WITH ('connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'host:1', 'format' = 'json');
CREATE TABLE u (k INT, s STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts, PRIMARY KEY (k) NOT ENFORCED) WITH (
  'connector' = 'upsert-kafka', 'topic' = 'u', 'properties.bootstrap.servers' = 'host:1', 'key.format' = 'json',
  'value.format' = 'json'
);
CREATE TABLE f (k INT, s STRING) WITH ('connector' = 'filesystem', 'path' = '/tmp/f', 'format' = 'json');
CREATE TABLE days (k INT, d STRING) PARTITIONED BY (d) WITH (
  'connector' = 'filesystem', 'path' = '/tmp/days', 'format' = 'json'
);
CREATE TABLE o (k INT, n BIGINT) WITH ('connector' = 'blackhole');
CREATE VIEW w AS SELECT k FROM t;
CREATE VIEW latest AS SELECT k, s, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts DESC) AS n FROM t)
AS x WHERE n = 1;
"""

_TOP = "SELECT * FROM (SELECT *, {} OVER (PARTITION BY k ORDER BY {}) AS n FROM {}) AS x WHERE n <= {}"
_TVF = "SELECT window_start, COUNT(*) FROM TABLE({}) GROUP BY window_start, window_end"
_KAFKA = "'connector' = 'kafka', 'topic' = 'x', 'properties.bootstrap.servers' = 'host:1', 'format' = 'json'"

YES, DIFFERS, NO = Has.YES, Has.DIFFERS, Has.NO

SECTIONS: dict[str, tuple[Feature, ...]] = {
    "Statements": (
        Feature(
            "CREATE TABLE: physical, metadata and computed columns, WATERMARK, PRIMARY KEY",
            YES,
            "definitions.md#tables",
            f"CREATE TABLE x (a INT, b AS a + 1, h TIMESTAMP_LTZ(3) METADATA FROM 'timestamp') WITH ({_KAFKA})",
        ),
        Feature("CREATE TABLE … LIKE", YES, "definitions.md#tables", "CREATE TABLE x WITH ('topic' = 'x') LIKE t"),
        Feature(
            "CREATE TABLE … AS SELECT",
            YES,
            "definitions.md#tables",
            f"CREATE TABLE x WITH ({_KAFKA}) AS SELECT k FROM t",
        ),
        Feature(
            "CREATE TABLE … DISTRIBUTED BY",
            NO,
            "index.md#tables",
            f"CREATE TABLE x (a INT) DISTRIBUTED BY HASH(a) INTO 4 BUCKETS WITH ({_KAFKA})",
        ),
        Feature("ALTER TABLE", YES, "definitions.md#tables", "ALTER TABLE t ADD extra INT"),
        Feature("DROP TABLE, DROP VIEW", YES, "definitions.md#tables", "DROP VIEW w"),
        Feature("CREATE VIEW, ALTER VIEW", YES, "definitions.md#tables", "ALTER VIEW w RENAME TO w2"),
        Feature(
            "CREATE, USE, DROP CATALOG",
            DIFFERS,
            "definitions.md#catalogs-and-databases",
            "CREATE CATALOG c WITH ('type' = 'generic_in_memory')",
            "in memory only; there is no Hive, JDBC or stored catalog",
        ),
        Feature("CREATE, USE, DROP DATABASE", YES, "definitions.md#catalogs-and-databases", "CREATE DATABASE d"),
        Feature(
            "CREATE FUNCTION … LANGUAGE PYTHON",
            YES,
            "python.md#statements",
        ),
        Feature(
            "CREATE FUNCTION … LANGUAGE JAVA, SCALA; USING JAR",
            NO,
            "python.md#statements",
            "CREATE FUNCTION g AS 'com.example.G' LANGUAGE JAVA",
        ),
        Feature(
            "CREATE MODEL, ML_PREDICT, VECTOR_SEARCH",
            NO,
            NOT_HERE,
            "CREATE MODEL x INPUT (a INT) OUTPUT (b INT) WITH ('task' = 'x')",
        ),
        Feature("CREATE MATERIALIZED TABLE", NO, NOT_HERE, "CREATE MATERIALIZED TABLE x AS SELECT k FROM t"),
        Feature("INSERT INTO", YES, "index.md#statements", "INSERT INTO o SELECT k, v FROM t"),
        Feature("INSERT OVERWRITE", NO, "index.md#statements", "INSERT OVERWRITE o SELECT k, v FROM t"),
        Feature(
            "INSERT INTO … PARTITION",
            YES,
            "connectors.md#partitions",
            "INSERT INTO days PARTITION (d = '2024-01-01') SELECT k FROM t",
        ),
        Feature(
            "EXECUTE STATEMENT SET, BEGIN STATEMENT SET",
            YES,
            "index.md#statements",
            "EXECUTE STATEMENT SET BEGIN INSERT INTO o SELECT k, v FROM t; END",
        ),
        Feature("UPDATE, DELETE, TRUNCATE", NO, NOT_HERE, "DELETE FROM o WHERE k = 1"),
        Feature("CALL of procedures", NO, "index.md#statements", "CALL sys.compact('t')"),
        Feature("ANALYZE TABLE", NO, "index.md#statements", "ANALYZE TABLE t COMPUTE STATISTICS"),
        Feature(
            "USE, SHOW MODULES", DIFFERS, "definitions.md#looking", "USE MODULES core", "there is the module core alone"
        ),
        Feature("LOAD, UNLOAD MODULE", NO, "definitions.md#looking", "LOAD MODULE hive"),
        Feature("ADD, REMOVE JAR", NO, "index.md#statements", "ADD JAR '/tmp/x.jar'"),
        Feature(
            "COMPILE, EXECUTE PLAN", NO, "explain.md", "COMPILE PLAN '/tmp/p.json' FOR INSERT INTO o SELECT k, v FROM t"
        ),
        Feature("DESCRIBE, SHOW", YES, "definitions.md#looking", "SHOW TABLES LIKE 't%'"),
        Feature("SHOW PARTITIONS", YES, "definitions.md#looking"),
        Feature("SHOW PROCEDURES, SHOW MODELS, DESCRIBE MODEL", NO, "definitions.md#looking", "SHOW PROCEDURES"),
        Feature(
            "SHOW JOBS, DESCRIBE JOB, STOP JOB",
            DIFFERS,
            "definitions.md#jobs",
            remark="in `riacho sql`, by the job's name; without savepoints",
        ),
        Feature(
            "EXPLAIN with CHANGELOG_MODE, JSON_EXECUTION_PLAN, ESTIMATED_COST",
            DIFFERS,
            "explain.md",
            "EXPLAIN CHANGELOG_MODE SELECT k FROM t",
            "operators show what they keep and their changes; costs are not estimated",
        ),
        Feature("SET, RESET", YES, "options.md", "SET 'table.exec.state.ttl' = '1 h'"),
    ),
    "Queries": (
        Feature("SELECT, WHERE, expressions, aliases", YES, "index.md#queries", "SELECT k + 1 AS x FROM t WHERE v > 0"),
        Feature("WITH", YES, "index.md#queries", "WITH x AS (SELECT k FROM t) SELECT * FROM x"),
        Feature("VALUES", YES, "index.md#queries", "SELECT * FROM (VALUES (1, 'a')) AS x(a, b)"),
        Feature("SELECT DISTINCT", YES, "aggregation.md", "SELECT DISTINCT k FROM t"),
        Feature("GROUP BY, HAVING", YES, "aggregation.md", "SELECT k, SUM(v) FROM t GROUP BY k HAVING SUM(v) > 1"),
        Feature(
            "GROUPING SETS, ROLLUP, CUBE",
            YES,
            "aggregation.md#several-groupings-at-once",
            "SELECT k, s, GROUPING(k), COUNT(*) FROM t GROUP BY CUBE (k, s)",
        ),
        Feature(
            "FILTER and DISTINCT in aggregates",
            YES,
            "aggregation.md",
            "SELECT COUNT(DISTINCT k) FILTER (WHERE v > 1) FROM t",
        ),
        Feature(
            "UNION, INTERSECT, EXCEPT, ALL or not",
            YES,
            "index.md#queries",
            "SELECT k FROM t EXCEPT ALL SELECT k FROM u",
        ),
        Feature(
            "IN and EXISTS, correlated or not",
            YES,
            "index.md#subqueries",
            "SELECT k FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.k = t.k)",
        ),
        Feature(
            "Scalar subqueries",
            DIFFERS,
            "index.md#subqueries",
            "SELECT k, (SELECT MAX(v) FROM t AS b WHERE b.k = t.k) FROM t",
            "a second row fails the job at the end of a pass",
        ),
        Feature("ORDER BY a time attribute", YES, "top-n.md#order-by-and-limit", "SELECT k FROM t ORDER BY ts"),
        Feature(
            "ORDER BY with LIMIT, LIMIT, OFFSET, FETCH",
            YES,
            "top-n.md#order-by-and-limit",
            "SELECT k FROM t ORDER BY v LIMIT 3",
        ),
        Feature("Top-N", YES, "top-n.md", _TOP.format("ROW_NUMBER()", "v DESC", "t", 3)),
        Feature(
            "Window top-N",
            YES,
            "top-n.md#in-windows",
            "SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY v) AS n FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR))) AS x WHERE n <= 3",
        ),
        Feature("Deduplication", YES, "top-n.md#deduplication", _TOP.format("ROW_NUMBER()", "ts DESC", "t", 1)),
        Feature(
            "Window deduplication",
            YES,
            "top-n.md#in-windows",
            "SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY ts DESC) AS n FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR))) AS x WHERE n = 1",
        ),
        Feature(
            "OVER in the order of time, by ROWS and RANGE",
            YES,
            "over.md",
            "SELECT SUM(v) OVER (PARTITION BY k ORDER BY ts ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM t",
        ),
        Feature(
            "OVER in another order, over all rows before, also over rows that change",
            YES,
            "over.md",
            "SELECT SUM(v) OVER (PARTITION BY k ORDER BY v) FROM t",
        ),
        Feature("OVER in batches: later rows, any order, several windows", YES, "over.md#in-batches"),
        Feature(
            "MATCH_RECOGNIZE",
            NO,
            NOT_HERE,
            "SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES A.v AS v PATTERN (A) DEFINE A AS A.v > 1) AS x",
        ),
        Feature("Hints: OPTIONS", YES, "index.md#hints", "SELECT k FROM t /*+ OPTIONS('topic' = 'x') */"),
        Feature(
            "Hints: STATE_TTL", YES, "state.md", "SELECT /*+ STATE_TTL('t' = '1 d') */ k, COUNT(*) FROM t GROUP BY k"
        ),
        Feature(
            "Hints: LOOKUP",
            YES,
            "joins.md#lookup-joins",
            "SELECT /*+ LOOKUP('table' = 'f', 'retry-predicate' = 'lookup_miss', 'retry-strategy' = 'fixed_delay', 'fixed-delay' = '1 s', 'max-attempts' = '2') */ t.k FROM t JOIN f FOR SYSTEM_TIME AS OF t.p ON t.k = f.k",
        ),
        Feature("Batch mode", YES, "batch.md", None, "the final table, once"),
    ),
    "Windows": (
        Feature(
            "TUMBLE, HOP, CUMULATE, with offsets",
            YES,
            "windows.md#window-table-functions",
            _TVF.format("CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '1' HOUR)"),
        ),
        Feature(
            "SESSION, with PARTITION BY",
            YES,
            "windows.md#window-table-functions",
            "SELECT k, COUNT(*) FROM TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY k, window_start, window_end",
        ),
        Feature(
            "Windows over processing time",
            YES,
            "windows.md#processing-time",
            _TVF.format("TUMBLE(TABLE t, DESCRIPTOR(p), INTERVAL '1' MINUTE)"),
        ),
        Feature(
            "Window aggregation with grouping sets",
            YES,
            "windows.md#grouping-by-windows",
            "SELECT window_start, k, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, ROLLUP (k)",
        ),
        Feature(
            "Window joins",
            YES,
            "windows.md#joining-by-windows",
            "SELECT a.k FROM (SELECT * FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE))) AS a JOIN (SELECT * FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE))) AS b ON a.k = b.k AND a.window_start = b.window_start AND a.window_end = b.window_end",
        ),
        Feature(
            "Group windows (legacy)",
            DIFFERS,
            "windows.md#group-windows",
            "SELECT TUMBLE_START(ts, INTERVAL '1' HOUR), COUNT(*) FROM t GROUP BY TUMBLE(ts, INTERVAL '1' HOUR)",
            "a HOP's size is a multiple of its slide",
        ),
        Feature("Early and late results (`table.exec.emit.*`)", YES, "windows.md#early-and-late-results"),
    ),
    "Joins": (
        Feature(
            "INNER, LEFT, RIGHT, FULL, CROSS",
            YES,
            "joins.md#regular-joins",
            "SELECT t.k FROM t FULL JOIN u ON t.k = u.k AND t.v > 1",
        ),
        Feature(
            "Semi and anti joins by subqueries",
            YES,
            "index.md#subqueries",
            "SELECT k FROM t WHERE k NOT IN (SELECT k FROM u)",
        ),
        Feature(
            "Interval joins by row time and by processing time",
            YES,
            "joins.md#interval-joins",
            "SELECT a.k FROM t AS a JOIN t AS b ON a.k = b.k AND a.ts BETWEEN b.ts - INTERVAL '1' HOUR AND b.ts",
        ),
        Feature(
            "Temporal joins by row time",
            DIFFERS,
            "joins.md#temporal-joins",
            "SELECT t.k FROM t JOIN u FOR SYSTEM_TIME AS OF t.ts ON t.k = u.k",
            "the left side must only be added to",
        ),
        Feature(
            "Temporal joins of a versioned view",
            YES,
            "joins.md#temporal-joins",
            "SELECT t.k FROM t JOIN latest FOR SYSTEM_TIME AS OF t.ts AS b ON t.k = b.k",
        ),
        Feature(
            "Temporal table functions",
            NO,
            NOT_HERE,
            "SELECT t.k FROM t, LATERAL TABLE(rates(t.ts)) AS b WHERE t.k = b.k",
        ),
        Feature(
            "Lookup joins",
            DIFFERS,
            "joins.md#lookup-joins",
            "SELECT t.k FROM t JOIN f FOR SYSTEM_TIME AS OF t.p ON t.k = f.k",
            "in tables of the filesystem connector, of any format",
        ),
        Feature(
            "UNNEST of arrays and maps, WITH ORDINALITY",
            YES,
            "joins.md#unnest-and-lateral",
            "SELECT k, e, n FROM t CROSS JOIN UNNEST(a) WITH ORDINALITY AS x(e, n)",
        ),
        Feature("Table functions: LATERAL TABLE", DIFFERS, "python.md#statements", None, "in Python"),
        Feature(
            "LATERAL subqueries",
            YES,
            "joins.md#unnest-and-lateral",
            "SELECT t.k, x.s FROM t, LATERAL (SELECT s FROM u WHERE u.k = t.k) AS x",
        ),
        Feature("Multi-way joins", YES, "joins.md#several-joins", None, "by one key or several"),
        Feature(
            "Delta joins",
            DIFFERS,
            "joins.md#several-joins",
            None,
            "the job keeps each table's rows, once; Flink looks them up where the table is",
        ),
    ),
    "Types": (
        Feature(
            "BOOLEAN, integers, FLOAT, DOUBLE, DECIMAL to 38 digits",
            YES,
            "index.md#types",
            "SELECT CAST(v AS DECIMAL(38, 2)) FROM t",
        ),
        Feature(
            "CHAR, VARCHAR, STRING, BINARY, VARBINARY, BYTES", YES, "index.md#types", "SELECT CAST(s AS CHAR(3)) FROM t"
        ),
        Feature(
            "DATE, TIME, TIMESTAMP, TIMESTAMP_LTZ",
            DIFFERS,
            "index.md#types",
            "SELECT CAST(ts AS TIMESTAMP(6)) FROM t",
            "six digits of the second at most",
        ),
        Feature("INTERVAL", YES, "index.md#types", "SELECT ts + INTERVAL '1' DAY FROM t"),
        Feature("ROW, ARRAY, MAP, nested", YES, "index.md#types", "SELECT r.x, a[1], m['x'] FROM t"),
        Feature(
            "MULTISET",
            YES,
            "aggregation.md#lists-of-values",
            "SELECT CARDINALITY(COLLECT(k)) FROM t",
            "what COLLECT gives; in JSON its values are texts",
        ),
        Feature("RAW, structured types, VARIANT", NO, NOT_HERE, "SELECT PARSE_JSON(s) FROM t"),
    ),
    "Changelogs and time": (
        Feature("Append, retract and upsert streams", YES, "changelogs.md"),
        Feature("Sinks that cannot take what a query gives are refused", YES, "changelogs.md#what-sinks-take"),
        Feature("Upsert materialisation", YES, "changelogs.md#several-rows-of-one-primary-key"),
        Feature(
            "Non-deterministic functions over updates",
            DIFFERS,
            "changelogs.md#functions-that-vary",
            None,
            "their values are remembered",
        ),
        Feature(
            "Watermarks, SOURCE_WATERMARK(), idle sources, alignment",
            DIFFERS,
            "connectors.md",
            None,
            "they move with each row, on-event",
        ),
        Feature("CURRENT_WATERMARK", YES, "functions.md#dates-and-times", "SELECT CURRENT_WATERMARK(ts) FROM t"),
        Feature("Time zones", DIFFERS, "options.md", None, "UTC where `table.local-time-zone` is not set"),
        Feature("State TTL", YES, "state.md"),
        Feature("Mini-batch", DIFFERS, "options.md", None, "holds input for the whole job"),
        Feature(
            "Checkpoints and savepoints, exactly-once sinks",
            NO,
            NOT_HERE,
            None,
            "snapshots of Riacho's own; at least once",
        ),
    ),
}

CONNECTORS = (
    "kafka",
    "upsert-kafka",
    "filesystem",
    "datagen",
    "print",
    "blackhole",
    "jdbc",
    "elasticsearch",
    "hbase",
    "hive",
    "dynamodb",
    "kinesis",
    "firehose",
    "mongodb",
    "opensearch",
)
"""The connectors of Flink's page "Table & SQL Connectors"."""

FORMATS = (
    "csv",
    "json",
    "avro",
    "avro-confluent",
    "protobuf",
    "debezium-json",
    "debezium-avro-confluent",
    "canal-json",
    "maxwell-json",
    "ogg-json",
    "parquet",
    "orc",
    "raw",
)
"""The formats of Flink's page "Formats"."""

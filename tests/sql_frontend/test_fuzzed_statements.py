"""Whatever the text: a job or a `SqlError`, never another exception."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riacho.sql.errors import SqlError
from sql_frontend.catalog import session

sys.path.insert(0, str(Path(__file__).parent.parent.parent / "tools"))

SEED = 1
"""Of the mutations; `tools/fuzz_statements.py` runs more of them, and others."""

pytestmark = pytest.mark.no_cover  # the same lines many thousand times: tracing them triples the time

STATEMENTS = [
    """CREATE TABLE t (
         a INT NOT NULL, b AS a + 1, c ROW<d STRING>, ts TIMESTAMP(3),
         WATERMARK FOR ts AS ts - INTERVAL '1' SECOND, PRIMARY KEY (a) NOT ENFORCED
       ) WITH ('connector' = 'kafka', 'topic' = 'x');""",
    """CREATE VIEW v AS SELECT channel, COUNT(*) FILTER (WHERE price > 1) AS n
       FROM bids GROUP BY channel HAVING SUM(price) > 2;""",
    """EXPLAIN SELECT b.price * 2 AS p, p.name FROM bids AS b LEFT JOIN people AS p ON b.bidder = p.id
       WHERE b.tags[1] LIKE 'a%' ESCAPE '!' AND p.name IS NOT NULL;""",
    """EXPLAIN SELECT channel, window_end, MAX(CAST(price AS DOUBLE))
       FROM TABLE(HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '1' HOUR))
       GROUP BY channel, window_start, window_end;""",
    """EXPLAIN WITH x AS (SELECT n, CASE WHEN n > 1 THEN 'a' ELSE s END AS k FROM numbers)
       SELECT * FROM x UNION ALL VALUES (1, 'b'), (2, NULL);""",
    """EXPLAIN STATEMENT SET BEGIN INSERT INTO numbers SELECT 1; END;
       SET 'pipeline.name' = 'x'; SHOW TABLES;""",
    """EXPLAIN SELECT TRIM(BOTH 'x' FROM s), EXTRACT(YEAR FROM d), counts['a'], x'0A', DATE '2020-01-01'
       FROM numbers, bids;""",
]

words = [
    word
    for statement in STATEMENTS
    for word in statement.replace("(", " ( ").replace(")", " ) ").replace(",", " , ").split()
]
junk = st.sampled_from([*words, "'", "`", "(", ")", "[", "]", ";", "/*", "--", "${X}", "\x00", "é", "=>", "."])


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_mutated_statement_gives_a_result_or_an_sql_error(data: st.DataObject) -> None:
    parts = data.draw(st.sampled_from(STATEMENTS)).split()
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(parts) - 1))
        match data.draw(st.sampled_from(["drop", "insert", "swap", "cut"])):
            case "drop" if len(parts) > 1:
                del parts[place]
            case "insert":
                parts.insert(place, data.draw(junk))
            case "swap":
                parts[place] = data.draw(junk)
            case _:
                parts[place] = parts[place][: data.draw(st.integers(0, len(parts[place])))]
    _run(" ".join(parts))


@settings(max_examples=200, deadline=None)
@given(text=st.lists(junk, max_size=12).map(" ".join))
def test_any_words_give_a_result_or_an_sql_error(text: str) -> None:
    _run(text)


@pytest.mark.parametrize("first", range(0, 20_000, 2_500))
def test_mutated_statements_of_the_tests_give_a_result_or_an_sql_error(first: int) -> None:
    from fuzz_statements import findings

    assert [str(finding) for finding in findings(SEED, first, 2_500)] == []


@pytest.mark.parametrize(
    "text",
    [
        "SELECT " + "(" * 2_000 + "1" + ")" * 2_000,
        "EXPLAIN SELECT " + "(" * 25 + "1" + ")" * 25,
        "EXPLAIN SELECT " + " + ".join(["1"] * 3_000),
        "EXPLAIN SELECT " + " AND ".join(["TRUE"] * 3_000),
        "EXPLAIN SELECT 1 FROM " + "(SELECT 1 FROM " * 200 + "numbers" + ")" * 200,
        "SELECT " + "CASE WHEN TRUE THEN " * 500 + "1" + " END" * 500,
        "EXPLAIN SELECT " + "UPPER(" * 300 + "'x'" + ")" * 300,
        "EXPLAIN " + " UNION ALL ".join(["SELECT 1"] * 500),
        "CREATE TABLE t (a " + "ARRAY<" * 1_000 + "INT" + ">" * 1_000 + ") WITH ('connector' = 'print')",
        "",
        ";;;",
        "-- nothing",
    ],
)
def test_a_statement_of_any_depth_ends(text: str) -> None:
    _run(text)


def _run(text: str) -> None:
    with contextlib.suppress(SqlError):
        session().execute(text)


MODULES = [
    "riacho.plan.relations",
    "riacho.plan.types",
    "riacho.sql.assignment",
    "riacho.sql.errors",
    "riacho.sql.explain",
    "riacho.sql.literals",
    "riacho.sql.option_values",
    "riacho.sql.options",
    "riacho.sql.relation_texts",
    "riacho.sql.session",
    "riacho.sql.show",
    "riacho.sql.source",
    "riacho.sql.type_text",
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_documentation_hold(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0

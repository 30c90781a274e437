"""Plans mean what the SQL says: evaluated as bound and as optimized, they give DuckDB's rows for any input."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riacho.plan.relations import Relation
from riacho.sql.queries import QueryBinder
from riacho.sql.session import Session
from riacho.sql.source import SourceText
from riacho.sql.statement_grammar import read_script
from riacho.sql.statements import Select
from sql_frontend.interpreter import Rows, rows_of

TABLES = """
CREATE TABLE a (id BIGINT, x BIGINT, y BIGINT, ok BOOLEAN) WITH ('connector' = 'datagen');
CREATE TABLE b (id BIGINT, z BIGINT) WITH ('connector' = 'datagen');
CREATE VIEW sums AS SELECT id, SUM(x) AS sx, COUNT(*) AS n FROM a GROUP BY id;
"""

QUERIES = [
    "SELECT * FROM a WHERE x > 1 AND (y < 3 OR ok) AND TRUE",
    "SELECT x + y AS s, x * 2 FROM a WHERE NOT (x IS NULL)",
    "SELECT s + 1, s FROM (SELECT x + y AS s, id FROM a) WHERE s > 2 AND id < 4",
    "SELECT a.id, b.z FROM a JOIN b ON a.id = b.id",
    "SELECT a.id, b.z FROM a, b WHERE a.id = b.id AND a.x > 1 AND b.z < 3",
    "SELECT a.x, b.z FROM a JOIN b ON a.id = b.id AND a.x < b.z AND a.y > 0",
    "SELECT a.x, b.z FROM a LEFT JOIN b ON a.id = b.id AND b.z > 1 AND a.y > 0",
    "SELECT a.x, b.z FROM a LEFT JOIN b ON a.id = b.id WHERE b.z IS NULL AND a.x > 0",
    "SELECT a.x, b.z FROM a LEFT JOIN b ON a.id + 1 = b.id WHERE b.z > 1",
    "SELECT a.x, b.z FROM a JOIN b ON a.x + 1 = b.z * 2 AND a.y = b.id",
    "SELECT l.x, r.y FROM a AS l JOIN a AS r ON l.id = r.x AND l.y <> r.y",
    "SELECT a.x, b.z FROM a CROSS JOIN b WHERE a.ok",
    "SELECT * FROM a JOIN b USING (id)",
    "SELECT * FROM a RIGHT JOIN b USING (id)",
    "SELECT *, a.id, b.id FROM a FULL JOIN b USING (id)",
    "SELECT id, x, z FROM a FULL OUTER JOIN b USING (id) WHERE id > 1",
    "SELECT id, l.x, r.y FROM a AS l FULL JOIN b USING (id) FULL JOIN a AS r USING (id)",
    "SELECT * FROM a NATURAL JOIN b",
    "SELECT * FROM a NATURAL LEFT JOIN b WHERE z > 1",
    "SELECT * FROM a RIGHT JOIN b ON a.id = b.id AND a.x > 1 AND b.z > 2 WHERE b.z < 4",
    "SELECT a.x, b.z FROM a RIGHT JOIN b ON a.id = b.id WHERE a.x > 1 OR a.y = 2",
    "SELECT a.x, b.z FROM a FULL JOIN b ON a.id = b.id AND a.x > 1 AND b.z > 2",
    "SELECT a.x, b.z FROM a FULL JOIN b ON a.id = b.id WHERE a.x > 1 AND b.z IS NULL",
    "SELECT a.x, b.z FROM a FULL JOIN b ON a.id = b.id WHERE a.x + 1 > 1 AND (b.z IN (1, 2) OR b.z BETWEEN 3 AND 4)",
    "SELECT a.x, b.z FROM a FULL JOIN b ON a.id = b.id WHERE COALESCE(a.x, b.z) > 1",
    "SELECT a.x, b.z FROM a LEFT JOIN b ON a.id > b.id AND a.x > b.z",
    "SELECT a.x, b.z FROM a JOIN b ON a.id < b.id",
    "SELECT a.x, b.z FROM a JOIN b ON a.id IS NOT DISTINCT FROM b.id AND a.x = b.z",
    "SELECT l.x, r.y FROM a AS l LEFT JOIN a AS r ON l.x IS NOT DISTINCT FROM r.y + 1",
    "SELECT * FROM a WHERE id IN (SELECT id FROM b)",
    "SELECT * FROM a WHERE id NOT IN (SELECT id FROM b)",
    "SELECT * FROM a WHERE NOT (id IN (SELECT id FROM b WHERE z > 1) AND x > 0)",
    "SELECT * FROM a WHERE NOT (NOT (id IN (SELECT id FROM b)))",
    "SELECT * FROM a WHERE x > 1 OR id IN (SELECT id FROM b)",
    "SELECT * FROM a WHERE x > 1 OR id NOT IN (SELECT id FROM b WHERE b.z = a.y)",
    "SELECT * FROM a WHERE (id, x) IN (SELECT id, z FROM b)",
    "SELECT * FROM a WHERE (id, x) NOT IN (SELECT id, z FROM b)",
    "SELECT id, x IN (SELECT z FROM b), x NOT IN (SELECT z FROM b WHERE b.id = a.id) FROM a",
    "SELECT id, EXISTS (SELECT * FROM b WHERE b.id = a.id), NOT EXISTS (SELECT * FROM b WHERE z > x) FROM a",
    "SELECT id FROM a WHERE CASE WHEN EXISTS (SELECT * FROM b WHERE b.id = a.id) THEN x > 1 ELSE ok END",
    "SELECT * FROM a WHERE EXISTS (SELECT 1 FROM b)",
    "SELECT * FROM a WHERE NOT EXISTS (SELECT 1 FROM b WHERE z > 3)",
    "SELECT * FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.id = a.id AND b.z > a.x)",
    "SELECT * FROM a WHERE NOT EXISTS (SELECT 1 FROM b WHERE b.id = a.id AND b.z <> a.x)",
    "SELECT id FROM a WHERE EXISTS (SELECT 1 FROM a c WHERE c.id = a.id AND c.x <> a.x AND c.y IN (SELECT id FROM b))",
    "SELECT id FROM a WHERE EXISTS (SELECT 1 FROM a c WHERE c.id = a.id AND c.x IN (SELECT z FROM b WHERE b.id = a.y))",
    "SELECT * FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.id = a.id UNION ALL SELECT 1 FROM b WHERE z > a.x)",
    "SELECT * FROM a WHERE EXISTS (SELECT id, COUNT(*) FROM b WHERE b.z = a.x GROUP BY id HAVING COUNT(*) > 1)",
    "SELECT * FROM a WHERE EXISTS (SELECT COUNT(*) FROM b WHERE b.z = a.x)",
    "SELECT * FROM a WHERE EXISTS (SELECT x FROM b JOIN a AS c ON b.id = c.id WHERE c.y = a.y)",
    "SELECT * FROM a WHERE EXISTS (SELECT x FROM b LEFT JOIN a AS c ON b.id = c.id AND c.x > a.x WHERE b.id = a.id)",
    "SELECT id, x > ANY (SELECT z FROM b), x <= ALL (SELECT z FROM b), x = SOME (SELECT z FROM b) FROM a",
    "SELECT id FROM a WHERE x >= ALL (SELECT z FROM b WHERE b.id = a.id)",
    "SELECT id FROM a WHERE x <> ALL (SELECT z FROM b) AND y <> ANY (SELECT z FROM b)",
    "SELECT id FROM a WHERE x > (SELECT MIN(z) FROM b)",
    "SELECT id, (SELECT MAX(z) FROM b WHERE b.id = a.id) AS top FROM a",
    "SELECT id, (SELECT COUNT(*) FROM b WHERE b.id = a.id) + 1 FROM a",
    "SELECT id, (SELECT COUNT(*) FROM b WHERE b.z > a.x AND b.id = a.id), (SELECT MAX(z) - a.x FROM b) FROM a",
    "SELECT id FROM a WHERE (SELECT COUNT(*) FROM b WHERE b.id = a.id) = 0",
    "SELECT id FROM a WHERE (SELECT SUM(z) FROM b WHERE b.id = a.id HAVING COUNT(*) > 1) > 2",
    "SELECT id, (SELECT COUNT(*) FROM b WHERE b.id = a.id HAVING COUNT(*) < 2) FROM a",
    "SELECT id, (SELECT COALESCE(MAX(z), 9) FROM b WHERE b.id = a.id) FROM a",
    "SELECT id, (SELECT COALESCE(m, 9) FROM (SELECT id AS i, MAX(z) AS m FROM b GROUP BY id) WHERE i = a.id) FROM a",
    "SELECT id, (SELECT SUM(b.z * a.x) FROM b WHERE b.id = a.id) FROM a",
    "SELECT id, x FROM a WHERE x = (SELECT MAX(c.x) FROM a AS c WHERE c.id = a.id)",
    "SELECT id, SUM(x) FROM a GROUP BY id HAVING SUM(x) > (SELECT MIN(z) FROM b)",
    "SELECT id, SUM(x), (SELECT MAX(z) FROM b WHERE b.id = a.id) FROM a GROUP BY id",
    "SELECT id FROM a GROUP BY id HAVING COUNT(*) IN (SELECT z FROM b) AND EXISTS (SELECT 1 FROM b WHERE b.id = a.id)",
    "SELECT a.id, b.z FROM a JOIN b ON a.id = b.id AND a.x IN (SELECT z FROM b)",
    "SELECT (SELECT MAX(z) FROM b) + (SELECT MIN(id) FROM b)",
    "WITH c AS (SELECT z FROM b WHERE id > 1) SELECT id FROM a WHERE x IN (SELECT z FROM c)",
    "SELECT id FROM a WHERE x IN (SELECT z FROM b WHERE z IN (SELECT c.y FROM a AS c WHERE c.id = b.id AND c.x = a.x))",
    "SELECT id FROM a WHERE (SELECT MAX(z) FROM b WHERE id = a.id) IN (SELECT z FROM b)",
    "SELECT id FROM a WHERE x IN (SELECT DISTINCT z FROM b WHERE b.id <> a.id)",
    "SELECT a.id, b.id, n.z FROM a JOIN b ON a.id = b.id LEFT JOIN b AS n ON b.z = n.id",
    "SELECT id, COUNT(*), SUM(x), MIN(y), MAX(y), COUNT(DISTINCT x) FROM a GROUP BY id",
    "SELECT id, COUNT(*) FILTER (WHERE ok), SUM(x + y) FILTER (WHERE x > 1) FROM a GROUP BY id",
    "SELECT id + 1, SUM(x) + 1 FROM a GROUP BY id + 1 HAVING COUNT(*) > 1 AND id + 1 > 2",
    "SELECT id, x FROM a GROUP BY id, x HAVING id > 1",
    "SELECT DISTINCT x, ok FROM a",
    "SELECT id, x FROM a UNION ALL SELECT z, id FROM b UNION ALL SELECT 1, 2",
    "SELECT id FROM a UNION SELECT z FROM b",
    "SELECT id, x FROM a INTERSECT SELECT id, z FROM b",
    "SELECT id, x FROM a EXCEPT SELECT id, z FROM b",
    "SELECT id FROM a INTERSECT ALL SELECT z FROM b",
    "SELECT id FROM a EXCEPT ALL SELECT z FROM b",
    "SELECT x FROM a EXCEPT SELECT z FROM b INTERSECT SELECT y FROM a",
    "(SELECT x FROM a EXCEPT ALL SELECT z FROM b) UNION ALL SELECT 1",
    "SELECT x FROM a UNION SELECT y FROM a EXCEPT SELECT z FROM b",
    "SELECT * FROM (SELECT id, x FROM a UNION ALL SELECT id, z FROM b) WHERE x > 1",
    "WITH c AS (SELECT id, SUM(x) AS s FROM a GROUP BY id) SELECT c.s, b.z FROM c JOIN b ON c.id = b.id WHERE s > 2",
    "SELECT l.sx, r.n FROM sums AS l JOIN sums AS r ON l.id = r.n",
    "SELECT CASE WHEN x > 1 THEN y WHEN ok THEN 0 END, CASE id WHEN 1 THEN 10 ELSE x END FROM a",
    "SELECT id FROM a WHERE x IN (1, 2, y) AND y BETWEEN 1 AND 3",
    "SELECT COALESCE(x, y, 7) FROM a WHERE FALSE OR x IS NOT NULL",
    "SELECT 1 FROM a WHERE x = 1",
    "SELECT t.p FROM (VALUES (1, 2), (3, CAST(NULL AS INT))) AS t(p, q) WHERE t.q IS NULL",
    "SELECT x FROM (SELECT x, y FROM (SELECT x, y, id FROM a WHERE id > 0) WHERE y > 0) WHERE x > 0",
]

numbers = st.one_of(st.none(), st.integers(0, 4))
rows_of_a = st.lists(st.tuples(numbers, numbers, numbers, st.one_of(st.none(), st.booleans())), max_size=8)
rows_of_b = st.lists(st.tuples(numbers, numbers), max_size=6)


@functools.cache
def _plans(query: str) -> tuple[Relation, Relation]:
    session = Session()
    session.execute(TABLES)
    source = SourceText.read(query, None, {})
    (statement,) = read_script(source)
    assert isinstance(statement, Select)
    return QueryBinder(source, session.catalog).bind(statement.query), session.query(query)


@pytest.fixture(scope="module")
def oracle() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE a (id BIGINT, x BIGINT, y BIGINT, ok BOOLEAN)")
        connection.execute("CREATE TABLE b (id BIGINT, z BIGINT)")
        connection.execute("CREATE VIEW sums AS SELECT id, SUM(x) AS sx, COUNT(*) AS n FROM a GROUP BY id")
        yield connection


def _fill(oracle: duckdb.DuckDBPyConnection, table: str, rows: Rows) -> None:
    oracle.execute(f"DELETE FROM {table}")
    literals = ["(" + ", ".join("NULL" if item is None else str(item) for item in row) + ")" for row in rows]
    if literals:
        oracle.execute(f"INSERT INTO {table} VALUES {', '.join(literals)}")


@pytest.mark.parametrize("query", QUERIES)
@settings(max_examples=25, deadline=None)
@given(a=rows_of_a, b=rows_of_b)
def test_a_plan_gives_the_rows_that_duckdb_gives(
    oracle: duckdb.DuckDBPyConnection, query: str, a: Rows, b: Rows
) -> None:
    bound, optimized = _plans(query)
    tables = {"a": a, "b": b}
    _fill(oracle, "a", a)
    _fill(oracle, "b", b)
    expected = Counter(oracle.execute(query).fetchall())
    assert Counter(rows_of(bound, tables)) == expected
    assert Counter(rows_of(optimized, tables)) == expected

"""Where a table function may stand in FROM. Source: Flink 2.2's answers to the same statements."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

import riacho
from riacho.sql.errors import SqlError
from riacho.sql.session import Session

MODULE = "riacho_test_words"


@riacho.udtf(result_types=["STRING", "INT"])
def words(line: str) -> Iterator[tuple[str, int]]:
    for word in line.split():
        yield word, len(word)


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    module = ModuleType(MODULE)
    module.words = words  # type: ignore[attr-defined]
    module.__spec__ = ModuleSpec(MODULE, None)
    monkeypatch.setitem(sys.modules, MODULE, module)
    made = Session()
    made.execute(
        "CREATE TABLE t (id INT, line STRING) WITH ('connector' = 'datagen');"
        f"CREATE FUNCTION words AS '{MODULE}.words' LANGUAGE PYTHON;"
    )
    return made


@pytest.mark.parametrize(
    ("tables", "what"),
    [
        ("t, TABLE(words(line))", "TABLE(…) alone reads no column, but this is 'line'"),
        ("t, words(t.line)", "TABLE(…) alone reads no column, but this is 'line'"),
        ("t LEFT JOIN TABLE(words('a')) AS w(b, c) ON id = c", "takes ON TRUE alone"),
        ("t RIGHT JOIN TABLE(words('a')) AS w(b, c) ON id = c", "takes no RIGHT JOIN"),
        ("t FULL JOIN TABLE(words('a')) AS w(b, c) ON id = c", "takes no FULL JOIN"),
        ("t RIGHT JOIN LATERAL TABLE(words(line)) AS w(b, c) ON TRUE", "a lateral table takes a CROSS JOIN"),
        ("TABLE(words('a') || 'b')", "this is no table function"),
    ],
)
def test_a_table_function_is_refused_where_flink_does(session: Session, tables: str, what: str) -> None:
    with pytest.raises(SqlError, match=re.escape(what)):
        session.query(f"SELECT * FROM {tables}")

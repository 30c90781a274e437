"""Every statement of tests/sql_errors is refused with the text beside it. Adding a pair of files adds a test."""

from __future__ import annotations

from pathlib import Path

import pytest

from riacho.sql.errors import SqlError
from riacho.sql.session import Session

FOLDER = Path(__file__).parent.parent / "sql_errors"
STATEMENTS = sorted(path for path in FOLDER.glob("*.sql") if path.name != "tables.sql")


@pytest.mark.parametrize("path", STATEMENTS, ids=lambda path: path.stem)
def test_a_wrong_statement_is_refused_with_its_place_and_a_way_out(path: Path) -> None:
    session = Session()
    session.execute((FOLDER / "tables.sql").read_text(encoding="utf-8"))
    with pytest.raises(SqlError) as caught:
        session.execute(path.read_text(encoding="utf-8"), path.name)
    assert str(caught.value) + "\n" == path.with_suffix(".txt").read_text(encoding="utf-8")


def test_there_are_many_wrong_statements() -> None:
    assert len(STATEMENTS) >= 180

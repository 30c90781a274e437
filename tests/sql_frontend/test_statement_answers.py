"""What statements answer, and which jobs they ask for: every script of tests/sql_statements, with its text beside it.

`RIACHO_ACCEPT=1 pytest tests/sql_frontend/test_statement_answers.py` writes the files that are missing; read them.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from riacho.plan.relations import Job
from riacho.sql.session import Session

FOLDER = Path(__file__).parent.parent / "sql_statements"
SCRIPTS = sorted(FOLDER.glob("*.sql"))


def answers(path: Path) -> str:
    """The answers in order, each under the statement that asked; a job as the columns it writes."""
    parts = []
    for step in Session().steps(path.read_text(encoding="utf-8"), path.name):
        if isinstance(step, Job):
            written = "; ".join(f"{sink.table.name} ({', '.join(sink.schema.names)})" for sink in step.sinks)
            parts.append(f"-- job into {written}")
        else:
            assert not hasattr(step, "relation"), "a script of this folder has no query alone"
            parts.append(f"-- {step.statement} (line {step.position.line})\n{step.text}")
    return "\n\n".join(parts) + "\n"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_statements_answer_as_written_beside_them(path: Path) -> None:
    expected = path.with_suffix(".expected")
    if not expected.exists() and os.environ.get("RIACHO_ACCEPT"):
        expected.write_text(answers(path), encoding="utf-8")

    assert answers(path) == expected.read_text(encoding="utf-8")

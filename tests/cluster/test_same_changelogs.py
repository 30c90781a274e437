"""What the queries of the corpus change, told by EXPLAIN CHANGELOG_MODE of Riacho and of Flink.

The last step's mode is compared: what a sink would be given. Where another plan makes it another one, a line
`-- changelog differs: <why>` says so, and the test fails once it no longer is. Refusals are compared elsewhere.
"""

from __future__ import annotations

import re

import pytest
from answers import SETTINGS, riacho_session, statements
from test_same_answers import NAMES, QUERIES, has_own_session

from riacho.bench.peers.flink import Flink, FlinkError
from riacho.bench.peers.flink import Session as FlinkSession
from riacho.errors import RiachoError
from riacho.plan.changelog_modes import changelog_modes
from riacho.sql.session import Session

FIRST_STEP = re.compile(r"== Optimized Physical Plan ==\n.*changelogMode=\[([A-Z,]*)\]")


@pytest.fixture(scope="module")
def flink_session(flink: Flink, tables: str) -> FlinkSession:
    return with_tables(flink, tables)


def with_tables(flink: Flink, tables: str) -> FlinkSession:
    session = flink.session(SETTINGS)
    for statement in statements(tables):
        session.execute(statement)
    return session


def riacho_mode(session: Session, text: str) -> str | None:
    """None where the query is refused."""
    *before, query = statements(text)
    try:
        for each in before:
            session.execute(f"{each};")
        relation = session.query(query)
    except RiachoError:
        return None
    return changelog_modes(relation)[relation]


def flink_mode(session: FlinkSession, text: str) -> str | None:
    *before, query = statements(text)
    try:
        for each in before:
            session.execute(each)
        query = re.sub(r"^--.*\n", "", query, flags=re.MULTILINE)
        (_, (plan,)), *_ = session.execute(f"EXPLAIN CHANGELOG_MODE {query}").rows
    except FlinkError:
        return None
    found = FIRST_STEP.search(plan)
    assert found is not None, plan
    return found[1]


@pytest.mark.parametrize("name", NAMES)
def test_flink_changes_its_result_alike(name: str, flink: Flink, flink_session: FlinkSession, tables: str) -> None:
    text = (QUERIES / f"{name}.sql").read_text()
    theirs = flink_mode(with_tables(flink, tables) if has_own_session(text) else flink_session, text)
    ours = riacho_mode(riacho_session(tables), text)

    if ours is None or theirs is None:
        pytest.skip("one of them refuses it")
    if "-- changelog differs: " in text:
        assert ours != theirs, "they do not differ any more: take the mark away"
    else:
        assert ours == theirs

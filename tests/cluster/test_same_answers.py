"""Queries that Riacho and Flink answer alike: rows, names, types and nullability of the columns, or a refusal.

A test is a file `queries/<name>.sql` over the tables of `tables.sql`: one query, with views and SET before it where it
needs them; every statement but the last ends with `;` and a line. Nothing is expected in writing: Flink decides. Where
Riacho differs on purpose, a line `-- differs: <why>` says so, and the test fails once it no longer does.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from answers import SETTINGS, Answer, flink_answer, riacho_answer, riacho_session, statements

from conftest import SLOTS
from riacho.bench.peers.flink import Flink
from riacho.bench.peers.flink import Session as FlinkSession
from riacho.sql.session import Session
from running_broker import RunningBroker

QUERIES = Path(__file__).parent / "queries"
NAMES = sorted(path.stem for path in QUERIES.glob("*.sql"))


@pytest.fixture(scope="module")
def flinks(request: pytest.FixtureRequest, flink: Flink, tables: str) -> Iterator[Mapping[str, Future[Answer]]]:
    """Flink's answers to the queries under test, some at the same time: it is the slower one."""
    asked = [name for name in NAMES if any(item.name.endswith(f"[{name}]") for item in request.session.items)]
    shared = threading.local()

    def session() -> FlinkSession:
        made = flink.session(SETTINGS)
        for statement in statements(tables):
            made.execute(statement)
        return made

    def ask(name: str) -> Answer:
        text = (QUERIES / f"{name}.sql").read_text()
        if has_own_session(text):
            return flink_answer(session(), text)
        if not hasattr(shared, "session"):
            shared.session = session()
        return flink_answer(shared.session, text)

    with ThreadPoolExecutor(SLOTS) as threads:
        yield {name: threads.submit(ask, name) for name in asked}


def has_own_session(text: str) -> bool:
    """Views and options are no other query's."""
    return len(statements(text)) > 1


@pytest.fixture(scope="module")
def shared(tables: str) -> Session:
    """Riacho's session for queries that leave nothing behind."""
    return riacho_session(tables)


@pytest.mark.parametrize("name", NAMES)
def test_flink_answers_the_same(
    name: str, flinks: Mapping[str, Future[Answer]], shared: Session, tables: str, kafka: RunningBroker
) -> None:
    text = (QUERIES / f"{name}.sql").read_text()
    session = riacho_session(tables) if has_own_session(text) else shared

    ours = riacho_answer(session, text, kafka.bootstrap)
    theirs = flinks[name].result()

    if "-- differs: " in text:
        assert ours != theirs, "they do not differ any more: take the mark away"
    else:
        assert ours == theirs, f"\nRiacho: {ours}\n\nFlink: {theirs}"

"""What a function that varies gave for a row goes with the row: the changelog adds up, whatever the function gives."""

from __future__ import annotations

from changelogs import Event, run
from hypothesis import given
from hypothesis import strategies as st

from riacho.dataflow.expressions import Settings
from riacho.dataflow.graph import Graph
from riacho.dataflow.operators.remembering_calc import RememberingCalc
from riacho.host import ManualClock
from riacho.plan.relations import Relation
from riacho.sql.session import Session, compile_script

TABLES = """
CREATE TABLE users (id INT, city STRING, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'upsert-kafka');
CREATE TABLE visits (city STRING) WITH ('connector' = 'kafka');
CREATE TABLE by_id (id INT, city STRING, seen TIMESTAMP_LTZ(3), PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka');
CREATE TABLE shown (id INT, city STRING, seen TIMESTAMP_LTZ(3)) WITH ('connector' = 'print');
"""

changes = st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["x", "y", None]), st.booleans()), max_size=20)
places = st.lists(st.integers(0, 20), max_size=5)


def query(text: str) -> Relation:
    session = Session()
    session.execute(TABLES)
    return session.query(text)


def users_of(drawn: list[tuple[int, str | None, bool]]) -> list[Event]:
    return [Event("users", (user, city), deleted=gone) for user, city, gone in drawn]


@given(changes, places, places)
def test_random_values_add_up(drawn: list[tuple[int, str | None, bool]], cuts: list[int], restarts: list[int]) -> None:
    events = users_of(drawn)
    at = [place for place in restarts if place < len(events)]

    outcome = run(query("SELECT id, city, UUID() AS u FROM users"), events, cuts, restart_at=at)

    plain = run(query("SELECT id, city FROM users"), events).total()
    assert sorted((row[:2] for row in outcome.total().elements()), key=str) == sorted(plain.elements(), key=str)


@given(changes, places, places)
def test_a_row_that_a_random_filter_let_pass_goes(
    drawn: list[tuple[int, str | None, bool]], cuts: list[int], restarts: list[int]
) -> None:
    events = users_of(drawn)
    at = [place for place in restarts if place < len(events)]

    outcome = run(query("SELECT id, city FROM users WHERE RAND() < 0.5"), events, cuts, restart_at=at)

    plain = run(query("SELECT id, city FROM users"), events).total()
    assert outcome.total() <= plain


@given(changes, places)
def test_equal_rows_have_results_of_their_own(drawn: list[tuple[int, str | None, bool]], cuts: list[int]) -> None:
    events = users_of(drawn)

    outcome = run(query("SELECT city, UUID() AS u FROM (SELECT city FROM users)"), events, cuts)

    assert all(count == 1 for count in outcome.total().values())


def test_time_that_goes_on_does_not_change_what_was_told() -> None:
    clock = ManualClock(wall_ms=1_000)
    events = [Event("users", (1, "x")), Event("users", (1, "y")), Event("users", (1, "y"), deleted=True)]

    outcome = run(
        query("SELECT id, city, UNIX_TIMESTAMP() AS seen_at FROM users"),
        events,
        [1, 2],
        settings=Settings(clock=clock),
        observe=lambda _, __: clock.advance(5_000),
    )

    assert outcome.changes == [((1, "x", 1), 1), ((1, "x", 1), -1), ((1, "y", 6), 1), ((1, "y", 6), -1)]


def remembers(insert: str) -> bool:
    (job,) = compile_script(f"{TABLES} {insert};", "test.sql").jobs
    return any(isinstance(node.operator, RememberingCalc) for node in Graph.build(job, Settings())._nodes)


def test_only_what_somebody_could_miss_is_remembered() -> None:
    assert remembers("INSERT INTO shown SELECT id, city, CURRENT_TIMESTAMP FROM users")
    assert not remembers("INSERT INTO by_id SELECT id, city, CURRENT_TIMESTAMP FROM users")
    assert remembers("INSERT INTO by_id SELECT id, city, CURRENT_TIMESTAMP FROM users WHERE RAND() < 0.5")
    assert remembers("INSERT INTO by_id SELECT CAST(RAND() * 9 AS INT), city, CURRENT_TIMESTAMP FROM users")
    assert not remembers("INSERT INTO shown SELECT 1, city, CURRENT_TIMESTAMP FROM visits")
    assert not remembers("INSERT INTO shown SELECT id, city, CAST(NULL AS TIMESTAMP_LTZ(3)) FROM users")

"""One row per primary key: the last that came and is still there, however the changes are cut into passes."""

from __future__ import annotations

from changelogs import Event, run, scan
from hypothesis import given
from hypothesis import strategies as st

from riacho.plan.relations import Normalize, UpsertMaterialize
from riacho.plan.types import INT, STRING

USERS = scan("users", key=["id"], id=INT.with_nullable(False), country=STRING, label=STRING)
LAST_OF_COUNTRY = UpsertMaterialize(Normalize(USERS, (0,)), (1,))

Row = tuple[int, str | None, str]
changes = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from(["pt", "br", None]), st.sampled_from("xyz"), st.integers(0, 3)),
    max_size=30,
)


def events_of(drawn: list[tuple[int, str | None, str, int]]) -> list[Event]:
    return [Event("users", (user, country, name), deleted=not kind) for user, country, name, kind in drawn]


def last_rows(events: list[Event]) -> set[Row]:
    """What a reader who keeps every user's row, and the order in which they came, shows for each country."""
    users: dict[int, Row] = {}
    for event in events:
        user, country, name = event.values
        row = (user, country, name)
        if not event.deleted and users.get(user) == row:
            continue  # an upsert that changes nothing
        users.pop(user, None)
        if not event.deleted:
            users[user] = row
    return set({row[1]: row for row in users.values()}.values())


@given(changes, st.lists(st.integers(0, 30), max_size=6), st.lists(st.integers(0, 30), max_size=2))
def test_each_key_has_the_last_row_that_is_left(
    drawn: list[tuple[int, str | None, str, int]], cuts: list[int], restarts: list[int]
) -> None:
    events = events_of(drawn)
    restart_at = [place for place in restarts if place < len(events)]

    outcome = run(LAST_OF_COUNTRY, events, cuts, restart_at=restart_at)

    assert set(outcome.total().elements()) == last_rows(events)
    assert max(outcome.total().values(), default=1) == 1

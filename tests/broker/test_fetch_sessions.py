"""Fetch sessions: who keeps a place, and what is news."""

from __future__ import annotations

import pytest

from riacho.broker.errors import ApiError, ErrorCode
from riacho.broker.fetch_sessions import EVICTION_MS, FetchSessions, Told, Wanted
from riacho.host import ManualClock

KEY = ("t", 0)
WANTED = {KEY: Wanted(-1, 0, -1, 1000)}


def test_epochs_follow_one_another() -> None:
    sessions = FetchSessions(10, ManualClock())
    session = sessions.begin(WANTED, uses_topic_ids=False)
    assert session is not None
    for epoch in (1, 2, 3):
        assert sessions.resume(session.id, epoch, uses_topic_ids=False) is session
    with pytest.raises(ApiError) as stale:
        sessions.resume(session.id, 3, uses_topic_ids=False)
    assert stale.value.code == ErrorCode.invalid_fetch_session_epoch


def test_a_session_keeps_to_names_or_to_ids() -> None:
    sessions = FetchSessions(10, ManualClock())
    session = sessions.begin(WANTED, uses_topic_ids=False)
    assert session is not None
    with pytest.raises(ApiError) as mixed:
        sessions.resume(session.id, 1, uses_topic_ids=True)
    assert mixed.value.code == ErrorCode.fetch_session_topic_id_error


def test_a_session_in_use_keeps_its_place_and_an_idle_one_makes_room() -> None:
    clock = ManualClock()
    sessions = FetchSessions(2, clock)
    idle = sessions.begin(WANTED, uses_topic_ids=False)
    used = sessions.begin(WANTED, uses_topic_ids=False)
    assert idle is not None
    assert used is not None
    assert sessions.begin(WANTED, uses_topic_ids=False) is None, "both places are taken"
    clock.advance(EVICTION_MS)
    sessions.resume(used.id, 1, uses_topic_ids=False)
    assert sessions.begin(WANTED, uses_topic_ids=False) is not None
    sessions.resume(used.id, 2, uses_topic_ids=False)
    with pytest.raises(ApiError) as gone:
        sessions.resume(idle.id, 1, uses_topic_ids=False)
    assert gone.value.code == ErrorCode.fetch_session_id_not_found


def test_a_request_for_nothing_takes_no_place() -> None:
    assert FetchSessions(1, ManualClock()).begin({}, uses_topic_ids=False) is None


def test_news_are_records_errors_and_what_follows_an_error() -> None:
    session = FetchSessions(1, ManualClock()).begin(WANTED, uses_topic_ids=False)
    assert session is not None
    told = Told(5, 0)
    assert session.is_news(KEY, told, has_records=False, failed=False)
    assert not session.is_news(KEY, told, has_records=False, failed=False)
    assert session.is_news(KEY, told, has_records=True, failed=False)
    assert session.is_news(KEY, Told(6, 0), has_records=False, failed=False)
    assert session.is_news(KEY, Told(6, 0), has_records=False, failed=True)
    assert session.is_news(KEY, Told(6, 0), has_records=False, failed=False), "the recovery is news"


def test_a_partition_that_had_records_is_read_after_the_others() -> None:
    wanted = {("t", index): Wanted(-1, 0, -1, 1000) for index in range(3)}
    session = FetchSessions(1, ManualClock()).begin(wanted, uses_topic_ids=False)
    assert session is not None
    session.had_records(("t", 0))
    assert list(session.wanted) == [("t", 1), ("t", 2), ("t", 0)]

"""The replay's clock: hurry, play, pause, jump."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riacho.demo.replay_clock import (
    DAY_PLAYED,
    LAST_DAY,
    STRAGGLERS,
    ZONE,
    ReplayClock,
    ReplayCommandError,
    dawn,
    skip_night,
)


def playing(at: datetime) -> ReplayClock:
    end = dawn(LAST_DAY) + STRAGGLERS
    return ReplayClock(position=at, seconds_per_day=20.0, hurry_until=at, end=end, machine_ms=0.0)


def test_the_replay_hurries_to_the_live_day_and_no_further() -> None:
    clock = ReplayClock.starting(seconds_per_day=20.0, live_from=date(2013, 2, 8), machine_ms=0.0)
    while clock.hurrying:
        clock = clock.at(0.0)
    assert clock.position == dawn(date(2013, 2, 8))


def test_a_played_day_takes_its_seconds() -> None:
    morning = dawn(date(2013, 2, 8))
    assert playing(morning).at(10_000.0).position == morning + DAY_PLAYED / 2
    assert playing(morning).at(20_000.0).position == dawn(date(2013, 2, 9))


def test_a_paused_replay_stands_still_and_resumes_where_it_stood() -> None:
    clock = playing(dawn(date(2013, 2, 8))).pause().at(60_000.0)
    assert clock.position == dawn(date(2013, 2, 8))
    assert clock.resume(60_000.0).at(70_000.0).position == dawn(date(2013, 2, 8)) + DAY_PLAYED / 2


@pytest.mark.parametrize("speed", [20.0, 0.0], ids=["played", "as fast as possible"])
def test_a_replay_that_starts_paused_stands_still_at_the_live_day_until_it_is_resumed(speed: float) -> None:
    day = date(2013, 2, 8)
    clock = ReplayClock.starting(seconds_per_day=speed, live_from=day, machine_ms=0.0, paused=True)
    while not clock.paused:
        clock = clock.at(0.0)
    assert clock.at(60_000.0).position == dawn(day)
    assert clock.resume(60_000.0).at(70_000.0).position > dawn(day)


def test_a_jump_hurries_to_the_day_and_plays_on() -> None:
    clock = playing(dawn(date(2013, 2, 8))).jump_to(date(2013, 3, 11))
    assert clock.hurrying
    while clock.hurrying:
        clock = clock.at(0.0)
    assert clock.position == dawn(date(2013, 3, 11))


@pytest.mark.parametrize("day", [date(2012, 12, 31), date(2014, 1, 1), date(2013, 2, 8), date(2013, 1, 1)])
def test_a_jump_to_another_year_or_to_the_past_is_refused(day: date) -> None:
    with pytest.raises(ReplayCommandError, match=str(day)):
        playing(dawn(date(2013, 2, 8))).jump_to(day)


@pytest.mark.parametrize("speed", [-1.0, float("nan")])
def test_a_speed_that_is_no_duration_is_refused(speed: float) -> None:
    with pytest.raises(ReplayCommandError):
        playing(dawn(date(2013, 2, 8))).at_speed(speed)


def test_the_replay_ends_with_the_year() -> None:
    clock = playing(dawn(date(2013, 12, 31))).at_speed(0.0)
    for _ in range(20):
        clock = clock.at(0.0)
    assert clock.ended
    assert clock.position == dawn(LAST_DAY) + STRAGGLERS


@given(
    st.datetimes(datetime(2013, 1, 1), datetime(2013, 12, 30)),  # noqa: DTZ001 - made aware below
    st.integers(0, 3 * 24 * 3600),
    st.integers(0, 3 * 24 * 3600),
)
def test_event_time_never_goes_back_and_does_not_depend_on_how_often_it_is_asked(
    start: datetime, first_s: int, second_s: int
) -> None:
    start = start.replace(tzinfo=UTC)
    first, second = timedelta(seconds=first_s), timedelta(seconds=second_s)
    once = skip_night(start, first + second)
    assert skip_night(skip_night(start, first), second) == once
    assert once >= start
    assert once.astimezone(ZONE).hour >= 5

"""Event time as a function of machine time: how fast the year passes, when it pauses and which nights it skips.

A state machine without I/O: the replayer gives it the time and the commands that people send from the page.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from riacho.demo.tables import NEW_YORK
from riacho.errors import RiachoError

ZONE = ZoneInfo(NEW_YORK)
FIRST_DAY = date(2013, 1, 1)
LAST_DAY = date(2013, 12, 31)
DAY_STARTS = time(5, 0)
"""When a day's play begins in New York: between midnight and this hour almost nothing departs."""

DAY_PLAYED = timedelta(hours=19)
"""The part of each day that is played; the rest is night, and skipped."""

STRAGGLERS = timedelta(hours=36)
"""How long after a day has begun all of its events have been published, arrivals and lags included."""

FASTEST_CHUNK = timedelta(hours=6)
"""How much event time is published at once where the speed is unlimited: small enough for a page to follow."""


class ReplayCommandError(RiachoError):
    """A command that the replay cannot follow."""


@dataclass(frozen=True, slots=True)
class ReplayClock:
    """Where the replay stands.

    `seconds_per_day` is the machine time that one played day takes; 0 is as fast as possible. Up to `hurry_until`
    the replay is that fast whatever the speed.
    """

    position: datetime
    seconds_per_day: float
    hurry_until: datetime
    end: datetime
    """When everything has been published."""
    paused: bool = False
    pauses_when_live: bool = False
    """Whether it pauses by itself when it has hurried that far."""
    machine_ms: float = 0.0
    """The machine's monotonic time when `position` was reached."""

    @staticmethod
    def starting(
        *,
        seconds_per_day: float,
        live_from: date,
        machine_ms: float,
        first: date = FIRST_DAY,
        last: date = LAST_DAY,
        paused: bool = False,
    ) -> ReplayClock:
        """A replay of the year, or of some days of it, that hurries to the first moment of `live_from`.

        A `paused` one stands still there until it is resumed.
        """
        return ReplayClock(
            position=dawn(first) - timedelta(hours=5),
            seconds_per_day=seconds_per_day,
            hurry_until=dawn(live_from),
            end=dawn(last) + STRAGGLERS,
            pauses_when_live=paused,
            machine_ms=machine_ms,
        )

    @property
    def hurrying(self) -> bool:
        """Whether event time passes as fast as the machine can publish."""
        return self.seconds_per_day == 0 or self.position < self.hurry_until

    @property
    def ended(self) -> bool:
        return self.position >= self.end

    def at(self, machine_ms: float) -> ReplayClock:
        """The clock at a later machine time: one chunk further where it hurries, in proportion where it plays."""
        if self.pauses_when_live and self.position >= self.hurry_until:
            return replace(self, paused=True, pauses_when_live=False, machine_ms=machine_ms)
        if self.paused or self.ended:
            return replace(self, machine_ms=machine_ms)
        if self.hurrying:
            through = self.seconds_per_day == 0 and not self.pauses_when_live
            limit = self.end if through else min(self.hurry_until, self.end)
            return replace(self, position=min(self.position + FASTEST_CHUNK, limit), machine_ms=machine_ms)
        elapsed_s = (machine_ms - self.machine_ms) / 1000.0
        passed = DAY_PLAYED * (elapsed_s / self.seconds_per_day)
        return replace(self, position=min(skip_night(self.position, passed), self.end), machine_ms=machine_ms)

    def resumed_at(self, position: datetime) -> ReplayClock:
        """The same replay from a later moment, which an earlier one had reached."""
        return replace(self, position=max(self.position, position))

    def pause(self) -> ReplayClock:
        return replace(self, paused=True)

    def resume(self, machine_ms: float) -> ReplayClock:
        return replace(self, paused=False, machine_ms=machine_ms)

    def at_speed(self, seconds_per_day: float) -> ReplayClock:
        """Raises `ReplayCommandError` for a negative duration."""
        if not seconds_per_day >= 0:
            raise ReplayCommandError(
                f"a day cannot take {seconds_per_day} seconds", mend="give 0 (as fast as possible) or more"
            )
        return replace(self, seconds_per_day=seconds_per_day)

    def jump_to(self, day: date) -> ReplayClock:
        """Hurry to the morning of a later day.

        Raises `ReplayCommandError` for a day that has begun: a log does not go back.
        """
        if not FIRST_DAY <= day <= LAST_DAY:
            raise ReplayCommandError(
                f"{day} is not a day of 2013", mend=f"give a day between {FIRST_DAY} and {LAST_DAY}"
            )
        if dawn(day) <= self.position:
            raise ReplayCommandError(
                f"{day} has been published already", mend="jump to a later day; a log does not go back"
            )
        return replace(self, hurry_until=dawn(day))


def dawn(day: date) -> datetime:
    """The instant at which a day's play begins."""
    return datetime.combine(day, DAY_STARTS, ZONE).astimezone(UTC)


def skip_night(position: datetime, passed: timedelta) -> datetime:
    """The instant `passed` of playing time later.

    >>> evening = datetime(2013, 2, 9, 4, 0, tzinfo=UTC)  # 23:00 in New York
    >>> skip_night(evening, timedelta(hours=2)).astimezone(ZONE).isoformat()
    '2013-02-09T06:00:00-05:00'
    """
    while True:
        today = dawn(position.astimezone(ZONE).date())
        if position < today:
            position = today
        left = today + DAY_PLAYED - position
        if passed < left:
            return position + passed
        passed -= max(left, timedelta(0))
        position = dawn(position.astimezone(ZONE).date() + timedelta(days=1))

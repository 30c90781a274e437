"""The shell around the groups' state machines: it stores their records, gives their answers, runs their timers.

Each partition of `__consumer_offsets` has a seat: its `Shard`, replayed from the log at start, and what waits on it.
An answer is given once the records of its step are durable. Committed offsets are shown once everything written to
their partition so far is durable. Where a record cannot be stored, the shard, which is ahead of its log by then, is
given up: all who wait are refused. After a full disk it is replayed and goes on; after a failed one, at a restart.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from riacho.broker.errors import ErrorCode
from riacho.broker.groups.config import GroupConfig
from riacho.broker.groups.effects import (
    CancelTimer,
    Effects,
    Happening,
    Loaded,
    PartitionsDeleted,
    SetTimer,
    Ticket,
    TimerEvent,
    TimerKey,
)
from riacho.broker.groups.messages import (
    DescribedGroup,
    HeartbeatReply,
    HeartbeatRequest,
    ListedGroup,
    Reply,
    Request,
    refusal,
)
from riacho.broker.groups.placement import partition_of_group
from riacho.broker.groups.records import CommittedOffset, RecordFormatError, decode, encode
from riacho.broker.groups.shard import Shard
from riacho.broker.groups.timers import Timer, Timers
from riacho.host import Clock
from riacho.log.errors import LogError, is_full

log = logging.getLogger(__name__)

_RECORDS_PER_TURN = 1_000
"""Records replayed between two turns of the event loop: at most 10 ms, so that other requests are served meanwhile."""

_RELOAD_TIMER: TimerKey = ("reload",)
_RELOAD_DELAY_MS = 1_000
"""How long a partition whose disk was full is left alone before it is tried again."""


class StateLog(Protocol):
    """The log under the groups: `__consumer_offsets`."""

    @property
    def partitions(self) -> int: ...

    def append(self, partition: int, records: Sequence[tuple[bytes, bytes | None]]) -> Awaitable[None]:
        """Write all or none of the records, in the order of calls; ends when they are durable, in the same order.

        Raises `OSError` when awaited, where they could not be made so; one of a full disk leaves the partition of use.
        """
        ...

    def replay(self, partition: int) -> AsyncIterator[tuple[bytes, bytes | None]]:
        """Every record of a partition, oldest first; reading them does not block the loop. Raises `OSError`."""
        ...


class CoordinatorError(Exception):
    """The group's partition cannot be asked: it is being loaded, or its log has failed."""

    def __init__(self, code: ErrorCode) -> None:
        super().__init__(code.name)
        self.code = code


@dataclass(slots=True)
class _Seat:
    """One partition: its state machine, and what waits on it."""

    partition: int
    shard: Shard
    refusal: ErrorCode = ErrorCode.coordinator_load_in_progress
    """Why it answers nothing; `none` while it does."""
    timers: dict[TimerKey, Timer] = field(default_factory=dict)
    tickets: dict[Ticket, tuple[Request, asyncio.Future[Reply]]] = field(default_factory=dict)
    unsettled: int = 0
    """Steps whose records are not durable yet."""
    settled: list[asyncio.Future[None]] = field(default_factory=list)
    """Those who wait until none is left unsettled."""
    deleted_meanwhile: list[PartitionsDeleted] = field(default_factory=list)
    """Topics that went while this was being loaded or refused."""
    told_full: bool = False
    """The log was told that the disk is full, and nothing was stored since: it is tried again every second."""
    reload: asyncio.Future[None] | None = None
    """Keeps the task of a replay after a full disk from being collected."""


class GroupCoordinator:
    """All groups of the broker. Every method is to be called on the event loop."""

    def __init__(self, config: GroupConfig, state_log: StateLog, clock: Clock, timers: Timers) -> None:
        self._config = config
        self._log = state_log
        self._clock = clock
        self._timers = timers
        self._tickets = itertools.count()
        self._seats = [_Seat(partition, Shard(config)) for partition in range(state_log.partitions)]

    async def load(self) -> None:
        """Replay the log, partition by partition. Requests to those not yet replayed are told to come again.

        A partition that cannot be read refuses its groups, and the log says why; the others are served.
        """
        for seat in self._seats:
            await self._load_or_refuse(seat)

    async def _load_or_refuse(self, seat: _Seat) -> None:
        try:
            await self._load_seat(seat)
        except (RecordFormatError, LogError, OSError) as error:
            self._fail(seat, error)

    async def _load_seat(self, seat: _Seat) -> None:
        newest: dict[bytes, bytes | None] = {}
        count = 0
        async for key, value in self._log.replay(seat.partition):
            # Only the newest record of a key counts, at its own place: what compaction would leave.
            newest.pop(key, None)
            newest[key] = value
            count += 1
            if count % _RECORDS_PER_TURN == 0:
                await asyncio.sleep(0)
        for position, (key, value) in enumerate(newest.items(), 1):
            record = decode(key, value)
            if record is None:
                log.warning("__consumer_offsets-%d: skipped a record of an unknown kind", seat.partition)
            else:
                seat.shard.apply(record)
            if position % _RECORDS_PER_TURN == 0:
                await asyncio.sleep(0)
        seat.refusal = ErrorCode.none
        self._happen(seat, Loaded())
        for deleted in seat.deleted_meanwhile:
            self._happen(seat, deleted)
        seat.deleted_meanwhile.clear()
        if count:
            log.info("loaded __consumer_offsets-%d: %d records, %d keys", seat.partition, count, len(newest))

    def close(self) -> None:
        """Stop the timers and send away who waits: the broker is shutting down."""
        for seat in self._seats:
            self._refuse_all(seat, ErrorCode.coordinator_not_available)
            if seat.reload is not None:
                seat.reload.cancel()

    # -- requests ------------------------------------------------------------------------------------------------

    async def ask(self, request: Request) -> Reply:
        """The answer to a request, when it is due: at once, after a rebalance, when records are durable."""
        seat = self._seat_of(request.group_id)
        if seat.refusal is not ErrorCode.none:
            if isinstance(request, HeartbeatRequest) and (seat.refusal is ErrorCode.coordinator_load_in_progress):
                return HeartbeatReply(ErrorCode.none)  # nobody is to lose its membership by our loading
            return refusal(request, seat.refusal)
        ticket = next(self._tickets)
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        seat.tickets[ticket] = (request, reply)
        try:
            self._carry_out(seat, seat.shard.ask(request, ticket, self._clock.now_ms()))
            return await reply
        finally:
            seat.tickets.pop(ticket, None)

    async def committed(
        self, group_id: str, partitions: Iterable[tuple[str, int, UUID | None]]
    ) -> list[CommittedOffset | None]:
        """The committed offsets of a group for (topic, partition, topic id) each; None where there is none.

        Raises `CoordinatorError`.
        """
        shard = await self._durable(group_id)
        return [shard.offset(group_id, topic, partition, id_) for topic, partition, id_ in partitions]

    async def all_committed(self, group_id: str) -> list[tuple[str, int, CommittedOffset]]:
        """Every committed offset of a group, by topic and partition. Raises `CoordinatorError`."""
        return list((await self._durable(group_id)).offsets_of(group_id))

    def describe(self, group_id: str) -> DescribedGroup | None:
        """A group and its members; None where there is no such group. Raises `CoordinatorError`."""
        return self._open_seat(self._seat_of(group_id)).shard.describe(group_id)

    def list_groups(self) -> list[ListedGroup]:
        """All groups. Raises `CoordinatorError` while some are still being loaded."""
        return [group for seat in self._seats for group in self._open_seat(seat).shard.listed()]

    def partitions_deleted(self, partitions: Iterable[tuple[str, int]]) -> None:
        """Topics are gone: forget what was committed for their partitions."""
        event = PartitionsDeleted(tuple(partitions))
        for seat in self._seats:
            if seat.refusal is ErrorCode.none:
                self._happen(seat, event)
            else:
                seat.deleted_meanwhile.append(event)

    def _seat_of(self, group_id: str) -> _Seat:
        return self._seats[partition_of_group(group_id, len(self._seats))]

    @staticmethod
    def _open_seat(seat: _Seat) -> _Seat:
        if seat.refusal is not ErrorCode.none:
            raise CoordinatorError(seat.refusal)
        return seat

    async def _durable(self, group_id: str) -> Shard:
        """The group's shard, once all that was written to it by now is durable."""
        seat = self._open_seat(self._seat_of(group_id))
        if seat.unsettled:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            seat.settled.append(waiter)
            await waiter
            self._open_seat(seat)
        return seat.shard

    # -- effects -------------------------------------------------------------------------------------------------

    def _happen(self, seat: _Seat, event: Happening) -> None:
        self._carry_out(seat, seat.shard.happen(event, self._clock.now_ms()))

    def _carry_out(self, seat: _Seat, effects: Effects) -> None:
        for note in effects.notes:
            log.info("%s", note)
        for change in effects.timers:
            old = seat.timers.pop(change.key, None)
            if old is not None:
                old.cancel()
            if isinstance(change, SetTimer):
                action = self._timer_action(seat, change.key, change.event)
                seat.timers[change.key] = self._timers.call_later(change.delay_ms, action)
            else:
                assert isinstance(change, CancelTimer)
        if not effects.records:
            assert effects.then is None
            self._answer(seat, effects)
            return
        records = [encode(record) for record in effects.records]
        durable = asyncio.ensure_future(self._log.append(seat.partition, records))
        seat.unsettled += 1
        durable.add_done_callback(lambda done: self._settle(seat, effects, done))

    def _timer_action(self, seat: _Seat, key: TimerKey, event: TimerEvent) -> Callable[[], None]:
        def action() -> None:
            del seat.timers[key]
            self._happen(seat, event)

        return action

    def _settle(self, seat: _Seat, effects: Effects, done: asyncio.Future[None]) -> None:
        """A step's records are durable, or could not be made so."""
        seat.unsettled -= 1
        error = None if done.cancelled() else done.exception()
        if error is not None or done.cancelled():
            self._fail(seat, error)
        elif seat.refusal is ErrorCode.none:
            seat.told_full = False
            self._answer(seat, effects)
            if effects.then is not None:
                self._happen(seat, effects.then)
        if not seat.unsettled:
            for waiter in seat.settled:
                if not waiter.done():
                    waiter.set_result(None)
            seat.settled.clear()

    def _answer(self, seat: _Seat, effects: Effects) -> None:
        for ticket, reply in effects.replies:
            waiting = seat.tickets.pop(ticket, None)
            if waiting is not None and not waiting[1].done():  # its client may have gone
                waiting[1].set_result(reply)

    def _fail(self, seat: _Seat, error: BaseException | None) -> None:
        if seat.refusal not in (ErrorCode.none, ErrorCode.coordinator_load_in_progress):
            return
        full = is_full(error)
        if not (full and seat.told_full):
            log.error(
                "__consumer_offsets-%d cannot be read or written; its groups are refused until %s",
                seat.partition,
                "there is room" if full else "a restart",
                exc_info=None if full else error,
            )
        seat.told_full = full
        self._refuse_all(seat, ErrorCode.not_coordinator)
        if full:
            self._reload_later(seat)

    def _reload_later(self, seat: _Seat) -> None:
        seat.timers[_RELOAD_TIMER] = self._timers.call_later(_RELOAD_DELAY_MS, lambda: self._reload(seat))

    def _reload(self, seat: _Seat) -> None:
        """Forget what was not stored: begin again from the log."""
        del seat.timers[_RELOAD_TIMER]
        if seat.unsettled:  # what the log still has in hand may or may not become part of it
            self._reload_later(seat)
            return
        seat.shard = Shard(self._config)
        seat.refusal = ErrorCode.coordinator_load_in_progress
        seat.reload = asyncio.ensure_future(self._load_or_refuse(seat))

    def _refuse_all(self, seat: _Seat, code: ErrorCode) -> None:
        seat.refusal = code
        for timer in seat.timers.values():
            timer.cancel()
        seat.timers.clear()
        for request, reply in seat.tickets.values():
            if not reply.done():
                reply.set_result(refusal(request, code))
        seat.tickets.clear()

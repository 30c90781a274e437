"""The coordinator's shell: durability before answers, loading, failures of the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any

import pytest
from group_simulation import GROUP, QUICK, SESSION_MS, protocols

from riacho.broker.errors import ErrorCode
from riacho.broker.groups import CoordinatorError, GroupCoordinator, ManualTimers, partition_of_group
from riacho.broker.groups.messages import (
    CommitReply,
    CommitRequest,
    HeartbeatRequest,
    JoinReply,
    JoinRequest,
    OffsetToCommit,
    SyncReply,
    SyncRequest,
)
from riacho.host import ManualClock
from riacho.log.errors import NoSpace, PartitionOffline

PARTITIONS = 4
HOME = partition_of_group(GROUP, PARTITIONS)


class MemoryStateLog:
    """A state log in memory, whose durability and failures the test decides."""

    partitions = PARTITIONS

    def __init__(self) -> None:
        self.records: dict[int, list[tuple[bytes, bytes | None]]] = {}
        self.hold = False
        self.failure: OSError | None = None
        self._held: list[tuple[asyncio.Future[None], Callable[[], None]]] = []

    def append(self, partition: int, records: Sequence[tuple[bytes, bytes | None]]) -> asyncio.Future[None]:
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.failure is not None:
            durable.set_exception(self.failure)
            return durable

        def store() -> None:
            self.records.setdefault(partition, []).extend(records)

        if self.hold:
            self._held.append((durable, store))
        else:
            store()
            durable.set_result(None)
        return durable

    async def replay(self, partition: int) -> AsyncIterator[tuple[bytes, bytes | None]]:
        for record in list(self.records.get(partition, ())):
            yield record

    def release(self) -> None:
        self.hold = False
        for durable, store in self._held:
            store()
            durable.set_result(None)
        self._held.clear()


class Stage:
    """A coordinator over a log in memory, with time by hand."""

    def __init__(self, log: MemoryStateLog | None = None) -> None:
        self.log = log or MemoryStateLog()
        self.clock = ManualClock(wall_ms=1_000_000)
        self.timers = ManualTimers(self.clock)
        self.groups = GroupCoordinator(QUICK, self.log, self.clock, self.timers)

    async def commit(self, offset: int, generation: int = -1, member_id: str = "") -> CommitReply:
        request = CommitRequest(GROUP, member_id, None, generation, (OffsetToCommit("bids", 0, offset),))
        reply = await self.groups.ask(request)
        assert isinstance(reply, CommitReply)
        return reply

    async def committed(self) -> int | None:
        (found,) = await self.groups.committed(GROUP, [("bids", 0, None)])
        return None if found is None else found.offset

    def join(self, member_id: str = "") -> asyncio.Task[Any]:
        request = JoinRequest(
            GROUP,
            member_id,
            None,
            SESSION_MS,
            60_000,
            "consumer",
            protocols("range"),
            "client",
            "/127.0.0.1",
            "offered",
            requires_known_member_id=False,
        )
        return asyncio.ensure_future(self.groups.ask(request))

    async def stable(self) -> tuple[str, int]:
        """A group of one member: its id and generation."""
        join = self.join()
        await turns()
        self.timers.advance(0)
        joined = await join
        assert isinstance(joined, JoinReply)
        pairs = ((joined.member_id, b"all"),)
        request = SyncRequest(GROUP, joined.member_id, None, joined.generation, "consumer", "range", pairs)
        assert await self.groups.ask(request) == SyncReply(ErrorCode.none, "consumer", "range", b"all")
        return joined.member_id, joined.generation


async def turns(count: int = 5) -> None:
    """Let everything that can go on now go on."""
    for _ in range(count):
        await asyncio.sleep(0)


def staged(scene: Callable[[Stage], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """A test whose scene runs on an event loop, with a coordinator that has been loaded."""

    def test() -> None:
        async def play() -> None:
            stage = Stage()
            await stage.groups.load()
            await asyncio.wait_for(scene(stage), timeout=10)

        asyncio.run(play())

    test.__name__, test.__doc__ = scene.__name__, scene.__doc__
    return test


@staged
async def test_a_commit_is_answered_only_once_it_is_durable(stage: Stage) -> None:
    stage.log.hold = True
    commit = asyncio.ensure_future(stage.commit(5))
    await turns()
    assert not commit.done()
    stage.log.release()
    assert (await commit).errors == (ErrorCode.none,)


@staged
async def test_an_offset_is_shown_only_once_it_is_durable(stage: Stage) -> None:
    await stage.commit(5)
    stage.log.hold = True
    commit = asyncio.ensure_future(stage.commit(6))
    await turns()
    shown = asyncio.ensure_future(stage.committed())
    await turns()
    assert not shown.done()
    stage.log.release()
    await commit
    assert await shown == 6


@staged
async def test_an_assignment_is_handed_out_only_once_it_is_durable(stage: Stage) -> None:
    join = stage.join()
    await turns()
    stage.timers.advance(0)
    joined = await join
    stage.log.hold = True
    request = SyncRequest(GROUP, joined.member_id, None, 1, None, None, ((joined.member_id, b"all"),))
    sync = asyncio.ensure_future(stage.groups.ask(request))
    await turns()
    assert not sync.done()
    stage.log.release()
    assert (await sync).assignment == b"all"  # type: ignore[union-attr]


@staged
async def test_a_restart_knows_what_was_durable(stage: Stage) -> None:
    member, generation = await stage.stable()
    await stage.commit(5, generation, member)
    after = Stage(stage.log)
    await after.groups.load()
    assert await after.committed() == 5
    heartbeat = HeartbeatRequest(GROUP, member, None, generation)
    assert (await after.groups.ask(heartbeat)).error is ErrorCode.none


@staged
async def test_a_member_that_died_with_the_broker_expires_after_a_restart(stage: Stage) -> None:
    await stage.stable()
    after = Stage(stage.log)
    await after.groups.load()
    after.timers.advance(SESSION_MS)
    described = after.groups.describe(GROUP)
    assert described is not None
    assert described.state == "Empty"


def test_requests_to_a_group_that_is_being_loaded_are_told_to_come_again() -> None:
    async def scene() -> None:
        stage = Stage()
        loading = ErrorCode.coordinator_load_in_progress
        assert (await stage.commit(5)).error is loading
        assert (await stage.join()).error is loading
        with pytest.raises(CoordinatorError) as refused:
            await stage.committed()
        assert refused.value.code is loading
        with pytest.raises(CoordinatorError):
            stage.groups.list_groups()
        await stage.groups.load()
        assert (await stage.commit(5)).error is ErrorCode.none

    asyncio.run(scene())


def test_heartbeats_to_a_group_that_is_being_loaded_are_accepted() -> None:
    async def scene() -> None:
        reply = await Stage().groups.ask(HeartbeatRequest(GROUP, "someone", None, 3))
        assert reply.error is ErrorCode.none

    asyncio.run(scene())


@staged
async def test_a_log_that_fails_refuses_the_groups_of_that_partition(stage: Stage) -> None:
    await stage.commit(5)
    stage.log.failure = PartitionOffline("the disk failed")
    assert (await stage.commit(6)).error is ErrorCode.not_coordinator
    stage.log.failure = None
    stage.timers.advance(3_600_000)
    await turns()
    assert (await stage.commit(6)).error is ErrorCode.not_coordinator
    with pytest.raises(CoordinatorError):
        await stage.committed()


@staged
async def test_a_log_that_fails_sends_away_the_members_that_wait(stage: Stage) -> None:
    await stage.commit(5)
    join = stage.join()
    await turns()
    stage.log.failure = PartitionOffline("the disk failed")
    neighbour = next(name for name in map(str, range(99)) if partition_of_group(name, PARTITIONS) == HOME)
    await stage.groups.ask(CommitRequest(neighbour, "", None, -1, (OffsetToCommit("bids", 0, 1),)))
    assert (await join).error is ErrorCode.not_coordinator


@staged
async def test_after_a_full_disk_the_groups_go_on_from_what_was_stored(stage: Stage) -> None:
    await stage.commit(5)
    stage.log.failure = NoSpace("the disk is full")
    assert (await stage.commit(6)).error is ErrorCode.not_coordinator
    stage.log.failure = None
    stage.timers.advance(1_000)
    await turns()
    assert await stage.committed() == 5
    assert (await stage.commit(6)).error is ErrorCode.none


def test_a_disk_that_stays_full_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    said = f"__consumer_offsets-{HOME} cannot be read or written; its groups are refused until there is room"

    @staged
    async def scene(stage: Stage) -> None:
        async def fail_to_commit(times: int) -> None:
            stage.log.failure = NoSpace("the disk is full")
            for _ in range(times):
                assert (await stage.commit(6)).error is ErrorCode.not_coordinator
                stage.timers.advance(1_000)
                await turns()
            stage.log.failure = None

        await fail_to_commit(3)
        assert caplog.messages.count(said) == 1

        assert (await stage.commit(7)).error is ErrorCode.none
        await fail_to_commit(1)
        assert caplog.messages.count(said) == 2

    scene()


@staged
async def test_a_partition_that_cannot_be_read_leaves_the_others_alone(stage: Stage) -> None:
    await stage.commit(5)
    other = (HOME + 1) % PARTITIONS
    stage.log.records[other] = [(b"\x00\x01", None)]
    after = Stage(stage.log)
    await after.groups.load()
    assert await after.committed() == 5
    with pytest.raises(CoordinatorError) as refused:
        after.groups.list_groups()
    assert refused.value.code is ErrorCode.not_coordinator


@staged
async def test_a_client_that_goes_away_leaves_nothing_behind(stage: Stage) -> None:
    join = stage.join()
    await turns()
    join.cancel()
    await turns()
    stage.timers.advance(SESSION_MS)  # no heartbeat comes
    described = stage.groups.describe(GROUP)
    assert described is not None
    assert (described.state, described.members) == ("Empty", ())


@staged
async def test_a_topic_that_is_deleted_while_loading_takes_its_offsets_along(stage: Stage) -> None:
    await stage.commit(5)
    after = Stage(stage.log)
    after.groups.partitions_deleted([("bids", 0)])
    await after.groups.load()
    assert await after.committed() is None


@staged
async def test_a_coordinator_that_closes_sends_everybody_away(stage: Stage) -> None:
    join = stage.join()
    await turns()
    stage.groups.close()
    assert (await join).error is ErrorCode.coordinator_not_available
    assert (await stage.commit(5)).error is ErrorCode.coordinator_not_available


@staged
async def test_groups_of_all_partitions_are_listed(stage: Stage) -> None:
    for name in ("a", "b", "c", "d", "e"):
        await stage.groups.ask(CommitRequest(name, "", None, -1, (OffsetToCommit("bids", 0, 1),)))
    listed = stage.groups.list_groups()
    assert sorted(group.group_id for group in listed) == ["a", "b", "c", "d", "e"]
    assert {(group.state, group.protocol_type, group.group_type) for group in listed} == {("Empty", "", "classic")}

"""The groups of one partition of `__consumer_offsets`, as a state machine without I/O.

`ask` and `happen` are the steps: `(state, event, now) → Effects`. `apply` is the one way in which a record changes
the state, at its writing and at replay; so what is replayed is what was live.

A step changes the state at once, before its records are durable. Nothing of that shows outside too early: the shell
gives a step's replies, and shows offsets, only once every record written so far is durable; and a log that fails
to store a record refuses everything until a restart, which replays what did become durable.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import UUID

from riacho.broker.errors import ErrorCode
from riacho.broker.groups import classic, offsets, rebalance
from riacho.broker.groups.config import GroupConfig
from riacho.broker.groups.effects import (
    AssignmentStored,
    Effects,
    Happening,
    InitialDelayOver,
    Loaded,
    PartitionsDeleted,
    RebalanceTimedOut,
    RetentionCheckDue,
    SessionExpired,
    SetTimer,
    StaticMemberStored,
    SyncTimedOut,
    Ticket,
)
from riacho.broker.groups.group import CONSUMER_PROTOCOL_TYPE, Group, GroupState
from riacho.broker.groups.join import join, static_member_stored
from riacho.broker.groups.messages import (
    NO_MEMBER,
    CommitReply,
    CommitRequest,
    DeleteGroupReply,
    DeleteGroupRequest,
    DeleteOffsetsReply,
    DeleteOffsetsRequest,
    DescribedGroup,
    HeartbeatRequest,
    JoinReply,
    JoinRequest,
    LeaveReply,
    LeaveRequest,
    ListedGroup,
    Reply,
    Request,
    SyncRequest,
    refusal,
)
from riacho.broker.groups.records import CommittedOffset, GroupRecord, OffsetRecord, Record

RETENTION_TIMER = ("retention",)


class Shard:
    """The groups and committed offsets of one partition."""

    def __init__(self, config: GroupConfig) -> None:
        self._config = config
        self._groups: dict[str, Group] = {}
        self._offsets = offsets.OffsetStore()

    # -- records -------------------------------------------------------------------------------------------------

    def apply(self, record: Record) -> None:
        """Let a record of the log change the state."""
        if isinstance(record, OffsetRecord):
            if record.value is not None:
                # Offsets committed without membership make a group of their own: a simple one.
                self._groups.setdefault(record.group_id, Group(record.group_id))
            self._offsets.apply(record)
        elif record.value is None:
            self._groups.pop(record.group_id, None)
        else:
            self._groups[record.group_id] = Group.restored(record.group_id, record.value)

    def _write(self, effects: Effects, records: Iterable[Record]) -> None:
        """Store records, and let them change the state now."""
        for record in records:
            self.apply(record)
            effects.records.append(record)

    # -- requests ------------------------------------------------------------------------------------------------

    def ask(self, request: Request, ticket: Ticket, now_ms: int) -> Effects:
        """Take a request; its answer comes among these or later effects, under its ticket."""
        effects = Effects()
        match request:
            case JoinRequest():
                self._join(request, ticket, now_ms, effects)
            case CommitRequest():
                effects.replies.append((ticket, self._commit(request, now_ms, effects)))
            case DeleteGroupRequest():
                effects.replies.append((ticket, self._delete_group(request, effects)))
            case DeleteOffsetsRequest():
                effects.replies.append((ticket, self._delete_offsets(request, effects)))
            case SyncRequest() | HeartbeatRequest() | LeaveRequest():
                group = self._groups.get(request.group_id)
                if group is None:
                    effects.replies.append((ticket, self._no_such_group(request)))
                elif isinstance(request, SyncRequest):
                    classic.sync(group, request, ticket, self._config, now_ms, effects)
                elif isinstance(request, HeartbeatRequest):
                    classic.heartbeat(group, request, ticket, effects)
                else:
                    classic.leave(group, request, ticket, self._config, now_ms, effects)
        return effects

    @staticmethod
    def _no_such_group(request: SyncRequest | HeartbeatRequest | LeaveRequest) -> Reply:
        unknown = ErrorCode.unknown_member_id
        if isinstance(request, LeaveRequest):
            return LeaveReply(ErrorCode.none, tuple((member, unknown) for member in request.members))
        return refusal(request, unknown)

    def _join(self, request: JoinRequest, ticket: Ticket, now_ms: int, effects: Effects) -> None:
        timeout_ms = request.session_timeout_ms
        if not self._config.min_session_timeout_ms <= timeout_ms <= self._config.max_session_timeout_ms:
            reply = JoinReply(ErrorCode.invalid_session_timeout, request.member_id)
            effects.replies.append((ticket, reply))
            return
        group = self._groups.get(request.group_id)
        if group is None:
            if request.member_id != NO_MEMBER:
                reply = JoinReply(ErrorCode.unknown_member_id, request.member_id)
                effects.replies.append((ticket, reply))
                return
            group = Group(request.group_id, state_timestamp_ms=now_ms)
            self._groups[request.group_id] = group
            effects.records.append(GroupRecord(group.group_id, group.stored({})))
        join(group, request, ticket, self._config, now_ms, effects)

    def _commit(self, request: CommitRequest, now_ms: int, effects: Effects) -> CommitReply:
        group = self._groups.get(request.group_id)
        if group is None:
            if request.generation >= 0:
                return CommitReply(request.missing_group_error)
        else:
            error = offsets.commit_error(group, request)
            if error is not ErrorCode.none:
                return CommitReply(error)
            member = group.members.get(request.member_id)
            if member is not None and group.state in (GroupState.STABLE, GroupState.PREPARING_REBALANCE):
                rebalance.extend_session(group, member, effects)
        errors = []
        records = []
        for offset in request.offsets:
            if offsets.metadata_is_too_large(offset.metadata, self._config):
                errors.append(ErrorCode.offset_metadata_too_large)
                continue
            errors.append(ErrorCode.none)
            value = offsets.committed(offset, request, now_ms)
            records.append(OffsetRecord(request.group_id, offset.topic, offset.partition, value))
        self._write(effects, records)
        return CommitReply(ErrorCode.none, tuple(errors))

    def _delete_group(self, request: DeleteGroupRequest, effects: Effects) -> DeleteGroupReply:
        group = self._groups.get(request.group_id)
        if group is None:
            return DeleteGroupReply(ErrorCode.group_id_not_found)
        if not group.is_empty:
            return DeleteGroupReply(ErrorCode.non_empty_group)
        self._write(effects, offsets.tombstones(self._offsets, group.group_id))
        self._write(effects, [GroupRecord(group.group_id, None)])
        return DeleteGroupReply(ErrorCode.none)

    def _delete_offsets(self, request: DeleteOffsetsRequest, effects: Effects) -> DeleteOffsetsReply:
        group = self._groups.get(request.group_id)
        if group is None:
            return DeleteOffsetsReply(ErrorCode.group_id_not_found)
        if not group.is_empty and group.protocol_type != CONSUMER_PROTOCOL_TYPE:
            # What other kinds of members read is unknown here.
            return DeleteOffsetsReply(ErrorCode.non_empty_group)
        errors = []
        for topic, partition in request.partitions:
            if group.is_subscribed_to(topic):
                errors.append(ErrorCode.group_subscribed_to_topic)
                continue
            errors.append(ErrorCode.none)
            if self._offsets.get(group.group_id, topic, partition) is not None:
                self._write(effects, [OffsetRecord(group.group_id, topic, partition, None)])
        return DeleteOffsetsReply(ErrorCode.none, tuple(errors))

    # -- everything else that happens ----------------------------------------------------------------------------

    def happen(self, event: Happening, now_ms: int) -> Effects:
        """Take what no client asked: a timer, records having become durable, deleted topics."""
        effects = Effects()
        match event:
            case Loaded():
                self._loaded(now_ms, effects)
            case RetentionCheckDue():
                self._expire_offsets(now_ms, effects)
            case PartitionsDeleted():
                self._forget_partitions(event, effects)
            case _:
                group = self._groups.get(event.group_id)
                if group is not None:
                    self._happen_to_group(group, event, now_ms, effects)
        return effects

    def _happen_to_group(
        self,
        group: Group,
        event: SessionExpired
        | InitialDelayOver
        | RebalanceTimedOut
        | SyncTimedOut
        | AssignmentStored
        | StaticMemberStored,
        now_ms: int,
        effects: Effects,
    ) -> None:
        match event:
            case SessionExpired():
                rebalance.expire_session(group, event.member_id, self._config, now_ms, effects)
            case InitialDelayOver():
                rebalance.extend_initial_delay(group, event, self._config, now_ms, effects)
            case RebalanceTimedOut():
                if group.state is GroupState.PREPARING_REBALANCE:
                    rebalance.complete_join(group, now_ms, effects)
            case SyncTimedOut():
                rebalance.expire_sync(group, event, self._config, now_ms, effects)
            case AssignmentStored():
                classic.assignment_stored(group, event, now_ms, effects)
            case StaticMemberStored():
                static_member_stored(group, event, effects)

    def _loaded(self, now_ms: int, effects: Effects) -> None:
        """Members of loaded groups have a session time-out to be heard of."""
        for group in self._groups.values():
            for member in group.members.values():
                rebalance.extend_session(group, member, effects)
            if len(group.members) > self._config.max_size:
                reason = f"it was loaded with more members than {self._config.max_size}"
                rebalance.prepare_rebalance(group, self._config, now_ms, effects, reason)
        self._schedule_retention_check(effects)

    def _expire_offsets(self, now_ms: int, effects: Effects) -> None:
        for group in list(self._groups.values()):
            removals, none_left = offsets.expired(self._offsets, group, self._config, now_ms)
            self._write(effects, removals)
            if none_left and group.is_empty:
                self._write(effects, [GroupRecord(group.group_id, None)])
        self._schedule_retention_check(effects)

    def _schedule_retention_check(self, effects: Effects) -> None:
        period_ms = self._config.offsets_retention_check_interval_ms
        effects.timers.append(SetTimer(RETENTION_TIMER, period_ms, RetentionCheckDue()))

    def _forget_partitions(self, deleted: PartitionsDeleted, effects: Effects) -> None:
        for group_id in list(self._offsets.groups()):
            for topic, partition in deleted.partitions:
                if self._offsets.get(group_id, topic, partition) is not None:
                    self._write(effects, [OffsetRecord(group_id, topic, partition, None)])

    # -- views ---------------------------------------------------------------------------------------------------

    def describe(self, group_id: str) -> DescribedGroup | None:
        group = self._groups.get(group_id)
        return None if group is None else group.describe()

    def listed(self) -> Iterator[ListedGroup]:
        return (group.listed() for group in self._groups.values())

    def offset(self, group_id: str, topic: str, partition: int, topic_id: UUID | None = None) -> CommittedOffset | None:
        return self._offsets.get(group_id, topic, partition, topic_id)

    def offsets_of(self, group_id: str) -> Iterator[tuple[str, int, CommittedOffset]]:
        return self._offsets.of_group(group_id)

    def group(self, group_id: str) -> Group | None:
        """The group itself, to look at."""
        return self._groups.get(group_id)

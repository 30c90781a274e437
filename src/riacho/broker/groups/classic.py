"""SyncGroup, Heartbeat and LeaveGroup of a classic group (JoinGroup has its own module)."""

from __future__ import annotations

from riacho.broker.errors import ErrorCode
from riacho.broker.groups.config import GroupConfig
from riacho.broker.groups.effects import AssignmentStored, Effects, Ticket
from riacho.broker.groups.group import Group, GroupState
from riacho.broker.groups.messages import (
    NO_MEMBER,
    HeartbeatReply,
    HeartbeatRequest,
    LeaveReply,
    LeaveRequest,
    LeavingMember,
    SyncReply,
    SyncRequest,
)
from riacho.broker.groups.rebalance import (
    COMPLETING,
    PREPARING,
    complete_join_if_all_are_here,
    dismiss,
    end_session,
    extend_session,
    hand_out_assignment,
    has_synced,
    prepare_rebalance,
    wait_for_sync,
    withdraw_assignment,
)
from riacho.broker.groups.records import GroupRecord, encode


def sync(
    group: Group, request: SyncRequest, ticket: Ticket, config: GroupConfig, now_ms: int, effects: Effects
) -> None:
    """A member asks for its assignment; the leader brings everybody's, which is stored before it is given out."""
    error = _sync_error(group, request)
    if error is not ErrorCode.none:
        effects.replies.append((ticket, SyncReply(error)))
        return
    member = group.members[request.member_id]
    has_synced(group, member.member_id, effects)
    if group.state is GroupState.STABLE:
        reply = SyncReply(ErrorCode.none, group.protocol_type, group.protocol_name, member.assignment)
        effects.replies.append((ticket, reply))
        return
    wait_for_sync(member, ticket, effects)
    if group.leader != member.member_id or group.assigned_generation == group.generation:
        # A leader that asks again gets what it brought first: that is what the log has.
        return
    brought = dict(request.assignments)
    assignment = {member_id: brought.get(member_id, b"") for member_id in group.members}
    record = GroupRecord(group.group_id, group.stored(assignment))
    if len(encode(record)[1] or b"") > config.max_record_bytes:
        withdraw_assignment(group, ErrorCode.unknown_server_error, effects)
        reason = f"its members and their assignment take more than {config.max_record_bytes} bytes to store"
        prepare_rebalance(group, config, now_ms, effects, reason)
        return
    group.assigned_generation = group.generation
    effects.records.append(record)
    effects.then = AssignmentStored(group.group_id, group.generation, assignment)


def _sync_error(group: Group, request: SyncRequest) -> ErrorCode:
    if group.is_empty:
        return ErrorCode.unknown_member_id
    error = group.member_error(request.member_id, request.group_instance_id)
    if error is not ErrorCode.none:
        return error
    if request.generation != group.generation:
        return ErrorCode.illegal_generation
    if _differs(request.protocol_type, group.protocol_type) or _differs(request.protocol_name, group.protocol_name):
        return ErrorCode.inconsistent_group_protocol
    return ErrorCode.rebalance_in_progress if group.state is PREPARING else ErrorCode.none


def _differs(named: str | None, current: str | None) -> bool:
    return named is not None and current is not None and named != current


def assignment_stored(group: Group, stored: AssignmentStored, now_ms: int, effects: Effects) -> None:
    """The assignment is durable: hand it out, unless another rebalance has begun meanwhile."""
    if group.state is COMPLETING and group.generation == stored.generation:
        hand_out_assignment(group, stored.assignment, now_ms, effects)


def heartbeat(group: Group, request: HeartbeatRequest, ticket: Ticket, effects: Effects) -> None:
    """A member lives. It is told to rejoin while a rebalance is prepared."""
    error = group.member_error(request.member_id, request.group_instance_id)
    if error is ErrorCode.none and request.generation != group.generation:
        error = ErrorCode.illegal_generation
    if error is ErrorCode.none:
        extend_session(group, group.members[request.member_id], effects)
        if group.state is PREPARING:
            error = ErrorCode.rebalance_in_progress
    effects.replies.append((ticket, HeartbeatReply(error)))


def leave(
    group: Group, request: LeaveRequest, ticket: Ticket, config: GroupConfig, now_ms: int, effects: Effects
) -> None:
    """Members leave, by their ids or, sent away by an administrator, by their instance ids."""
    answers = tuple((leaving, _leave_one(group, leaving, effects)) for leaving in request.members)
    left = [leaving for leaving, error in answers if error is ErrorCode.none]
    if left:
        reason = ", ".join(
            f"{each.member_id or each.group_instance_id} leaves ({each.reason or 'no reason given'})" for each in left
        )
        if group.state in (GroupState.STABLE, COMPLETING):
            prepare_rebalance(group, config, now_ms, effects, reason)
        else:
            complete_join_if_all_are_here(group, now_ms, effects)
    effects.replies.append((ticket, LeaveReply(ErrorCode.none, answers)))


def _leave_one(group: Group, leaving: LeavingMember, effects: Effects) -> ErrorCode:
    member_id = leaving.member_id
    if member_id == NO_MEMBER:
        if leaving.group_instance_id is None or leaving.group_instance_id not in group.static_members:
            return ErrorCode.unknown_member_id
        member_id = group.static_members[leaving.group_instance_id]
    elif member_id in group.pending_join:
        group.remove(member_id)
        end_session(group, member_id, effects)
        return ErrorCode.none
    else:
        error = group.member_error(member_id, leaving.group_instance_id)
        if error is not ErrorCode.none:
            return error
    dismiss(group, group.members[member_id], effects)
    return ErrorCode.none

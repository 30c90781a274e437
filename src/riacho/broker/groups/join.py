"""JoinGroup: who may enter a classic group, and as whom.

KIP-394 (a member comes twice: first for its id, then to join), KIP-345 (static members keep their place under a new
member id), KIP-814 (a static leader that returns need not assign).
"""

from __future__ import annotations

from riacho.broker.errors import ErrorCode
from riacho.broker.groups.config import NEW_MEMBER_JOIN_TIMEOUT_MS, GroupConfig
from riacho.broker.groups.effects import Effects, SessionExpired, SetTimer, StaticMemberStored, Ticket
from riacho.broker.groups.group import Group, GroupState, Member
from riacho.broker.groups.messages import NO_MEMBER, JoinReply, JoinRequest, SyncReply
from riacho.broker.groups.rebalance import (
    COMPLETING,
    PREPARING,
    answer_join,
    answer_sync,
    end_session,
    extend_session,
    joined,
    prepare_rebalance,
    rebalance_or_complete_join,
    session_key,
    wait_for_join,
)
from riacho.broker.groups.records import GroupRecord, encode


def join(
    group: Group, request: JoinRequest, ticket: Ticket, config: GroupConfig, now_ms: int, effects: Effects
) -> None:
    """Answer a JoinGroup, now or when the rebalance that it asks for ends."""
    unknown = request.member_id == NO_MEMBER
    if not _has_room(group, request.member_id, config):
        # Kafka forgets the member at this point, and so do we: it cannot be in this rebalance.
        group.remove(request.member_id)
        effects.replies.append((ticket, JoinReply(ErrorCode.group_max_size_reached)))
    elif not group.supports(request.protocol_type, request.protocols):
        reply = JoinReply(ErrorCode.inconsistent_group_protocol, request.member_id)
        effects.replies.append((ticket, reply))
    elif unknown and request.group_instance_id is not None:
        if request.group_instance_id in group.static_members:
            _return_static(group, request, ticket, config, now_ms, effects)
        else:
            _enter(group, request, request.offered_member_id, ticket, config, now_ms, effects)
    elif unknown and request.requires_known_member_id:
        _offer_id(group, request, ticket, effects)
    elif unknown:
        _enter(group, request, request.offered_member_id, ticket, config, now_ms, effects)
    elif request.member_id in group.pending_join:
        if request.group_instance_id is None:
            _enter(group, request, request.member_id, ticket, config, now_ms, effects)
        else:  # ids are only ever offered to dynamic members, so this one is not whom it says it is
            effects.replies.append((ticket, JoinReply(ErrorCode.unknown_member_id, request.member_id)))
    else:
        _rejoin(group, request, ticket, config, now_ms, effects)


def _has_room(group: Group, member_id: str, config: GroupConfig) -> bool:
    """Whether the group may take this member. Those in a rebalance compete for its places by coming first."""
    member = group.members.get(member_id)
    if group.state is PREPARING:
        return (member is not None and member.is_awaiting_join) or group.awaiting_join < config.max_size
    return group.is_empty or member is not None or len(group.members) < config.max_size


def _offer_id(group: Group, request: JoinRequest, ticket: Ticket, effects: Effects) -> None:
    member_id = request.offered_member_id
    group.pending_join.add(member_id)
    effects.timers.append(
        SetTimer(
            session_key(group.group_id, member_id),
            request.session_timeout_ms,
            SessionExpired(group.group_id, member_id),
        )
    )
    effects.replies.append((ticket, JoinReply(ErrorCode.member_id_required, member_id)))


def _enter(
    group: Group,
    request: JoinRequest,
    member_id: str,
    ticket: Ticket,
    config: GroupConfig,
    now_ms: int,
    effects: Effects,
) -> None:
    """A new member; the group rebalances to take it in."""
    if group.state is PREPARING and group.previous_state is GroupState.EMPTY:
        group.new_member_added = True
    member = Member(
        member_id,
        request.group_instance_id,
        request.client_id,
        request.client_host,
        request.rebalance_timeout_ms,
        request.session_timeout_ms,
        request.protocols,
        join_ticket=ticket,
        is_new=True,
    )
    group.add(member, request.protocol_type)
    extend_session(group, member, effects, timeout_ms=NEW_MEMBER_JOIN_TIMEOUT_MS)
    rebalance_or_complete_join(group, config, now_ms, effects, _reason("joins", member, request))


def _rejoin(
    group: Group, request: JoinRequest, ticket: Ticket, config: GroupConfig, now_ms: int, effects: Effects
) -> None:
    """A member that has an id. It starts a rebalance only if what it says, or its being the leader, asks for one."""
    error = group.member_error(request.member_id, request.group_instance_id)
    if error is not ErrorCode.none:
        effects.replies.append((ticket, JoinReply(error, request.member_id)))
        return
    member = group.members[request.member_id]
    unchanged = member.protocols == request.protocols
    if group.state is COMPLETING and unchanged:
        # It seems to have missed the answer of this generation: give it again.
        effects.replies.append((ticket, joined(group, member.member_id)))
    elif group.state is GroupState.STABLE and unchanged and group.leader != member.member_id:
        effects.replies.append((ticket, joined(group, member.member_id)))
    else:
        _update(member, request, ticket, effects)
        rebalance_or_complete_join(group, config, now_ms, effects, _reason("joins again", member, request))


def _return_static(
    group: Group, request: JoinRequest, ticket: Ticket, config: GroupConfig, now_ms: int, effects: Effects
) -> None:
    """A static member is back without its id: whoever still uses the old one is fenced."""
    assert request.group_instance_id is not None
    previous_leader = group.leader
    old = group.members[group.static_members[request.group_instance_id]]
    fenced = ErrorCode.fenced_instance_id
    answer_join(old, JoinReply(fenced, old.member_id), effects)
    answer_sync(old, SyncReply(fenced), effects)
    end_session(group, old.member_id, effects)
    member = group.replace_static_member(request.group_instance_id, request.offered_member_id)
    _update(member, request, ticket, effects)
    extend_session(group, member, effects)
    reason = _reason(f"returns as {request.group_instance_id}", member, request)
    if group.state is COMPLETING:
        # The leader may already be assigning to the old id, so this generation can no longer be completed.
        prepare_rebalance(group, config, now_ms, effects, reason)
    elif group.state is GroupState.STABLE and group.select_protocol() == group.protocol_name:
        assignment = {each.member_id: each.assignment for each in group.members.values()}
        record = GroupRecord(group.group_id, group.stored(assignment))
        if len(encode(record)[1] or b"") > config.max_record_bytes:
            answer_join(member, JoinReply(ErrorCode.unknown_server_error), effects)
            return
        effects.records.append(record)
        effects.then = StaticMemberStored(
            group.group_id, member.member_id, previous_leader, request.can_skip_assignment
        )
    else:
        rebalance_or_complete_join(group, config, now_ms, effects, reason)


def static_member_stored(group: Group, stored: StaticMemberStored, effects: Effects) -> None:
    """Tell a returned static member the running generation, unless a rebalance has begun meanwhile."""
    member = group.members.get(stored.member_id)
    if member is None or group.state is not GroupState.STABLE:
        return
    leads = group.leader == member.member_id
    told = joined(group, member.member_id)
    answer_join(
        member,
        JoinReply(
            ErrorCode.none,
            member.member_id,
            told.generation,
            told.protocol_type,
            told.protocol_name,
            # Before JoinGroup 9 the leader is told its old id, so that it does not take itself for the leader and
            # assign to a stable group.
            told.leader if stored.can_skip_assignment else stored.previous_leader or "",
            skip_assignment=leads and stored.can_skip_assignment,
            members=told.members if stored.can_skip_assignment else (),
        ),
        effects,
    )


def _update(member: Member, request: JoinRequest, ticket: Ticket, effects: Effects) -> None:
    member.protocols = request.protocols
    member.rebalance_timeout_ms = request.rebalance_timeout_ms
    member.session_timeout_ms = request.session_timeout_ms
    wait_for_join(member, ticket, effects)


def _reason(what: str, member: Member, request: JoinRequest) -> str:
    return f"{member.member_id} {what} ({request.reason or 'no reason given'})"

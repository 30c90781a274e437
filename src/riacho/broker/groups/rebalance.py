"""How a classic group passes from one generation to the next: the part that joins, syncs and time-outs share.

The rules are Kafka's (KIP-62, KIP-134's initial delay, KIP-345, KIP-814). Every function takes the group, moves it,
and notes in `Effects` what follows.
"""

from __future__ import annotations

from riacho.broker.errors import ErrorCode
from riacho.broker.groups.config import GroupConfig
from riacho.broker.groups.effects import (
    CancelTimer,
    Effects,
    InitialDelayOver,
    RebalanceTimedOut,
    SessionExpired,
    SetTimer,
    SyncTimedOut,
    TimerKey,
)
from riacho.broker.groups.group import Group, GroupState, Member
from riacho.broker.groups.messages import JoinReply, SyncReply
from riacho.broker.groups.records import GroupRecord

PREPARING, COMPLETING = GroupState.PREPARING_REBALANCE, GroupState.COMPLETING_REBALANCE


def session_key(group_id: str, member_id: str) -> TimerKey:
    """The timer after which a member that is not heard of is dismissed."""
    return ("session", group_id, member_id)


def join_key(group_id: str) -> TimerKey:
    """The timer after which a rebalance waits for nobody more."""
    return ("join", group_id)


def sync_key(group_id: str) -> TimerKey:
    """The timer after which members that have not asked for their assignment are dismissed."""
    return ("sync", group_id)


# -- sessions ----------------------------------------------------------------------------------------------------


def extend_session(group: Group, member: Member, effects: Effects, *, timeout_ms: int | None = None) -> None:
    """The member was heard of: it has its session time-out (or `timeout_ms`) anew."""
    effects.timers.append(
        SetTimer(
            session_key(group.group_id, member.member_id),
            member.session_timeout_ms if timeout_ms is None else timeout_ms,
            SessionExpired(group.group_id, member.member_id),
        )
    )


def end_session(group: Group, member_id: str, effects: Effects) -> None:
    """The member need not be heard of any more."""
    effects.timers.append(CancelTimer(session_key(group.group_id, member_id)))


# -- answers to requests that wait -------------------------------------------------------------------------------


def answer_join(member: Member, reply: JoinReply, effects: Effects) -> None:
    """Answer the JoinGroup that waits on behalf of a member, if one does."""
    if member.join_ticket is not None:
        effects.replies.append((member.join_ticket, reply))
        member.join_ticket = None


def answer_sync(member: Member, reply: SyncReply, effects: Effects) -> bool:
    """Answer the SyncGroup that waits on behalf of a member; whether one did."""
    if member.sync_ticket is None:
        return False
    effects.replies.append((member.sync_ticket, reply))
    member.sync_ticket = None
    return True


def wait_for_join(member: Member, ticket: int, effects: Effects) -> None:
    """Park a member's JoinGroup. An earlier one, which its client has given up, is let go."""
    answer_join(member, JoinReply(ErrorCode.unknown_member_id), effects)
    member.join_ticket = ticket


def wait_for_sync(member: Member, ticket: int, effects: Effects) -> None:
    """Park a member's SyncGroup, letting go an earlier one."""
    answer_sync(member, SyncReply(ErrorCode.rebalance_in_progress), effects)
    member.sync_ticket = ticket


def joined(group: Group, member_id: str) -> JoinReply:
    """The current generation, as a member of it is told; the leader is told of all."""
    return JoinReply(
        ErrorCode.none,
        member_id,
        group.generation,
        group.protocol_type,
        group.protocol_name,
        group.leader or "",
        members=group.joined_members() if group.leader == member_id else (),
    )


# -- the join phase ----------------------------------------------------------------------------------------------


def rebalance_or_complete_join(group: Group, config: GroupConfig, now_ms: int, effects: Effects, reason: str) -> None:
    """A member has come or gone: call all to join anew; where that is under way, see whether it is over."""
    if group.can_rebalance:
        prepare_rebalance(group, config, now_ms, effects, reason)
    else:
        complete_join_if_all_are_here(group, now_ms, effects)


def prepare_rebalance(group: Group, config: GroupConfig, now_ms: int, effects: Effects, reason: str) -> None:
    """Call all members to join anew. An empty group first waits for more of them (KIP-134)."""
    effects.notes.append(f"group {group.group_id} leaves generation {group.generation}: {reason}")
    if group.state is COMPLETING:
        withdraw_assignment(group, ErrorCode.rebalance_in_progress, effects)
    effects.timers.append(CancelTimer(sync_key(group.group_id)))
    initial = group.is_empty
    group.enter(PREPARING, now_ms)
    if initial:
        delay_ms = config.initial_rebalance_delay_ms
        group.new_member_added = False
        remaining_ms = max(group.rebalance_timeout_ms - delay_ms, 0)
        _wait_initially(group, delay_ms, remaining_ms, effects)
    elif group.has_all_members_joined:
        complete_join(group, now_ms, effects)
    else:
        _wait_for_members(group, effects)


def extend_initial_delay(
    group: Group, over: InitialDelayOver, config: GroupConfig, now_ms: int, effects: Effects
) -> None:
    """Members that came during the delay extend it, up to the rebalance time-out; otherwise the join ends."""
    if group.state is not PREPARING:
        return
    if group.new_member_added and over.remaining_ms != 0:
        group.new_member_added = False
        delay_ms = min(config.initial_rebalance_delay_ms, over.remaining_ms)
        _wait_initially(group, delay_ms, max(over.remaining_ms - over.delay_ms, 0), effects)
    else:
        complete_join(group, now_ms, effects)


def complete_join_if_all_are_here(group: Group, now_ms: int, effects: Effects) -> None:
    """End the join phase early; an initial rebalance always waits out its delay."""
    if group.state is PREPARING and group.previous_state is not GroupState.EMPTY and group.has_all_members_joined:
        complete_join(group, now_ms, effects)


def complete_join(group: Group, now_ms: int, effects: Effects) -> None:
    """Form the next generation of those who joined. Dynamic members who did not are out; static ones stay."""
    assert group.state is PREPARING
    effects.timers.append(CancelTimer(join_key(group.group_id)))
    for member in [m for m in group.members.values() if not m.is_awaiting_join and not m.is_static]:
        group.remove(member.member_id)
        end_session(group, member.member_id, effects)
    if group.members and not group.elect_joined_leader():
        # Only static members are left, and none of them is here: their sessions decide.
        _wait_for_members(group, effects)
        return
    group.begin_generation(now_ms)
    effects.notes.append(
        f"group {group.group_id} is empty in generation {group.generation}"
        if group.is_empty
        else f"group {group.group_id} forms generation {group.generation}: {len(group.members)} members, "
        f"protocol {group.protocol_name}, led by {group.leader}"
    )
    if group.is_empty:
        effects.records.append(GroupRecord(group.group_id, group.stored({})))
        return
    for member in group.members.values():
        answer_join(member, joined(group, member.member_id), effects)
        extend_session(group, member, effects)
        member.is_new = False
        group.pending_sync.add(member.member_id)
    effects.timers.append(
        SetTimer(
            sync_key(group.group_id),
            group.rebalance_timeout_ms,
            SyncTimedOut(group.group_id, group.generation),
        )
    )


def _wait_initially(group: Group, delay_ms: int, remaining_ms: int, effects: Effects) -> None:
    event = InitialDelayOver(group.group_id, delay_ms, remaining_ms)
    effects.timers.append(SetTimer(join_key(group.group_id), delay_ms, event))


def _wait_for_members(group: Group, effects: Effects) -> None:
    effects.timers.append(
        SetTimer(join_key(group.group_id), group.rebalance_timeout_ms, RebalanceTimedOut(group.group_id))
    )


# -- the sync phase ----------------------------------------------------------------------------------------------


def withdraw_assignment(group: Group, error: ErrorCode, effects: Effects) -> None:
    """The assignment of this generation will not come: those who wait for it are told."""
    for member in group.members.values():
        member.assignment = b""
        if answer_sync(member, SyncReply(error), effects):
            extend_session(group, member, effects)


def hand_out_assignment(group: Group, assignment: dict[str, bytes], now_ms: int, effects: Effects) -> None:
    """Give each member its part, and call the group stable."""
    for member in group.members.values():
        member.assignment = assignment.get(member.member_id, b"")
        reply = SyncReply(ErrorCode.none, group.protocol_type, group.protocol_name, member.assignment)
        if answer_sync(member, reply, effects):
            # While its SyncGroup waited, the end of its session was passed over: start it anew.
            extend_session(group, member, effects)
    group.enter(GroupState.STABLE, now_ms)


def has_synced(group: Group, member_id: str, effects: Effects) -> None:
    """A member's SyncGroup came; with the last one, nobody's is waited for any more."""
    group.pending_sync.discard(member_id)
    if not group.pending_sync:
        effects.timers.append(CancelTimer(sync_key(group.group_id)))


# -- members that fall silent ------------------------------------------------------------------------------------


def expire_session(group: Group, member_id: str, config: GroupConfig, now_ms: int, effects: Effects) -> None:
    """A member fell silent: it is out, and the others rebalance."""
    member = group.members.get(member_id)
    if member is None:
        if member_id in group.pending_join:
            group.remove(member_id)
            _complete_if_preparing(group, now_ms, effects)
        return
    if member.satisfies_heartbeat:
        return
    dismiss(group, member, effects)
    reason = f"{member_id} was not heard of for its session time-out"
    if group.can_rebalance:
        prepare_rebalance(group, config, now_ms, effects, reason)
    else:
        effects.notes.append(f"group {group.group_id}: {reason}")
        _complete_if_preparing(group, now_ms, effects)


def expire_sync(group: Group, over: SyncTimedOut, config: GroupConfig, now_ms: int, effects: Effects) -> None:
    """Members that never asked for their assignment are out, and the others rebalance."""
    if over.generation != group.generation or not group.pending_sync or not group.can_rebalance:
        return
    silent = sorted(group.pending_sync)
    for member_id in silent:
        group.remove(member_id)
        end_session(group, member_id, effects)
    reason = f"{', '.join(silent)} did not ask for an assignment in time"
    prepare_rebalance(group, config, now_ms, effects, reason)


def dismiss(group: Group, member: Member, effects: Effects) -> None:
    """Remove a member. If it still waits here, it is told that it is unknown, and will join anew."""
    answer_join(member, JoinReply(ErrorCode.unknown_member_id), effects)
    answer_sync(member, SyncReply(ErrorCode.unknown_member_id), effects)
    group.remove(member.member_id)
    end_session(group, member.member_id, effects)


def _complete_if_preparing(group: Group, now_ms: int, effects: Effects) -> None:
    if group.state is PREPARING and group.has_all_members_joined:
        complete_join(group, now_ms, effects)

"""LeaveGroup (key 13): members leave a group, or an administrator sends them away.

Behaviour
    From version 3 on several members at once, each answered for itself; a static member without a member id is meant
    by its instance id alone. What is left of the group rebalances.
Versions
    0–5 (3+ several members and static ones, 4+ flexible, 5+ reasons).
Errors
    INVALID_GROUP_ID, COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR; for a member (before version 3, for the whole):
    UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID.
KIPs
    345, 800.
"""

from __future__ import annotations

from riacho.broker import wire
from riacho.broker.errors import ErrorCode
from riacho.broker.groups.messages import LeaveReply, LeaveRequest, LeavingMember
from riacho.broker.registry import Reply
from riacho.broker.request_context import RequestContext

API_KEY = 13
VERSIONS = (0, 5)

_FIRST_BATCHED_VERSION = 3


async def handle(request: wire.Entity, context: RequestContext) -> Reply:
    """Which of the members have left."""
    if not request.group_id:
        return {"error_code": ErrorCode.invalid_group_id, "members": []}
    if context.version < _FIRST_BATCHED_VERSION:
        members: tuple[LeavingMember, ...] = (LeavingMember(request.member_id, None),)
    else:
        members = tuple(
            LeavingMember(each.member_id, each.group_instance_id, wire.field(each, "reason", None) or "")
            for each in request.members
        )
    reply = await context.broker.groups.ask(LeaveRequest(request.group_id, members))
    assert isinstance(reply, LeaveReply)
    error = reply.error
    if context.version < _FIRST_BATCHED_VERSION and error is ErrorCode.none:
        ((_, error),) = reply.members
    return {
        "error_code": error,
        "members": [
            {
                "member_id": member.member_id,
                "group_instance_id": member.group_instance_id,
                "error_code": member_error,
            }
            for member, member_error in reply.members
        ],
    }

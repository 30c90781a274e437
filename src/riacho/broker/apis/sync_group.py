"""SyncGroup (key 14): the leader brings the assignment of a generation, every member fetches its own.

Behaviour
    The answer waits until the leader has brought the assignment and it is durable. Rules: `groups.classic`.
Versions
    0–5 (3+ static members, 4+ flexible, 5+ protocol type and name, which must then be given).
Errors
    INVALID_GROUP_ID, INCONSISTENT_GROUP_PROTOCOL, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION,
    REBALANCE_IN_PROGRESS, COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR, UNKNOWN_SERVER_ERROR (a group too large
    to store).
KIPs
    345, 559.
"""

from __future__ import annotations

from riacho.broker import wire
from riacho.broker.errors import ErrorCode
from riacho.broker.groups.messages import SyncReply, SyncRequest
from riacho.broker.registry import Reply
from riacho.broker.request_context import RequestContext

API_KEY = 14
VERSIONS = (0, 5)

_NAMES_PROTOCOL = 5


async def handle(request: wire.Entity, context: RequestContext) -> Reply:
    """The member's assignment, once there is one."""
    protocol_type = wire.field(request, "protocol_type", None)
    protocol_name = wire.field(request, "protocol_name", None)
    if context.version >= _NAMES_PROTOCOL and (protocol_type is None or protocol_name is None):
        return _reply(SyncReply(ErrorCode.inconsistent_group_protocol))
    if not request.group_id:
        return _reply(SyncReply(ErrorCode.invalid_group_id))
    reply = await context.broker.groups.ask(
        SyncRequest(
            request.group_id,
            request.member_id,
            wire.field(request, "group_instance_id", None),
            request.generation_id,
            protocol_type,
            protocol_name,
            tuple((each.member_id, each.assignment) for each in request.assignments),
        )
    )
    assert isinstance(reply, SyncReply)
    return _reply(reply)


def _reply(reply: SyncReply) -> Reply:
    return {
        "error_code": reply.error,
        "protocol_type": reply.protocol_type,
        "protocol_name": reply.protocol_name,
        "assignment": reply.assignment,
    }

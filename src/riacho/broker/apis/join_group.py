"""JoinGroup (key 11): a member enters a group, or comes back to it.

Behaviour
    The answer waits for the end of the rebalance that the member joins. Rules: `groups.join`.
Versions
    0–9 (1+ rebalance time-out, 4+ a member must know its id before it joins, 5+ static members, 6+ flexible,
    7+ protocol type, 8+ a reason, 9+ skip-assignment).
Errors
    INVALID_GROUP_ID, INVALID_SESSION_TIMEOUT, MEMBER_ID_REQUIRED, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID,
    INCONSISTENT_GROUP_PROTOCOL, GROUP_MAX_SIZE_REACHED, COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR,
    UNKNOWN_SERVER_ERROR (a group too large to store).
KIPs
    62, 134, 345, 394, 559, 800, 814.
"""

from __future__ import annotations

from uuid import uuid4

from riacho.broker import wire
from riacho.broker.errors import ErrorCode
from riacho.broker.groups.messages import JoinProtocol, JoinReply, JoinRequest
from riacho.broker.registry import Reply
from riacho.broker.request_context import RequestContext

API_KEY = 11
VERSIONS = (0, 9)

_REQUIRES_KNOWN_MEMBER_ID = 4
_PROTOCOL_NAME_IS_NULLABLE = 7
_CAN_SKIP_ASSIGNMENT = 9


async def handle(request: wire.Entity, context: RequestContext) -> Reply:
    """The generation that the member is in, once there is one."""
    if not request.group_id:
        return _reply(JoinReply(ErrorCode.invalid_group_id, request.member_id), context.version)
    instance = wire.field(request, "group_instance_id", None)
    client_id = context.client_id or ""
    reply = await context.broker.groups.ask(
        JoinRequest(
            group_id=request.group_id,
            member_id=request.member_id,
            group_instance_id=instance,
            session_timeout_ms=wire.milliseconds(request.session_timeout),
            rebalance_timeout_ms=wire.milliseconds(wire.field(request, "rebalance_timeout", request.session_timeout)),
            protocol_type=request.protocol_type,
            protocols=tuple(JoinProtocol(each.name, each.metadata) for each in request.protocols),
            client_id=client_id,
            client_host=f"/{context.client_host}",  # as Java prints an address, and so Kafka stores it
            offered_member_id=f"{client_id if instance is None else instance}-{uuid4()}",
            requires_known_member_id=context.version >= _REQUIRES_KNOWN_MEMBER_ID,
            can_skip_assignment=context.version >= _CAN_SKIP_ASSIGNMENT,
            reason=wire.field(request, "reason", None) or "",
        )
    )
    assert isinstance(reply, JoinReply)
    return _reply(reply, context.version)


def _reply(reply: JoinReply, version: int) -> Reply:
    name = reply.protocol_name
    return {
        "error_code": reply.error,
        "generation_id": reply.generation,
        "protocol_type": reply.protocol_type,
        "protocol_name": (name or "") if version < _PROTOCOL_NAME_IS_NULLABLE else name,
        "leader": reply.leader,
        "skip_assignment": reply.skip_assignment,
        "member_id": reply.member_id,
        "members": [
            {
                "member_id": member.member_id,
                "group_instance_id": member.group_instance_id,
                "metadata": member.metadata,
            }
            for member in reply.members
        ],
    }

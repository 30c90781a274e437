"""Heartbeat (key 12): a member lives, and learns whether it is to rejoin.

Behaviour
    Extends the member's session. While its group is being loaded it is accepted unseen, as in Kafka.
Versions
    0–4 (3+ static members, 4+ flexible).
Errors
    INVALID_GROUP_ID, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS,
    NOT_COORDINATOR.
KIPs
    62, 345.
"""

from __future__ import annotations

from riacho.broker import wire
from riacho.broker.errors import ErrorCode
from riacho.broker.groups.messages import HeartbeatRequest
from riacho.broker.registry import Reply
from riacho.broker.request_context import RequestContext

API_KEY = 12
VERSIONS = (0, 4)


async def handle(request: wire.Entity, context: RequestContext) -> Reply:
    """Whether the member's generation goes on."""
    if not request.group_id:
        return {"error_code": ErrorCode.invalid_group_id}
    reply = await context.broker.groups.ask(
        HeartbeatRequest(
            request.group_id,
            request.member_id,
            wire.field(request, "group_instance_id", None),
            request.generation_id,
        )
    )
    return {"error_code": reply.error}

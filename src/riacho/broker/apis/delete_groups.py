"""DeleteGroups (key 42): empty groups go, with all that they committed.

Versions
    0–2 (2+ flexible).
Errors
    GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP, COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR.
KIPs
    229.
"""

from __future__ import annotations

from riacho.broker import wire
from riacho.broker.groups.messages import DeleteGroupRequest
from riacho.broker.registry import Reply
from riacho.broker.request_context import RequestContext

API_KEY = 42
VERSIONS = (0, 2)


async def handle(request: wire.Entity, context: RequestContext) -> Reply:
    """One result per group, however often it is named."""
    results = []
    for group_id in dict.fromkeys(request.groups_names):
        reply = await context.broker.groups.ask(DeleteGroupRequest(group_id))
        results.append({"group_id": group_id, "error_code": reply.error})
    return {"results": results}

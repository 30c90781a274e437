"""ListGroups (key 16): all groups.

Behaviour
    Filters of states and types are compared without regard to case; an empty filter lets all pass. All groups here
    are of the type "classic".
Versions
    0–5 (3+ flexible, 4+ states, 5+ types).
Errors
    COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR: for the whole list, as a part of it would pass for all.
KIPs
    518, 848.
"""

from __future__ import annotations

from riacho.broker import wire
from riacho.broker.errors import ErrorCode
from riacho.broker.groups import CoordinatorError
from riacho.broker.registry import Reply
from riacho.broker.request_context import RequestContext

API_KEY = 16
VERSIONS = (0, 5)


def handle(request: wire.Entity, context: RequestContext) -> Reply:
    """The groups that pass the filters."""
    states = {state.strip().lower() for state in wire.field(request, "states_filter", ())}
    types = {kind.lower() for kind in wire.field(request, "types_filter", ())}
    try:
        groups = context.broker.groups.list_groups()
    except CoordinatorError as error:
        return {"error_code": error.code, "groups": []}
    return {
        "error_code": ErrorCode.none,
        "groups": [
            {
                "group_id": group.group_id,
                "protocol_type": group.protocol_type,
                "group_state": group.state,
                "group_type": group.group_type,
            }
            for group in groups
            if (not states or group.state.lower() in states) and (not types or group.group_type in types)
        ],
    }

"""DescribeGroups (key 15): the state and the members of groups.

Behaviour
    Subscriptions are shown once a group is stable. A group that does not exist is "Dead".
Versions
    0–6 (3+ authorized operations, 4+ static members, 5+ flexible, 6+ an error for groups that do not exist).
Errors
    GROUP_ID_NOT_FOUND (6+), COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR.
KIPs
    345, 430, 1043.
"""

from __future__ import annotations

from typing import Any

from riacho.broker import wire
from riacho.broker.errors import ErrorCode
from riacho.broker.groups import CoordinatorError
from riacho.broker.groups.group import DEAD
from riacho.broker.permissions import GROUP_OPERATIONS
from riacho.broker.registry import Reply
from riacho.broker.request_context import RequestContext

API_KEY = 15
VERSIONS = (0, 6)

_TELLS_MISSING_GROUP = 6


def handle(request: wire.Entity, context: RequestContext) -> Reply:
    """One description per group."""
    operations = wire.field(request, "include_authorized_operations", False)
    return {"groups": [_describe(group_id, context, operations) for group_id in request.groups]}


def _describe(group_id: str, context: RequestContext, with_operations: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "error_code": ErrorCode.none,
        "error_message": None,
        "group_id": group_id,
        "group_state": "",
        "protocol_type": "",
        "protocol_data": "",
        "members": [],
    }
    try:
        group = context.broker.groups.describe(group_id)
    except CoordinatorError as error:
        return answer | {"error_code": error.code}
    if group is None:
        answer["group_state"] = DEAD
        if context.version >= _TELLS_MISSING_GROUP:
            answer |= {
                "error_code": ErrorCode.group_id_not_found,
                "error_message": f"Group {group_id} not found.",
            }
            return answer
    else:
        answer |= {
            "group_state": group.state,
            "protocol_type": group.protocol_type,
            "protocol_data": group.protocol_name,
            "members": [
                {
                    "member_id": member.member_id,
                    "group_instance_id": member.group_instance_id,
                    "client_id": member.client_id,
                    "client_host": member.client_host,
                    "member_metadata": member.metadata,
                    "member_assignment": member.assignment,
                }
                for member in group.members
            ],
        }
    if with_operations:
        answer["authorized_operations"] = GROUP_OPERATIONS
    return answer

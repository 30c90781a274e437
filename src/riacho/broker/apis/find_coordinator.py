"""FindCoordinator (key 10): which broker coordinates a group, a transactional id, or a share group's partition.

Behaviour
    This broker coordinates every group. Transactions and share groups are not served.
Versions
    0–6 (1+ key type, 3+ flexible, 4+ several keys, 5+ a transaction error, 6+ share groups).
Errors
    TRANSACTIONAL_ID_AUTHORIZATION_FAILED for a transactional id; INVALID_REQUEST for a share group's key, as of a
    broker without a share coordinator, and for key types that do not exist.
KIPs
    98, 699, 890, 932.
"""

from __future__ import annotations

from typing import Any

from riacho.broker import wire
from riacho.broker.broker import NODE_ID
from riacho.broker.errors import ErrorCode
from riacho.broker.registry import Reply
from riacho.broker.request_context import RequestContext

API_KEY = 10
VERSIONS = (0, 6)

_GROUP = 0
_TRANSACTION = 1
_FIRST_BATCHED_VERSION = 4


def handle(request: wire.Entity, context: RequestContext) -> Reply:
    """One coordinator per key; before version 4, of the only key."""
    key_type = wire.field(request, "key_type", _GROUP)
    if context.version >= _FIRST_BATCHED_VERSION:
        found = _coordinator(key_type, context)
        return {"coordinators": [found | {"key": key} for key in request.coordinator_keys]}
    found = _coordinator(key_type, context)
    if found["error_code"] is ErrorCode.none:
        found["error_message"] = "NONE"  # so Kafka says before version 4
    return found


def _coordinator(key_type: int, context: RequestContext) -> dict[str, Any]:
    if key_type == _GROUP:
        host, port = context.broker.advertised(context.local_address)
        return {
            "node_id": NODE_ID,
            "host": host,
            "port": port,
            "error_code": ErrorCode.none,
            "error_message": "",
        }
    code = ErrorCode.transactional_id_authorization_failed if key_type == _TRANSACTION else ErrorCode.invalid_request
    return {"node_id": -1, "host": "", "port": -1, "error_code": code, "error_message": _MESSAGES[code]}


_MESSAGES = {
    ErrorCode.transactional_id_authorization_failed: "Transactional Id authorization failed.",
    ErrorCode.invalid_request: "This broker has no coordinator of this type.",
}

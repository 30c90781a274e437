"""DescribeCluster (key 60): the cluster's id and its brokers.

Behaviour
    Names this broker, which is the controller too.
Versions
    0–2 (1+ ask for brokers or controllers, 2+ mark fenced brokers, of which there are none).
Errors
    MISMATCHED_ENDPOINT_TYPE where controllers are asked for, UNSUPPORTED_ENDPOINT_TYPE for anything else.
KIPs
    700, 919, 1073.
"""

from __future__ import annotations

from typing import Any

from riacho.broker import wire
from riacho.broker.broker import NODE_ID
from riacho.broker.errors import ErrorCode
from riacho.broker.permissions import CLUSTER_OPERATIONS
from riacho.broker.registry import Reply
from riacho.broker.request_context import RequestContext

API_KEY = 60
VERSIONS = (0, 2)

_BROKERS = 1
_CONTROLLERS = 2


def handle(request: wire.Entity, context: RequestContext) -> Reply:
    """The cluster as this client sees it."""
    endpoint_type = wire.field(request, "endpoint_type", _BROKERS)
    reply: dict[str, Any] = {
        "error_code": ErrorCode.none,
        "error_message": None,
        "endpoint_type": endpoint_type,
        "cluster_id": context.broker.cluster_id,
        "controller_id": NODE_ID,
        "brokers": [],
    }
    if endpoint_type != _BROKERS:
        known = endpoint_type == _CONTROLLERS
        code = ErrorCode.mismatched_endpoint_type if known else ErrorCode.unsupported_endpoint_type
        return reply | {"error_code": code, "error_message": "this is a broker's endpoint"}
    host, port = context.broker.advertised(context.local_address)
    reply["brokers"] = [{"broker_id": NODE_ID, "host": host, "port": port, "rack": None, "is_fenced": False}]
    if request.include_cluster_authorized_operations:
        reply["cluster_authorized_operations"] = CLUSTER_OPERATIONS
    return reply

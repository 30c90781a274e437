"""ApiVersions (key 18): which APIs are served at which versions, and which features the cluster has.

Behaviour
    Lists every API of the registry. Features are those of Kafka 4.3: what its brokers support, and the levels that
    are in force here; a feature that is not served yet (transactions, the new group protocols, share groups) is at
    level 0, which Kafka expresses by leaving it out of the finalized ones.
Versions
    0–4. An unsupported version is answered in version 0 with UNSUPPORTED_VERSION and this API's own range, so that
    newer clients find their way (KIP-511). Versions below 4 leave out supported features whose minimum is 0, which
    older clients cannot read (KAFKA-17492).
Errors
    UNSUPPORTED_VERSION; INVALID_REQUEST where the client's name or version is not a plain word.
KIPs
    35, 511 (client names), 584 (features).
"""

from __future__ import annotations

import re
from typing import Any

from riacho.broker import wire
from riacho.broker.errors import ErrorCode
from riacho.broker.registry import Reply, load_apis
from riacho.broker.request_context import RequestContext

API_KEY = 18
VERSIONS = (0, 4)

METADATA_VERSION = 30
"""Kafka 4.3-IV0."""
SUPPORTED_FEATURES = (
    ("eligible.leader.replicas.version", 0, 1),
    ("group.version", 0, 1),
    ("kraft.version", 0, 1),
    ("metadata.version", 7, METADATA_VERSION),
    ("share.version", 0, 1),
    ("streams.version", 0, 1),
    ("transaction.version", 0, 2),
)
FINALIZED_FEATURES = (("metadata.version", METADATA_VERSION),)
FINALIZED_EPOCH = 0
"""Features are as they were when the cluster was made."""

_PLAIN_WORD = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?")


def handle(request: wire.Entity, context: RequestContext) -> Reply:
    """The APIs and features of this broker."""
    names = (wire.field(request, name, "x") for name in ("client_software_name", "client_software_version"))
    if not all(_PLAIN_WORD.fullmatch(name) for name in names):
        return {"error_code": ErrorCode.invalid_request, "api_keys": []}
    return {
        "error_code": ErrorCode.none,
        "api_keys": _api_keys(),
        "supported_features": [
            {"name": name, "min_version": first, "max_version": last}
            for name, first, last in SUPPORTED_FEATURES
            if first > 0 or context.version >= VERSIONS[1]
        ],
        "finalized_features_epoch": FINALIZED_EPOCH,
        "finalized_features": [
            {"name": name, "max_version_level": level, "min_version_level": level} for name, level in FINALIZED_FEATURES
        ],
    }


def unsupported_version(correlation_id: int) -> bytes:
    """The answer to a version of ApiVersions that is not served."""
    own = [entry for entry in _api_keys() if entry["api_key"] == API_KEY]
    return wire.write_response(
        "api_versions", 0, correlation_id, {"error_code": ErrorCode.unsupported_version, "api_keys": own}
    )


def _api_keys() -> list[dict[str, Any]]:
    return [
        {"api_key": api.key, "min_version": api.first_version, "max_version": api.last_version}
        for _, api in sorted(load_apis().items())
    ]

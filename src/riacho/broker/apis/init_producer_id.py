"""InitProducerId (key 22): an id for an idempotent producer.

Behaviour
    Every request without a transactional id gets a new producer id at epoch 0. Ids come from blocks that are made
    durable before their first id is given, so none is given twice.
Versions
    0–5 (2+ flexible, 3+ carry the producer's id and epoch, of which only transactions make use).
Errors
    TRANSACTIONAL_ID_AUTHORIZATION_FAILED (transactions are not served yet), INVALID_REQUEST (an empty
    transactional id; a producer id without an epoch, or the reverse), KAFKA_STORAGE_ERROR.
KIPs
    98, 360.
"""

from __future__ import annotations

import logging

from riacho.broker import wire
from riacho.broker.errors import ErrorCode
from riacho.broker.registry import Reply
from riacho.broker.request_context import RequestContext

API_KEY = 22
VERSIONS = (0, 5)

_NONE = -1

logger = logging.getLogger(__name__)


async def handle(request: wire.Entity, context: RequestContext) -> Reply:
    """A producer id that nobody else has."""
    if request.transactional_id == "":
        return _failure(ErrorCode.invalid_request)
    if request.transactional_id is not None:
        return _failure(ErrorCode.transactional_id_authorization_failed)
    known = wire.field(request, "producer_id", _NONE), wire.field(request, "producer_epoch", _NONE)
    if known.count(_NONE) == 1:
        return _failure(ErrorCode.invalid_request)
    try:
        producer_id = await context.broker.metadata_store.new_producer_id()
    except OSError as error:
        logger.error("no producer id could be made durable: %s", error)
        return _failure(ErrorCode.kafka_storage_error)
    return {"error_code": ErrorCode.none, "producer_id": producer_id, "producer_epoch": 0}


def _failure(code: ErrorCode) -> Reply:
    return {"error_code": code, "producer_id": -1, "producer_epoch": -1}

"""DescribeConfigs (key 32): the properties of topics and of the broker.

Behaviour
    Kafka's names, types, defaults and synonyms, and nothing else. A broker is asked for by its id, or by the empty
    name for what is set for all brokers. Passwords are not shown.
Versions
    1–4 (1+ synonyms, 3+ types and documentation, 4+ flexible).
Errors
    UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION, INVALID_REQUEST (another broker, another kind of resource).
KIPs
    133, 226, 569.
"""

from __future__ import annotations

from typing import Any

from riacho.broker import wire
from riacho.broker.broker import NODE_ID, Broker
from riacho.broker.config.resources import ResourceType
from riacho.broker.config.shown import (
    Shown,
    shown_broker_configs,
    shown_default_broker_configs,
    shown_topic_configs,
)
from riacho.broker.errors import ApiError, ErrorCode
from riacho.broker.metadata.topic_names import problem_with_name
from riacho.broker.registry import Reply
from riacho.broker.request_context import RequestContext

API_KEY = 32
VERSIONS = (1, 4)


def handle(request: wire.Entity, context: RequestContext) -> Reply:
    """The properties of each resource that was asked for."""
    results: list[dict[str, Any]] = []
    for resource in request.resources:
        result = {
            "error_code": ErrorCode.none,
            "error_message": None,
            "resource_type": resource.resource_type,
            "resource_name": resource.resource_name,
            "configs": [],
        }
        try:
            configs = _configs(context.broker, resource, request)
        except ApiError as error:
            result |= {"error_code": error.code, "error_message": error.message}
        else:
            names = set(resource.configuration_keys or ())
            result["configs"] = [config for config in configs if not names or config["name"] in names]
        results.append(result)
    return {"results": results}


def _configs(broker: Broker, resource: wire.Entity, request: wire.Entity) -> list[Shown]:
    """Raises `ApiError`."""
    name: str = resource.resource_name
    synonyms = bool(request.include_synonyms)
    if resource.resource_type == ResourceType.TOPIC:
        problem = problem_with_name(name)
        if problem is not None:
            raise ApiError(ErrorCode.invalid_topic_exception, problem)
        topic = broker.metadata.topics.get(name)
        if topic is None:
            raise ApiError(ErrorCode.unknown_topic_or_partition)
        documentation = wire.field(request, "include_documentation", False)
        return shown_topic_configs(broker.settings, topic.overrides, synonyms=synonyms, documentation=documentation)
    if resource.resource_type == ResourceType.BROKER:
        if name == "":
            return shown_default_broker_configs(broker.settings, synonyms=synonyms)
        if name == str(NODE_ID):
            return shown_broker_configs(broker.settings, synonyms=synonyms)
        raise ApiError(
            ErrorCode.invalid_request,
            f"Unexpected broker id, expected {NODE_ID} or empty string, but received {name}",
        )
    raise ApiError(ErrorCode.invalid_request, f"Unsupported resource type {resource.resource_type}")

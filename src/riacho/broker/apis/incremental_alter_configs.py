"""IncrementalAlterConfigs (key 44): change single properties of topics and of the broker.

Behaviour
    SET gives a value, DELETE takes it back, APPEND and SUBTRACT change a list. All changes of a resource are checked
    together and are durable before the answer; open partitions follow at once.
Versions
    0–1 (1+ flexible).
Errors
    UNKNOWN_TOPIC_OR_PARTITION, INVALID_CONFIG, INVALID_REQUEST (a null value, a resource or a property named
    twice, a property that is read-only, another broker), KAFKA_STORAGE_ERROR.
KIPs
    226, 339.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from riacho.broker import wire
from riacho.broker.broker import NODE_ID, Broker
from riacho.broker.config.broker_keys import BROKER_KEYS
from riacho.broker.config.resources import ResourceType
from riacho.broker.config.settings import check_topic_overrides, known_broker_key
from riacho.broker.config.topic_keys import TOPIC_KEYS
from riacho.broker.config.types import ConfigType, InvalidConfigError, UpdateMode
from riacho.broker.errors import ApiError, ErrorCode
from riacho.broker.metadata.state import Record, broker_overrides_record, topic_overrides_record
from riacho.broker.registry import Reply
from riacho.broker.request_context import RequestContext
from riacho.errors import UsageError

API_KEY = 44
VERSIONS = (0, 1)

logger = logging.getLogger(__name__)


class Operation(IntEnum):
    """What is to be done to a property."""

    SET = 0
    DELETE = 1
    APPEND = 2
    SUBTRACT = 3


async def handle(request: wire.Entity, context: RequestContext) -> Reply:
    """Change the resources whose changes pass the checks."""
    broker = context.broker
    counts = Counter((resource.resource_type, resource.resource_name) for resource in request.resources)
    async with broker.metadata_store.changing:
        records: list[Record] = []
        results: list[dict[str, Any]] = []
        for resource in request.resources:
            result = {
                "error_code": ErrorCode.none,
                "error_message": None,
                "resource_type": resource.resource_type,
                "resource_name": resource.resource_name,
            }
            try:
                if counts[resource.resource_type, resource.resource_name] > 1:
                    raise ApiError(ErrorCode.invalid_request, "Each resource must appear at most once.")
                if len({config.name for config in resource.configs}) < len(resource.configs):
                    raise ApiError(ErrorCode.invalid_request, "Error due to duplicate config keys")
                records.append(_change(broker, resource))
            except ApiError as error:
                result |= {"error_code": error.code, "error_message": error.message}
            results.append(result)
        if not request.validate_only:
            try:
                await broker.metadata_store.commit(records)
            except OSError as error:
                logger.error("the configuration could not be changed: %s", error)
                for result in results:
                    result["error_code"] = result["error_code"] or ErrorCode.kafka_storage_error
            else:
                broker.configuration_changed(records)
    return {"responses": results}


def _change(broker: Broker, resource: wire.Entity) -> Record:
    """The record that makes the change. Raises `ApiError`."""
    name: str = resource.resource_name
    try:
        if resource.resource_type == ResourceType.TOPIC:
            topic = broker.metadata.topics.get(name)
            if topic is None:
                raise ApiError(ErrorCode.unknown_topic_or_partition, f"The topic '{name}' does not exist.")
            kinds = {key.name: key.kind for key in TOPIC_KEYS.values()}
            defaults = {key.name: broker.settings.topic_text(key, {}) for key in TOPIC_KEYS.values()}
            changed = _apply(topic.overrides, resource.configs, kinds, defaults)
            check_topic_overrides(broker.settings, changed)
            return topic_overrides_record(name, changed)
        if resource.resource_type == ResourceType.BROKER:
            return _change_broker(broker, name, resource.configs)
    except UsageError as error:
        raise ApiError(ErrorCode.invalid_config, " ".join(str(error).split())) from error
    raise ApiError(ErrorCode.invalid_request, f"Unsupported resource type {resource.resource_type}")


def _change_broker(broker: Broker, name: str, configs: tuple[wire.Entity, ...]) -> Record:
    if name not in ("", str(NODE_ID)):
        raise ApiError(
            ErrorCode.invalid_request,
            f"Unexpected broker id, expected {NODE_ID} or empty string, but received {name}",
        )
    fixed = [config.name for config in configs if known_broker_key(config.name).mode is UpdateMode.READ_ONLY]
    if name == "":
        fixed += [config.name for config in configs if BROKER_KEYS[config.name].mode is UpdateMode.PER_BROKER]
    if fixed:
        raise ApiError(ErrorCode.invalid_request, f"Cannot update these configs dynamically: Set({', '.join(fixed)})")
    kinds = {key.name: key.kind for key in BROKER_KEYS.values()}
    defaults = {config.name: broker.settings.text(config.name) or "" for config in configs}
    changed = _apply(broker.metadata.broker_overrides[name], configs, kinds, defaults)
    for key, value in changed.items():
        BROKER_KEYS[key].check(value)
    return broker_overrides_record(name, changed)


def _apply(
    overrides: Mapping[str, str],
    configs: tuple[wire.Entity, ...],
    kinds: Mapping[str, ConfigType],
    defaults: Mapping[str, str],
) -> dict[str, str]:
    """The overrides after the changes. Raises `ApiError`, `InvalidConfigError`."""
    changed = dict(overrides)
    for config in configs:
        name = config.name
        if config.config_operation == Operation.DELETE:
            changed.pop(name, None)
            continue
        if config.value is None:
            raise ApiError(ErrorCode.invalid_request, f"Null value not supported for : {name}")
        if name not in kinds:
            raise InvalidConfigError(f"Unknown topic config name: {name}")
        if config.config_operation == Operation.SET:
            changed[name] = config.value
            continue
        if config.config_operation not in (Operation.APPEND, Operation.SUBTRACT):
            raise ApiError(ErrorCode.invalid_request, f"Unknown operation {config.config_operation}")
        operation = Operation(config.config_operation)
        if kinds[name] is not ConfigType.LIST:
            raise InvalidConfigError(f"Can't {operation.name} to key {name} because its type is not LIST.")
        items = [item for item in changed.get(name, defaults[name]).split(",") if item]
        given = config.value.split(",")
        if operation is Operation.APPEND:
            items += [item for item in given if item not in items]
        else:
            items = [item for item in items if item not in given]
        changed[name] = ",".join(items)
    return changed

"""Requests and responses by API name: the versions this client speaks, built and read with kio.

A schema is imported when its API is first used. Produce and Fetch are framed by hand in `produce_request` and
`fetch_request`, because record batches pass through them.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from io import BytesIO
from types import UnionType
from typing import Any, Final, get_args, get_origin, get_type_hints

from riacho.client.errors import ProtocolError

Message = Any
"""A kio entity: its class depends on the API and the version agreed with the broker."""


@dataclass(frozen=True, slots=True)
class Api:
    """One of Kafka's APIs, with the oldest and the newest version that this client can speak."""

    name: str
    key: int
    oldest: int
    newest: int


APIS: Final = {
    api.name: api
    for api in (
        # Apache Kafka 3.0 and later serve these; all but ApiVersions 0 are "flexible" versions.
        Api("Produce", 0, 9, 11),
        Api("Fetch", 1, 12, 12),
        Api("ListOffsets", 2, 6, 8),
        Api("Metadata", 3, 9, 12),
        Api("OffsetCommit", 8, 8, 9),
        Api("OffsetFetch", 9, 8, 9),
        Api("FindCoordinator", 10, 4, 5),
        Api("DescribeGroups", 15, 5, 6),
        Api("ListGroups", 16, 4, 5),
        Api("ApiVersions", 18, 0, 3),
        Api("CreateTopics", 19, 5, 7),
        Api("DeleteTopics", 20, 6, 6),
        Api("DeleteRecords", 21, 2, 2),
        Api("InitProducerId", 22, 2, 4),
        Api("OffsetForLeaderEpoch", 23, 4, 4),
        Api("DescribeConfigs", 32, 4, 4),
        Api("CreatePartitions", 37, 2, 3),
        Api("DeleteGroups", 42, 2, 2),
        Api("IncrementalAlterConfigs", 44, 1, 1),
        Api("DescribeCluster", 60, 0, 1),
    )
}

_HEADER: Final = struct.Struct(">hhih")


def request_header(api: Api, version: int, correlation: int, client_id: bytes) -> bytes:
    """Request header version 2: key, version, correlation id, client id, no tagged fields.

    Version 1, without the byte that counts the tagged fields, for the only request that is not "flexible".
    """
    header = _HEADER.pack(api.key, version, correlation, len(client_id)) + client_id
    return header if version == 0 and api.name == "ApiVersions" else header + b"\x00"


def encode_request(api: Api, version: int, content: Mapping[str, Any]) -> bytes:
    """The body of a request. Fields that this version does not have are left out."""
    from kio.index import load_request_schema
    from kio.serial import entity_writer

    schema = load_request_schema(api.key, version)
    buffer = BytesIO()
    entity_writer(schema)(buffer, _build(schema, content))
    return buffer.getvalue()


def decode_response(api: Api, version: int, body: memoryview) -> Message:
    """Read a response's body, after its header. Raises `ProtocolError`.

    Bytes after it are ignored, as Kafka's own clients do.
    """
    from kio.index import load_response_schema
    from kio.serial import entity_reader
    from kio.serial.errors import DecodeError

    schema = load_response_schema(api.key, version)
    try:
        message, _ = entity_reader(schema)(body.toreadonly(), 0)
    except (DecodeError, ValueError) as error:
        raise ProtocolError(f"a response to {api.name} version {version} cannot be read: {error}") from error
    return message


def _build(schema: type, content: Mapping[str, Any]) -> Message:
    """An entity from nested mappings and lists."""
    nested = _nested_schemas(schema)
    values = {}
    for name, value in content.items():
        if name not in nested:
            continue
        inner = nested[name]
        if isinstance(value, list):
            values[name] = tuple(value if inner is None else (_build(inner, item) for item in value))
        else:
            values[name] = value
    return schema(**values)


@cache
def _nested_schemas(schema: type) -> dict[str, type | None]:
    """The fields of an entity, with the entity that each is an array of, if it is."""
    hints = get_type_hints(schema)
    return {field.name: _element(hints[field.name]) for field in fields(schema)}


def _element(hint: Any) -> type | None:
    if isinstance(hint, UnionType):
        return next((found for option in get_args(hint) if (found := _element(option))), None)
    if get_origin(hint) is tuple and hasattr(get_args(hint)[0], "__api_key__"):
        element: type = get_args(hint)[0]
        return element
    return None

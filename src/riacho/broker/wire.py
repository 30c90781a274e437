"""Messages ↔ bytes: request headers, and kio's entities, loaded one API and version at a time.

Handlers are written once, in the vocabulary of the newest version: `build` makes an answer of whatever version
from the newest version's field names and leaves out those which that version does not have; `field` reads a
request's field, or a default where the version lacks it. Times are plain milliseconds on the handlers' side.

kio's modules are imported at a message's first use: importing them all takes seconds, and a broker needs few.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from datetime import timedelta
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple, get_args

from riacho.broker.errors import ErrorCode
from riacho.broker.message_walk import ImpossibleLengthError, walk_of
from riacho.host import Buffer

Entity = Any  # a dataclass of kio's; there is one per message and version, so nothing narrower is true
EntityClass = Any

TopicRef = str | bytes
"""A topic in Produce and Fetch: by its name or, from their version 13 on, by the 16 bytes of its id."""

_HEADER = struct.Struct(">hhih")
_LENGTH = struct.Struct(">h")
_CORRELATION = struct.Struct(">i")


class MalformedRequestError(Exception):
    """The bytes are not a request: the connection is closed, as there is no telling where the next one begins."""


class RequestHeader(NamedTuple):
    """The part that all requests share. `position` is where the client id ends: tags or the body follow."""

    api_key: int
    version: int
    correlation_id: int
    client_id: str | None
    position: int


def parse_header(buffer: bytearray, start: int, end: int) -> RequestHeader:
    """Read a request header (versions 1 and 2 share this part; a version 2 header's tags follow it).

    Raises `MalformedRequestError` where the frame `[start, end)` is too short for it.
    """
    position = start + _HEADER.size
    if position > end:  # ControlledShutdown 0 alone had no client id, and Kafka 4 does not serve it
        raise MalformedRequestError(f"a frame of {end - start} bytes is too short for a request header")
    api_key, version, correlation_id, length = _HEADER.unpack_from(buffer, start)
    if length < 0:
        return RequestHeader(api_key, version, correlation_id, None, position)
    if position + length > end:
        raise MalformedRequestError(f"the client id of {length} bytes reaches past the frame")
    try:
        client_id = buffer[position : position + length].decode()
    except UnicodeDecodeError as error:
        raise MalformedRequestError(f"the client id is not UTF-8: {error}") from error
    return RequestHeader(api_key, version, correlation_id, client_id, position + length)


def unsigned_varint(buffer: Buffer, position: int, end: int) -> tuple[int, int]:
    """Read an unsigned varint: its value and the position after it.

    >>> unsigned_varint(b"\\xac\\x02", 0, 2)
    (300, 2)
    """
    value = shift = 0
    while position < end and shift < 35:
        byte = buffer[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise MalformedRequestError("a variable-length number reaches past its message")


def skip_tags(buffer: Buffer, position: int, end: int) -> int:
    """The position after a tag buffer (KIP-482), whose fields are of no interest."""
    if position < end and buffer[position] == 0:
        return position + 1
    count, position = unsigned_varint(buffer, position, end)
    for _ in range(count):
        _, position = unsigned_varint(buffer, position, end)
        size, position = unsigned_varint(buffer, position, end)
        position += size
    if position > end:
        raise MalformedRequestError("a tagged field reaches past its message")
    return position


def put_unsigned_varint(out: bytearray, value: int) -> None:
    """Append an unsigned varint.

    >>> out = bytearray()
    >>> put_unsigned_varint(out, 300)
    >>> bytes(out)
    b'\\xac\\x02'
    """
    while value > 0x7F:
        out.append((value & 0x7F) | 0x80)
        value >>= 7
    out.append(value)


def put_compact_string(out: bytearray, text: str | None) -> None:
    """Append a string of the flexible versions."""
    if text is None:
        out.append(0)
        return
    data = text.encode()
    put_unsigned_varint(out, len(data) + 1)
    out += data


def put_string(out: bytearray, text: str | None) -> None:
    """Append a string of the older versions."""
    if text is None:
        out += b"\xff\xff"
        return
    data = text.encode()
    out += _LENGTH.pack(len(data))
    out += data


def put_topic(out: bytearray, topic: TopicRef, *, flexible: bool) -> None:
    """Append a topic's id or, where it goes by that, its name."""
    if isinstance(topic, bytes):
        out += topic
    elif flexible:
        put_compact_string(out, topic)
    else:
        put_string(out, topic)


# -- kio's entities --------------------------------------------------------------------------------------------


class RequestType(NamedTuple):
    """How one API's request is read at one version."""

    flexible: bool
    walk: Callable[[Buffer, int, int], int]
    read: Callable[[Buffer, int], tuple[Entity, int]]


class ResponseType(NamedTuple):
    """How one API's answer is written at one version."""

    entity: EntityClass
    flexible_header: bool
    write: Callable[[io.BytesIO, Entity], None]


def kafka_name(api: str) -> str:
    """Kafka's name of an API that is given by kio's.

    >>> kafka_name("list_offsets")
    'ListOffsets'
    """
    return "".join(word.capitalize() for word in api.split("_"))


@cache
def request_type(api: str, version: int) -> RequestType:
    """The request of `api` (kio's name, such as `list_offsets`) at `version`."""
    from kio.serial import entity_reader

    entity = _entity_class(api, version, "request")
    return RequestType(entity.__flexible__, walk_of(entity), entity_reader(entity))


@cache
def response_type(api: str, version: int) -> ResponseType:
    """The answer of `api` at `version`. ApiVersions' answers have the plain header always (KIP-511)."""
    from kio.serial import entity_writer

    entity = _entity_class(api, version, "response")
    header: Any = entity.__header_schema__
    return ResponseType(entity, bool(header.__flexible__), entity_writer(entity))


def read_request(api: str, version: int, buffer: Buffer, position: int, end: int) -> Entity:
    """Parse the body of a request, from the end of its client id. Raises `MalformedRequestError`."""
    from kio.serial.errors import SerialError

    kind = request_type(api, version)
    if kind.flexible:
        position = skip_tags(buffer, position, end)
    try:
        kind.walk(buffer, position, end)
        entity, _size = kind.read(memoryview(buffer)[:end].toreadonly(), position)
    except ImpossibleLengthError as error:
        raise _malformed(api, version, str(error)) from error
    except (SerialError, ValueError, OverflowError, TypeError, LookupError) as error:
        raise _malformed(api, version, f"{type(error).__name__} {error}") from error
    return entity


def _malformed(api: str, version: int, why: str) -> MalformedRequestError:
    return MalformedRequestError(f"its {kafka_name(api)} request of version {version} cannot be read: {why}")


def write_response(api: str, version: int, correlation_id: int, values: Mapping[str, Any] | Entity) -> bytes:
    """A whole frame, length first, from an entity or from the newest version's field names and values."""
    kind = response_type(api, version)
    entity = build(kind.entity, values) if isinstance(values, Mapping) else values
    out = io.BytesIO()
    out.write(b"\0\0\0\0")
    out.write(_CORRELATION.pack(correlation_id))
    if kind.flexible_header:
        out.write(b"\0")
    kind.write(out, entity)
    frame = out.getbuffer()
    _CORRELATION.pack_into(frame, 0, len(frame) - 4)
    frame.release()
    return out.getvalue()


def build(entity: EntityClass, values: Mapping[str, Any]) -> Entity:
    """A kio entity from field names and plain values: dicts for structures, ints for times (ms) and error codes.

    Names that `entity`'s version does not have are left out. A field that is missing takes the schema's default.
    """
    arguments = {}
    for name, convert, default in _plan(entity):
        value = values.get(name, default)
        if value is MISSING:
            raise KeyError(f"{entity.__name__} v{entity.__version__} needs the field {name!r}")
        arguments[name] = value if convert is None or value is None else convert(value)
    return entity(**arguments)


def field(request: Entity, name: str, default: Any) -> Any:
    """A request's field, or `default` where the request's version does not have it."""
    return getattr(request, name, default)


def milliseconds(duration: timedelta) -> int:
    """kio reads times as `timedelta`; the broker counts in milliseconds.

    >>> milliseconds(timedelta(seconds=1.5))
    1500
    """
    return duration // timedelta(milliseconds=1)


@cache
def _entity_class(api: str, version: int, kind: str) -> EntityClass:
    module = import_module(f"kio.schema.{api}.v{version}.{kind}")
    name = "".join(part.capitalize() for part in api.split("_")) + kind.capitalize()
    entity: EntityClass = getattr(module, name)
    return entity


@cache
def _plan(entity: EntityClass) -> tuple[tuple[str, Callable[[Any], Any] | None, Any], ...]:
    """Per field of an entity: its name, how a plain value becomes kio's, and what stands where it is missing."""
    return tuple(
        (item.name, _converter(item.metadata.get("kafka_type"), item.type), _default(item)) for item in fields(entity)
    )


def _converter(kafka_type: str | None, annotation: Any) -> Callable[[Any], Any] | None:
    inner = _inner(annotation)
    if kafka_type == "error_code":
        convert: Callable[[Any], Any] | None = ErrorCode
    elif kafka_type in ("timedelta_i32", "timedelta_i64"):
        convert = _as_timedelta
    elif kafka_type is None:

        def convert(value: Any) -> Any:
            return build(inner, value) if isinstance(value, Mapping) else value

    else:
        convert = None
    if not _is_tuple(annotation):
        return convert
    if convert is None:
        return tuple
    each = convert
    return lambda values: tuple([each(value) for value in values])


def _as_timedelta(value: int | timedelta) -> timedelta:
    return timedelta(milliseconds=value) if isinstance(value, int) else value


def _default(item: Any) -> Any:
    if item.default is not MISSING:
        return item.default
    return 0 if item.name == "throttle_time" else MISSING  # nobody is throttled: there are no quotas


def _is_tuple(annotation: Any) -> bool:
    return any(getattr(part, "__origin__", None) is tuple for part in (annotation, *get_args(annotation)))


def _inner(annotation: Any) -> Any:
    """The structure inside `X`, `X | None`, `tuple[X, ...]` and `tuple[X, ...] | None`."""
    while arguments := [part for part in get_args(annotation) if part not in (type(None), ...)]:
        annotation = arguments[0]
    return annotation

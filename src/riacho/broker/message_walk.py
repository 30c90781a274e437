"""A walk over a message before kio reads it: are its lengths and counts possible?

kio's parser allocates what an array's count asks for before it reads the first item, and an allocation that fails
ends the process. So a frame of a few bytes could end the broker. The walk follows the message's schema, reads
lengths and counts alone, and refuses a message in which one of them reaches past its end, or is null where the schema
does not allow that.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import Field, fields
from functools import cache
from typing import Any, get_args

from riacho.host import Buffer

Step = Callable[[Buffer, int, int], int]
"""From a position in a message, and its end, to the position after what is read there."""

_SIZES = {
    "bool": 1,
    "int8": 1,
    "uint8": 1,
    "int16": 2,
    "uint16": 2,
    "error_code": 2,
    "int32": 4,
    "uint32": 4,
    "timedelta_i32": 4,
    "int64": 8,
    "uint64": 8,
    "float64": 8,
    "timedelta_i64": 8,
    "datetime_i64": 8,
    "uuid": 16,
}
_LENGTH = {"string": struct.Struct(">h"), "bytes": struct.Struct(">i"), "records": struct.Struct(">i")}
_COUNT = struct.Struct(">i")


class ImpossibleLengthError(Exception):
    """A length or a count reaches past the end of its message."""


@cache
def walk_of(entity: Any) -> Step:
    """The walk over one of kio's entities."""
    flexible: bool = entity.__flexible__
    steps: list[Step] = []
    tagged: dict[int, Step] = {}
    fixed = 0
    for field in fields(entity):
        tag = field.metadata.get("tag")
        if tag is not None:
            tagged[tag] = _step(field, flexible=flexible)
            continue
        size = _fixed_size(field)
        if size is not None:
            fixed += size
            continue
        if fixed:
            steps.append(_skip(fixed))
            fixed = 0
        steps.append(_step(field, flexible=flexible))
    if fixed:
        steps.append(_skip(fixed))
    if flexible:
        steps.append(_tags(tagged))
    return _sequence(steps)


def _step(field: Field[Any], *, flexible: bool) -> Step:
    annotation: Any = field.type
    kafka_type = field.metadata.get("kafka_type")
    array = _array_item(annotation)
    item: Any = array if array is not None else _without_none(annotation)
    if kafka_type is None:
        one = walk_of(item)
        if array is None and annotation is not item and "tag" not in field.metadata:
            one = _nullable(one)
    elif kafka_type in _SIZES:
        one = _skip(_SIZES[kafka_type])
    else:
        one = _compact_bytes if flexible else _plain_bytes(_LENGTH[kafka_type])
    if array is None:
        return one
    return _array(one, flexible=flexible, nullable=type(None) in get_args(annotation))


def _fixed_size(field: Field[Any]) -> int | None:
    if _array_item(field.type) is not None:
        return None
    return _SIZES.get(field.metadata.get("kafka_type", ""))


def _array_item(annotation: Any) -> Any:
    """`X` of `tuple[X, ...]` and `tuple[X, ...] | None`; None of anything else."""
    for part in (annotation, *get_args(annotation)):
        if getattr(part, "__origin__", None) is tuple:
            return _without_none(get_args(part)[0])
    return None


def _without_none(annotation: Any) -> Any:
    parts = [part for part in get_args(annotation) if part is not type(None)]
    return parts[0] if len(parts) == 1 else annotation


def _sequence(steps: list[Step]) -> Step:
    def walk(data: Buffer, position: int, end: int) -> int:
        for step in steps:
            position = step(data, position, end)
        if position > end:
            raise ImpossibleLengthError("the message ends before its fields do")
        return position

    return walk


def _skip(size: int) -> Step:
    return lambda _data, position, _end: position + size


def _plain_bytes(length: struct.Struct) -> Step:
    def walk(data: Buffer, position: int, end: int) -> int:
        if position + length.size > end:
            raise ImpossibleLengthError("the message ends within a length")
        (size,) = length.unpack_from(data, position)
        return position + length.size + (size if size > 0 else 0)

    return walk


def _compact_bytes(data: Buffer, position: int, end: int) -> int:
    size, position = _varint(data, position, end)
    return position + size - 1 if size else position


def _array(item: Step, *, flexible: bool, nullable: bool) -> Step:
    def walk(data: Buffer, position: int, end: int) -> int:
        if flexible:
            count, position = _varint(data, position, end)
            count -= 1
        else:
            if position + _COUNT.size > end:
                raise ImpossibleLengthError("the message ends within a count")
            (count,) = _COUNT.unpack_from(data, position)
            position += _COUNT.size
        if count < 0 and not nullable:  # kio makes None of it, which no handler expects
            raise ImpossibleLengthError("an array is null that cannot be")
        if count > end - position:  # an item has at least one byte
            raise ImpossibleLengthError(f"{count} items do not fit in {max(end - position, 0)} bytes")
        for _ in range(count):
            position = item(data, position, end)
        return position

    return walk


def _nullable(entity: Step) -> Step:
    def walk(data: Buffer, position: int, end: int) -> int:
        if position >= end:
            raise ImpossibleLengthError("the message ends before a structure")
        present = data[position] < 0x80  # a signed byte: −1 stands for null
        return entity(data, position + 1, end) if present else position + 1

    return walk


def _tags(known: dict[int, Step]) -> Step:
    def walk(data: Buffer, position: int, end: int) -> int:
        count, position = _varint(data, position, end)
        for _ in range(count):
            tag, position = _varint(data, position, end)
            size, position = _varint(data, position, end)
            if size > end - position:
                raise ImpossibleLengthError("a tagged field reaches past its message")
            if tag in known:
                known[tag](data, position, position + size)
            position += size
        return position

    return walk


def _varint(data: Buffer, position: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while position < end and shift < 35:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise ImpossibleLengthError("a variable-length number has no end")

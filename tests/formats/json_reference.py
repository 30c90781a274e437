"""A slow and complete JSON decoder on Python's own parser, one record at a time: what the kernels must agree with."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from riacho.formats.fields import Field, FieldType, Kind
from riacho.formats.java_numbers import double_text
from riacho.formats.json_text import quote

BAD = object()
"""The record gives no row."""


class Unfit(Exception):  # noqa: N818 - not an error of the program: the text has no such value
    """A value that does not fit its type."""


class Number(str):
    """A number as it was written."""


class Object(dict[str, Any]):
    """An object whose last of equal keys counts, and its members as they were written."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


def _refuse(text: str) -> Any:
    raise ValueError(text)


_DECODER = json.JSONDecoder(
    parse_float=Number, parse_int=Number, parse_constant=_refuse, object_pairs_hook=Object, strict=False
)
_SPACE = " \t\r\n"


def decode_record(text: bytes, fields: Sequence[Field]) -> Any:
    """The row of one record as a dict, None where it gives no row, or BAD."""
    if not text:
        return None
    try:
        characters = text.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape").lstrip(_SPACE)
        value, end = _DECODER.raw_decode(characters)
        characters[:end].encode("utf-8")
    except (ValueError, UnicodeEncodeError):
        return BAD
    if not isinstance(value, dict):
        return BAD
    try:
        return row(value, fields)
    except Unfit:
        return BAD


def row(value: dict[str, Any], fields: Sequence[Field]) -> dict[str, Any]:
    return {item.name: convert(value.get(item.name), item.type) for item in fields}


def convert(value: Any, kind: FieldType) -> Any:
    """Flink's conversion of one value. Raises `Unfit`."""
    if value is None:
        return None
    match kind.kind:
        case Kind.STRING:
            if isinstance(value, bool):
                return "true" if value else "false"
            return _replaced(value if isinstance(value, str) else printed(value))
        case Kind.INTEGER:
            return _integer(value, kind)
        case Kind.FLOAT:
            if isinstance(value, bool) or not isinstance(value, str):
                raise Unfit
            if not isinstance(value, Number):
                if not re.fullmatch(r"[+-]?(NaN|Infinity|(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)", _trim(value), re.ASCII):
                    raise Unfit
                value = _trim(value)
            return float(value)
        case Kind.BOOLEAN:
            if isinstance(value, bool):
                return value
            if isinstance(value, str):
                return _trim(value).lower() == "true" and _trim(value).isascii()
            raise Unfit
        case Kind.ROW:
            if not isinstance(value, dict):
                raise Unfit
            return row(value, kind.children)
        case Kind.ARRAY:
            if not isinstance(value, list):
                raise Unfit
            return [convert(item, kind.children[0].type) for item in value]
        case _:
            raise AssertionError(kind)


def printed(value: Any) -> str:
    """A value as Jackson prints it."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Number():
            return double_text(float(value)) if any(mark in value for mark in ".eE") else value
        case str():
            return quote(value)
        case list():
            return "[" + ",".join(printed(item) for item in value) + "]"
        case Object():
            return "{" + ",".join(f"{quote(key)}:{printed(item)}" for key, item in value.pairs) + "}"
    raise AssertionError(value)


def _integer(value: Any, kind: FieldType) -> int:
    if isinstance(value, bool) or not isinstance(value, str):
        raise Unfit
    low, high = -(2 ** (kind.bits - 1)), 2 ** (kind.bits - 1) - 1
    if isinstance(value, Number) and any(mark in value for mark in ".eE"):
        if kind.bits < 32:
            raise Unfit
        number = float(value)
        if not low <= number <= high:
            raise Unfit
        return min(int(number), high)
    text = value if isinstance(value, Number) else _trim(value)
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise Unfit
    exact = int(Decimal(text))
    if not low <= exact <= high:
        raise Unfit
    return exact


def _trim(text: str) -> str:
    return text.strip("".join(map(chr, range(33))))


def _replaced(text: str) -> str:
    """Surrogates without a partner are question marks."""
    return "".join("?" if 0xD800 <= ord(character) <= 0xDFFF else character for character in text)

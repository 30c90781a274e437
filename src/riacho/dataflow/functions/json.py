"""JSON text and SQL/JSON paths. Polars has no equivalent, so each distinct text of a batch is parsed once by Python.

Source: Flink, JSON Functions; ISO/IEC TR 19075-6 (lax and strict paths).
"""

from __future__ import annotations

import base64
import functools
import json
import math
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import polars as pl

from riacho.dataflow.evaluation.failures import ValueFailure
from riacho.dataflow.evaluation.invocation import Evaluate, Invocation
from riacho.dataflow.evaluation.kernels import per_row
from riacho.dataflow.functions.json_path import JsonPath, PathFailure, parse_path
from riacho.formats.java_numbers import double_text
from riacho.plan.expressions import Call
from riacho.plan.types import (
    ArrayType,
    BooleanType,
    DataType,
    FloatType,
    IntegerType,
    MapType,
    RowType,
    TimestampLtzType,
    TimestampType,
    is_bytes,
)

_REFUSED = object()
"""Stands for text that is not JSON."""


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse_constant)
"""Keeps fractions as decimals, so that no digit is lost."""


@functools.lru_cache(maxsize=4096)
def _parsed(text: str) -> Any:
    """The document, shared by several calls on one text; `_REFUSED` if the text is none."""
    try:
        return _DECODER.decode(text)
    except ValueError:
        return _REFUSED


def dumps(value: Any) -> str:
    """Compact JSON, as Jackson writes it for Flink: the members of an object in the order of their keys.

    >>> dumps({"b": 1, "a": [1, 2.0, "é"]})
    '{"a":[1,2.0,"é"],"b":1}'
    """
    match value:
        case float():
            # Jackson writes numbers as BigDecimal.toString does, which Python's str agrees with.
            return str(Decimal(double_text(value))) if math.isfinite(value) else f'"{double_text(value)}"'
        case Decimal():
            return str(value)
        case dict():
            return "{" + ",".join(f"{dumps(key)}:{dumps(item)}" for key, item in _in_order(value)) + "}"
        case list():
            return "[" + ",".join(map(dumps, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _in_order(members: dict[str, Any]) -> list[tuple[str, Any]]:
    """By key, as Java compares strings."""
    return sorted(members.items(), key=lambda member: member[0].encode("utf-16-be", "surrogatepass"))


def _is_json(call: Invocation) -> pl.Expr:
    wanted = call.keyword(1, "VALUE")

    def judged(text: str) -> bool:
        value = _parsed(text)
        if value is _REFUSED:
            return False
        match wanted:
            case "ARRAY":
                return isinstance(value, list)
            case "OBJECT":
                return isinstance(value, dict)
            case "SCALAR":
                return not isinstance(value, list | dict)
        return True

    return call.per_distinct(judged, call[0]).fill_null(value=False)


def _path_of(call: Invocation) -> JsonPath | None:
    """The literal path; None for NULL. Raises `UsageError` where it is malformed."""
    text = call.literal(1)
    return None if text is None else parse_path(text)


def _find(text: str, path: JsonPath) -> Any:
    """What the path finds; None where a lax path finds nothing, or the text is no JSON.

    Raises `PathFailure` for a document that is NULL, and where a strict path finds nothing or NULL.
    """
    document = _parsed(text)
    if document is _REFUSED:
        if path.strict:
            raise PathFailure(f"{text!r} is not JSON")
        return None
    if document is None:
        raise PathFailure("the document is NULL")
    try:
        value = path.find(document)
    except PathFailure:
        if path.strict:
            raise
        return [] if path.many else None
    if value is None and path.strict:
        raise PathFailure("the path finds NULL")
    return value


def _json_exists(call: Invocation) -> pl.Expr:
    path = _path_of(call)
    if path is None:
        return pl.lit(None, pl.Boolean)
    on_error = call.keyword(2, "FALSE")

    def exists(text: str) -> bool | None:
        try:
            return _find(text, path) is not None
        except PathFailure as failure:
            if on_error == "ERROR":
                raise ValueFailure(str(failure)) from failure
            return {"TRUE": True, "FALSE": False}.get(on_error)

    return call.per_distinct(exists, call[0])


def _json_value(call: Invocation) -> pl.Expr:
    path = _path_of(call)
    if path is None:
        return pl.lit(None, call.result)
    kind = call.call.type
    on_empty, on_error = call.keyword(3, "NULL"), call.keyword(5, "NULL")

    def chosen(behaviour: str, default: Any, reason: str) -> Any:
        if behaviour == "ERROR":
            raise ValueFailure(reason)
        return default if behaviour == "DEFAULT" else None

    def scalar(text: str | None, empty: Any, error: Any) -> Any:
        if text is None:
            return None
        try:
            found = _find(text, path)
        except PathFailure as failure:
            return chosen(on_error, error, str(failure))
        if isinstance(found, list | dict) and path.strict:
            return chosen(on_error, error, "the path finds no scalar")
        if found is None or isinstance(found, list | dict):
            return chosen(on_empty, empty, "the path finds no scalar")
        try:
            return _as_type(found, kind)
        except ValueError:
            return chosen(on_error, error, f"{found!r} is no {kind.name()}")

    if len(call) <= 4:
        return call.per_distinct(lambda text: scalar(text, None, None), call[0])
    return _with_defaults(call, scalar)


def _with_defaults(call: Invocation, function: Callable[..., Any]) -> pl.Expr:
    none = pl.lit(None, call.result)
    inputs = (call[0], call[4] if len(call) > 4 else none, call[6] if len(call) > 6 else none)
    return per_row(function, call.result, inputs, call.failing, nulls=True)


def _as_type(value: Any, kind: DataType) -> Any:
    """A JSON scalar as the RETURNING type. Raises `ValueError` where it is another."""
    match kind:
        case BooleanType():
            if isinstance(value, bool):
                return value
            if isinstance(value, str) and value.lower() in ("true", "false"):
                return value.lower() == "true"
        case IntegerType(bits=bits):
            if isinstance(value, str):
                value = int(value)
            if isinstance(value, int | Decimal) and not isinstance(value, bool):
                number = int(value)
                if -(1 << bits - 1) <= number < 1 << bits - 1:
                    return number
        case FloatType():
            if isinstance(value, int | Decimal | str) and not isinstance(value, bool):
                return float(value)
        case _:
            return value if isinstance(value, str) else dumps(value)
    raise ValueError(value)


_EMPTY = {"EMPTY ARRAY": "[]", "EMPTY OBJECT": "{}"}


def _json_query(call: Invocation) -> pl.Expr:
    path = _path_of(call)
    if path is None:
        return pl.lit(None, call.result)
    wrapper = call.keyword(2, "WITHOUT")
    on_empty, on_error = call.keyword(3, "NULL"), call.keyword(4, "NULL")
    as_array = isinstance(call.call.type, ArrayType)

    def chosen(behaviour: str, reason: str) -> Any:
        if behaviour == "ERROR":
            raise ValueFailure(reason)
        if as_array:
            return [] if behaviour == "EMPTY ARRAY" else None
        return _EMPTY.get(behaviour)

    def query(text: str) -> Any:
        try:
            found = _find(text, path)
        except PathFailure as failure:
            return chosen(on_error, str(failure))
        if found is None:
            return chosen(on_empty, "the path finds nothing")
        wraps = wrapper == "UNCONDITIONAL" or (wrapper == "CONDITIONAL" and not isinstance(found, list))
        value = [found] if wraps else found
        if not isinstance(value, list | dict):
            return chosen(on_error if path.strict else on_empty, "the path finds a scalar")
        if as_array:
            if not isinstance(value, list):
                return chosen(on_error, "the path finds no array")
            return [item if isinstance(item, str) or item is None else dumps(item) for item in value]
        return dumps(value)

    return call.per_distinct(query, call[0])


class _Raw(str):
    """Text that is JSON already."""

    __slots__ = ()


def _iso(value: datetime | time) -> str:
    """ISO 8601 with as few digits after the second as say it all."""
    text = value.isoformat(timespec="microseconds")
    return text.rstrip("0").rstrip(".")


def _plain(value: Any, kind: DataType) -> Any:
    """A column's value as what JSON knows."""
    if value is None or isinstance(value, _Raw):
        return value
    match kind:
        case ArrayType(element=element):
            return [_plain(item, element) for item in value]
        case MapType(key=key, value=item_kind):
            return {str(_plain(entry["key"], key)): _plain(entry["value"], item_kind) for entry in value}
        case RowType(fields=fields):
            return {field.name: _plain(value[field.name], field.type) for field in fields}
        case TimestampType():
            return _iso(value)
        case TimestampLtzType():
            return _iso(value.replace(tzinfo=None)) + "Z"
    if isinstance(value, Decimal):
        return _Raw(value)
    if isinstance(value, time):
        return _iso(value)
    if isinstance(value, date):
        return value.isoformat()
    if is_bytes(kind):
        return base64.b64encode(value).decode()
    return value


def _written(value: Any) -> str:
    match value:
        case _Raw():
            return str(value)
        case dict():
            return "{" + ",".join(f"{dumps(key)}:{_written(item)}" for key, item in _in_order(value)) + "}"
        case list():
            return "[" + ",".join(map(_written, value)) + "]"
    return dumps(value)


def _serialized(kind: DataType) -> Callable[[Any], Any]:
    return lambda value: _plain(value, kind)


def _json_string(call: Invocation) -> pl.Expr:
    (plain,) = _constructors(call, range(1))
    return call.per_row(lambda value: _written(plain(value)))


def _constructors(call: Invocation, indexes: range) -> list[Callable[[Any], Any]]:
    """How each argument becomes JSON: what JSON_OBJECT and JSON_ARRAY made stays as it is."""
    made: list[Callable[[Any], Any]] = []
    for index in indexes:
        argument = call.call.arguments[index]
        nested = isinstance(argument, Call) and argument.function in CONSTRUCTORS
        made.append((lambda value: None if value is None else _Raw(value)) if nested else _serialized(call.type(index)))
    return made


def _json_object(call: Invocation) -> pl.Expr:
    keeps_nulls = call.keyword(0, "NULL") == "NULL"
    keys = [call.literal(index) for index in range(1, len(call), 2)]
    plain = _constructors(call, range(2, len(call), 2))

    def built(_: object, *values: Any) -> str:
        made = {key: step(value) for key, step, value in zip(keys, plain, values[1::2], strict=True)}
        return _written({key: value for key, value in made.items() if keeps_nulls or value is not None})

    return call.per_row(built, nulls=True)


def _compact(text: str) -> str:
    """Raises `ValueFailure` for text that is not JSON."""
    value = _parsed(text)
    if value is _REFUSED:
        raise ValueFailure(f"{text!r} is not JSON")
    return dumps(value)


def _json_array(call: Invocation) -> pl.Expr:
    keeps_nulls = call.keyword(0, "ABSENT") == "NULL"
    plain = _constructors(call, range(1, len(call)))

    def built(_: object, *values: Any) -> str:
        made = [step(value) for step, value in zip(plain, values, strict=True)]
        return _written([value for value in made if keeps_nulls or value is not None])

    return call.per_row(built, nulls=True)


def _unquoted(text: str) -> str:
    """What does not begin and end as a JSON string, or is a malformed one, stays as it is."""
    if len(text) < 2 or not (text.startswith('"') and text.endswith('"')):
        return text
    inner = text[1:-1].replace('\\"', '"').replace('"', '\\"')
    try:
        value = json.loads(f'"{inner}"', strict=False)
    except ValueError:
        return text
    return str(value)


CONSTRUCTORS = frozenset({"JSON", "JSON_OBJECT", "JSON_ARRAY"})
"""Calls of these are JSON where another one takes them as an argument; their mere text would be a string there."""

FUNCTIONS: dict[str, Evaluate] = {
    "IS JSON": _is_json,
    "JSON_EXISTS": _json_exists,
    "JSON_VALUE": _json_value,
    "JSON_QUERY": _json_query,
    "JSON": lambda call: call.per_row(_compact),
    "JSON_OBJECT": _json_object,
    "JSON_ARRAY": _json_array,
    "JSON_STRING": _json_string,
    "JSON_QUOTE": lambda call: call.per_distinct(json.dumps, call[0]),
    "JSON_UNQUOTE": lambda call: call.per_distinct(_unquoted, call[0]),
}

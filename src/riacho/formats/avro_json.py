"""Avro's JSON encoding: objects, with unions as `null` or as an object that names the branch, bytes as characters.

Source: Apache Avro, "JSON Encoding"; Flink's option `'avro.encoding' = 'json'`.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from riacho.formats.avro_schema import Schema

_NUMBERS: dict[str, type | tuple[type, ...]] = {"int": int, "long": int, "float": (int, float), "double": (int, float)}
_ENDLESS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


_ESCAPE = re.compile(r"\\(?:u([0-9a-f]{4})|.)")
"""Of a code point, by lower-case digits: Java writes upper-case ones."""


def write_json(schema: Schema, row: dict[str, Any]) -> bytes:
    """A record as JSON. Raises `ValueError` for a null that the schema does not have."""
    text = json.dumps(_written(schema, row), ensure_ascii=False, separators=(",", ":"))
    return _ESCAPE.sub(lambda found: f"\\u{found[1].upper()}" if found[1] else found[0], text).encode()


def read_json(schema: Schema, data: bytes) -> dict[str, Any]:
    """A record from JSON. Raises `ValueError` or `TypeError` where it is none of this schema."""
    row = _read(schema, json.loads(data))
    assert isinstance(row, dict)
    return row


def _written(schema: Schema, value: Any) -> Any:
    if isinstance(schema, list):
        branch = schema[1]
        return None if value is None else {_name(branch): _written(branch, value)}
    if value is None:
        raise ValueError("a null where the schema has none")
    match _kind(schema):
        case "record":
            return {item["name"]: _written(item["type"], value[item["name"]]) for item in schema["fields"]}
        case "array":
            return [_written(schema["items"], item) for item in value]
        case "map":
            return {key: _written(schema["values"], item) for key, item in value.items()}
        case "bytes":
            return value.decode("latin-1")
        case "float" | "double" if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _read(schema: Schema, value: Any) -> Any:
    if isinstance(schema, list):
        if value is None:
            return None
        branch = schema[1]
        return _read(branch, _member(value, _name(branch)))
    kind = _kind(schema)
    match kind:
        case "record":
            return {item["name"]: _read(item["type"], _member(value, item["name"])) for item in schema["fields"]}
        case "array":
            return [_read(schema["items"], item) for item in _checked(value, list, kind)]
        case "map":
            return {key: _read(schema["values"], item) for key, item in _checked(value, dict, kind).items()}
        case "bytes":
            return _checked(value, str, kind).encode("latin-1")
        case "string":
            return _checked(value, str, kind)
        case "boolean":
            return _checked(value, bool, kind)
        case "float" | "double" if isinstance(value, str) and value in _ENDLESS:
            return _ENDLESS[value]
    if isinstance(value, bool):
        raise TypeError(f"a boolean where there should be {kind}")
    return _checked(value, _NUMBERS[kind], kind)


def _checked(value: Any, wanted: type | tuple[type, ...], kind: str) -> Any:
    if not isinstance(value, wanted):
        raise TypeError(f"{type(value).__name__} where there should be {kind}")
    return value


def _member(value: Any, name: str) -> Any:
    if not isinstance(value, dict) or name not in value:
        raise ValueError(f"'{name}' is missing")
    return value[name]


def _kind(schema: Schema) -> str:
    return schema if isinstance(schema, str) else str(schema["type"])


def _name(schema: Schema) -> str:
    """What a union calls its branch."""
    return str(schema["name"]) if _kind(schema) == "record" else _kind(schema)

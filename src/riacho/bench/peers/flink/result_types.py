"""SQL's name of a type that Flink's REST API describes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

LONGEST = 2**31 - 1
"""The length of STRING and BYTES."""


def type_text(described: Mapping[str, Any]) -> str:
    """A type as SQL writes it, with NOT NULL where it is that. Intervals are named without their precision.

    >>> type_text({"type": "DECIMAL", "nullable": False, "precision": 10, "scale": 2})
    'DECIMAL(10, 2) NOT NULL'
    >>> type_text({"type": "ARRAY", "nullable": True, "elementType": {"type": "INTEGER", "nullable": False}})
    'ARRAY<INT NOT NULL>'
    """
    kind = described["type"]
    name = _NAMED[kind](described) if kind in _NAMED else kind
    return name if described["nullable"] else f"{name} NOT NULL"


def _always(name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda _: name


def _text(word: str, unbounded: str | None = None) -> Callable[[Mapping[str, Any]], str]:
    def name(described: Mapping[str, Any]) -> str:
        length = described["length"]
        return unbounded if unbounded and length == LONGEST else f"{word}({length})"

    return name


def _time(word: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda described: f"{word}({described['precision']})"


def _row(described: Mapping[str, Any]) -> str:
    fields = ", ".join(f"`{each['name']}` {type_text(each['fieldType'])}" for each in described["fields"])
    return f"ROW<{fields}>"


_NAMED: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "INTEGER": _always("INT"),
    "DECIMAL": lambda described: f"DECIMAL({described['precision']}, {described['scale']})",
    "CHAR": _text("CHAR"),
    "VARCHAR": _text("VARCHAR", "STRING"),
    "BINARY": _text("BINARY"),
    "VARBINARY": _text("VARBINARY", "BYTES"),
    "TIME_WITHOUT_TIME_ZONE": _time("TIME"),
    "TIMESTAMP_WITHOUT_TIME_ZONE": _time("TIMESTAMP"),
    "TIMESTAMP_WITH_LOCAL_TIME_ZONE": _time("TIMESTAMP_LTZ"),
    "INTERVAL_DAY_TIME": _always("INTERVAL DAY TO SECOND"),
    "INTERVAL_YEAR_MONTH": _always("INTERVAL YEAR TO MONTH"),
    "ARRAY": lambda described: f"ARRAY<{type_text(described['elementType'])}>",
    "MULTISET": lambda described: f"MULTISET<{type_text(described['elementType'])}>",
    "MAP": lambda described: f"MAP<{type_text(described['keyType'])}, {type_text(described['valueType'])}>",
    "ROW": _row,
}

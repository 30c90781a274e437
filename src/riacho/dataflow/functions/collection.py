"""Rows, arrays and maps. Maps are lists of entries; what compares whole elements goes row by row."""

from __future__ import annotations

from typing import Any

import polars as pl

from riacho.dataflow.evaluation.failures import ValueFailure
from riacho.dataflow.evaluation.guard import guard
from riacho.dataflow.evaluation.invocation import Evaluate, Invocation
from riacho.plan.types import ArrayType, MapType

Entries = list[dict[str, Any]]


def _array(call: Invocation) -> pl.Expr:
    """Elements that are lists are put into structs on the way, or they would be joined end to end."""
    if not isinstance(call.type(0), ArrayType | MapType):
        return pl.concat_list(call.arguments).cast(call.result)
    wrapped = pl.concat_list([pl.struct(argument.alias("element")) for argument in call.arguments])
    return wrapped.list.eval(pl.element().struct.field("element")).cast(call.result)


def _map(call: Invocation) -> pl.Expr:
    """Of equal keys the last one stays."""

    def entries(*values: Any) -> Entries:
        pairs = dict(zip(map(_hashable, values[::2]), zip(values[::2], values[1::2], strict=True), strict=True))
        return [{"key": key, "value": value} for key, value in pairs.values()]

    keys = [call.literal(index) for index in range(0, len(call), 2)]
    if None in keys or len(set(map(_hashable, keys))) < len(keys):
        return call.per_row(entries, nulls=True)
    pairs = [
        pl.concat_list(pl.struct(call[index].alias("key"), call[index + 1].alias("value")))
        for index in range(0, len(call), 2)
    ]
    return pl.concat_list(pairs).cast(call.result)


def _hashable(value: Any) -> Any:
    """A value that equal elements share, whatever their type."""
    if isinstance(value, list):
        return tuple(_hashable(item) for item in value)
    if isinstance(value, dict):
        return tuple((name, _hashable(item)) for name, item in value.items())
    return value


def _row(call: Invocation) -> pl.Expr:
    return pl.struct([argument.alias(f"EXPR${index}") for index, argument in enumerate(call.arguments)])


def _item(call: Invocation) -> pl.Expr:
    if isinstance(call.type(0), ArrayType):
        index = call[1].cast(pl.Int64)
        element = call[0].list.get(index - 1, null_on_oob=True)
        return element if call.is_literal(1) else pl.when(index >= 1).then(element)
    if call.literal(1) is not None:
        entry = pl.element()
        found = call[0].list.eval(entry.filter(entry.struct.field("key") == call[1]))
        return found.list.first().struct.field("value")

    def value_of(entries: Entries, key: Any) -> Any:
        return next((entry["value"] for entry in entries if entry["key"] == key), None)

    return call.per_row(value_of)


def _element(call: Invocation) -> pl.Expr:
    return guard(call[0].list.first(), call[0].list.len() > 1, "ELEMENT takes an array of at most one element", call)


def _place(array: list[Any], value: Any) -> int:
    return array.index(value) + 1 if value in array else 0


def _slice(array: list[Any], start: int, end: int | None = None) -> list[Any]:
    """Both ends are included and counted from 1, negative ones from the end; out of order means nothing."""
    size = len(array)
    first = start if start > 0 else size + start + 1 if start < 0 else 1
    last = size if end is None else end if end > 0 else size + end + 1 if end < 0 else 1
    first, last = max(first, 1), min(last, size)
    return array[first - 1 : last] if first <= last else []


def _sort(call: Invocation) -> pl.Expr:
    ascending = call.literal(1) if len(call) > 1 else True
    nulls_first = call.literal(2) if len(call) > 2 else ascending
    if ascending is None or nulls_first is None:

        def ordered(array: list[Any], up: bool, first: bool | None = None) -> list[Any]:
            nulls = [None] * array.count(None)
            rest = sorted((item for item in array if item is not None), reverse=not up)
            return nulls + rest if (up if first is None else first) else rest + nulls

        return call.per_row(ordered)
    return call[0].list.sort(descending=not ascending, nulls_last=not nulls_first)


def _union(left: list[Any], right: list[Any]) -> list[Any]:
    return list({_hashable(item): item for item in [*left, *right]}.values())


def _intersect(left: list[Any], right: list[Any]) -> list[Any]:
    wanted = {_hashable(item) for item in right}
    return list({_hashable(item): item for item in left if _hashable(item) in wanted}.values())


def _except(left: list[Any], right: list[Any]) -> list[Any]:
    unwanted = {_hashable(item) for item in right}
    return list({_hashable(item): item for item in left if _hashable(item) not in unwanted}.values())


def _concat(*arrays: list[Any]) -> list[Any]:
    return [item for array in arrays for item in array]


def _join(call: Invocation) -> pl.Expr:
    if len(call) == 2:
        return call[0].list.join(call[1], ignore_nulls=True)

    def joined(array: list[str | None], delimiter: str, replacement: str) -> str:
        return delimiter.join(replacement if item is None else item for item in array)

    return call.per_row(joined)


def _map_from_arrays(keys: list[Any], values: list[Any]) -> Entries:
    if len(keys) != len(values):
        raise ValueFailure(f"MAP_FROM_ARRAYS got {len(keys)} keys and {len(values)} values")
    pairs = {_hashable(key): (key, value) for key, value in zip(keys, values, strict=True)}
    return [{"key": key, "value": value} for key, value in pairs.values()]


def _map_union(*maps: Entries) -> Entries:
    return list({_hashable(entry["key"]): entry for entries in maps for entry in entries}.values())


def _append(array: list[Any] | None, value: Any) -> list[Any] | None:
    return None if array is None else [*array, value]


def _prepend(array: list[Any] | None, value: Any) -> list[Any] | None:
    return None if array is None else [value, *array]


def _remove(array: list[Any] | None, value: Any) -> list[Any] | None:
    return None if array is None else [item for item in array if item != value]


FUNCTIONS: dict[str, Evaluate] = {
    "ROW": _row,
    "ARRAY": _array,
    "MAP": _map,
    "FIELD": lambda call: call[0].struct.field(call.literal(1)),
    "ITEM": _item,
    "CARDINALITY": lambda call: call[0].list.len().cast(pl.Int32),
    "ELEMENT": _element,
    "ARRAY_CONTAINS": lambda call: call[0].list.contains(call[1], nulls_equal=True),
    "ARRAY_POSITION": lambda call: call.per_row(_place),
    "ARRAY_REMOVE": lambda call: call.per_row(_remove, nulls=True),
    "ARRAY_APPEND": lambda call: call.per_row(_append, nulls=True),
    "ARRAY_PREPEND": lambda call: call.per_row(_prepend, nulls=True),
    "ARRAY_DISTINCT": lambda call: call[0].list.unique(maintain_order=True),
    "ARRAY_REVERSE": lambda call: call[0].list.reverse(),
    "ARRAY_MAX": lambda call: call[0].list.max(),
    "ARRAY_MIN": lambda call: call[0].list.min(),
    "ARRAY_SLICE": lambda call: call.per_row(_slice),
    "ARRAY_SORT": _sort,
    "ARRAY_CONCAT": lambda call: call.per_row(_concat),
    "ARRAY_UNION": lambda call: call.per_row(_union),
    "ARRAY_INTERSECT": lambda call: call.per_row(_intersect),
    "ARRAY_EXCEPT": lambda call: call.per_row(_except),
    "ARRAY_JOIN": _join,
    "MAP_KEYS": lambda call: call[0].list.eval(pl.element().struct.field("key")),
    "MAP_VALUES": lambda call: call[0].list.eval(pl.element().struct.field("value")),
    "MAP_ENTRIES": lambda call: call[0],
    "MAP_FROM_ARRAYS": lambda call: call.per_row(_map_from_arrays),
    "MAP_UNION": lambda call: call.per_row(_map_union),
}

"""Arrays, maps and rows as text and back: how nested values are kept in state.

One Python step per value: nested values in keys and in kept rows are rare, and equal values must give equal bytes.
"""

from __future__ import annotations

import json
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import polars as pl

from riacho.dataflow.columns import polars_type
from riacho.plan.types import (
    ArrayType,
    DataType,
    DateType,
    DecimalType,
    MapType,
    RowType,
    TimestampLtzType,
    TimestampType,
    TimeType,
    is_bytes,
)


def nested_to_text(series: pl.Series) -> pl.Series:
    """Each value as JSON; null stays null."""
    texts = [
        None if value is None else json.dumps(value, default=_plain, separators=(",", ":"), ensure_ascii=False)
        for value in series.to_list()
    ]
    return pl.Series(series.name, texts, dtype=pl.String)


def text_to_nested(series: pl.Series, data_type: DataType) -> pl.Series:
    """The inverse of `nested_to_text`."""
    values = [None if text is None else _revived(json.loads(text), data_type) for text in series.to_list()]
    return pl.Series(series.name, values, dtype=polars_type(data_type))


def _plain(value: object) -> str:
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    assert isinstance(value, Decimal), f"no text for {type(value).__name__}"
    return str(value)


def _revived(value: Any, data_type: DataType) -> Any:
    if value is None:
        return None
    if is_bytes(data_type):
        return bytes.fromhex(value)
    match data_type:
        case ArrayType(element=element):
            return [_revived(item, element) for item in value]
        case MapType(key=key, value=kind):
            return [{"key": _revived(item["key"], key), "value": _revived(item["value"], kind)} for item in value]
        case RowType(fields=fields):
            return {item.name: _revived(value[item.name], item.type) for item in fields}
        case DecimalType():
            return Decimal(value)
        case DateType():
            return date.fromisoformat(value)
        case TimeType():
            return time.fromisoformat(value)
        case TimestampType() | TimestampLtzType():
            return datetime.fromisoformat(value)
    return value

"""PyFlink's `DataTypes` as SQL text: they are known by their classes' names, so that PyFlink need not be there."""

from __future__ import annotations

from typing import Any

_PLAIN = {
    "TinyIntType": "TINYINT",
    "SmallIntType": "SMALLINT",
    "IntType": "INT",
    "BigIntType": "BIGINT",
    "FloatType": "FLOAT",
    "DoubleType": "DOUBLE",
    "BooleanType": "BOOLEAN",
    "DateType": "DATE",
}

_SIZED = {"CharType": "CHAR", "VarCharType": "VARCHAR", "BinaryType": "BINARY", "VarBinaryType": "VARBINARY"}
_PRECISE = {"TimeType": "TIME", "TimestampType": "TIMESTAMP", "LocalZonedTimestampType": "TIMESTAMP_LTZ"}

_KEPT_PRECISION = 6
"""Times are kept in microseconds here; PyFlink's types have a precision that Python's values cannot use."""


def sql_text(data_type: Any) -> str | None:
    """How SQL writes a type of PyFlink's; None for anything else.

    >>> class BigIntType:
    ...     _nullable = False
    >>> sql_text(BigIntType())
    'BIGINT NOT NULL'
    """
    text = _text(data_type, type(data_type).__name__)
    nullable = getattr(data_type, "_nullable", True)
    return text if text is None or nullable else f"{text} NOT NULL"


def _text(data_type: Any, name: str) -> str | None:
    if name in _PLAIN:
        return _PLAIN[name]
    if name in _SIZED:
        return f"{_SIZED[name]}({data_type.length})"
    if name in _PRECISE:
        return f"{_PRECISE[name]}({min(data_type.precision, _KEPT_PRECISION)})"
    if name == "DecimalType":
        return f"DECIMAL({data_type.precision}, {data_type.scale})"
    if name == "ArrayType":
        return f"ARRAY<{sql_text(data_type.element_type)}>"
    if name == "MapType":
        return f"MAP<{sql_text(data_type.key_type)}, {sql_text(data_type.value_type)}>"
    if name == "RowType":
        fields = ", ".join(f"`{field.name}` {sql_text(field.data_type)}" for field in data_type.fields)
        return f"ROW<{fields}>"
    return None

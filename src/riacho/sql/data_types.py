"""SQL types as written: Flink's names and synonyms, parameters and nullability. Source: Flink, "Data Types"."""

from __future__ import annotations

from collections.abc import Callable

from riacho.plan.types import (
    BIGINT,
    BOOLEAN,
    BYTES,
    DATE,
    DOUBLE,
    FLOAT,
    INT,
    MAX_DECIMAL_PRECISION,
    MAX_LENGTH,
    SMALLINT,
    STRING,
    TINYINT,
    ArrayType,
    BinaryType,
    CharType,
    DataType,
    DecimalType,
    MapType,
    MultisetType,
    RowField,
    RowType,
    TimestampLtzType,
    TimestampType,
    TimeType,
    VarbinaryType,
    VarcharType,
)
from riacho.sql.errors import did_you_mean
from riacho.sql.token_reader import TokenReader

_PLAIN: dict[str, DataType] = {
    "BOOLEAN": BOOLEAN,
    "TINYINT": TINYINT,
    "SMALLINT": SMALLINT,
    "INT": INT,
    "INTEGER": INT,
    "BIGINT": BIGINT,
    "FLOAT": FLOAT,
    "STRING": STRING,
    "BYTES": BYTES,
    "DATE": DATE,
}

_UNSUPPORTED = {
    "RAW": "there is no JVM: keep the bytes as BYTES",
    "INTERVAL": "keep the number of a unit as BIGINT: INTERVAL n DAY makes an interval of it",
    "VARIANT": "keep JSON as STRING: JSON_VALUE and JSON_QUERY read it",
    "STRUCTURED": "write ROW<name type, …>",
    "DESCRIPTOR": None,
}
"""Types of Flink's that a column cannot have here, and what to have instead."""

MOST_FILLED = 1 << 20
"""Characters or bytes of a fixed length: each value takes them, so a typing error must not take the memory."""

_KEPT_PRECISION = 6
"""Timestamps are kept in microseconds."""


def parse_type(parser: TokenReader) -> DataType:
    """The type that comes next, with its `NOT NULL`. Raises `SqlSyntaxError`."""
    data_type = _nullability(parser, _unadorned(parser))
    while True:  # the postfix forms: INT ARRAY, INT MULTISET
        if parser.take("ARRAY"):
            data_type = _nullability(parser, ArrayType(data_type))
        elif parser.take("MULTISET"):
            data_type = _nullability(parser, MultisetType.of(data_type).with_nullable(True))
        else:
            return data_type


def _nullability(parser: TokenReader, data_type: DataType) -> DataType:
    if parser.take("NOT", "NULL"):
        return data_type.with_nullable(False)
    parser.take("NULL")
    return data_type


def _unadorned(parser: TokenReader) -> DataType:
    start = parser.offset
    name = parser.word("a data type")
    if name in _PLAIN:
        return _PLAIN[name]
    if name == "DOUBLE":
        parser.take("PRECISION")
        return DOUBLE
    build = _PARAMETRIC.get(name)
    if build is not None:
        return build(parser)
    if name in _UNSUPPORTED:
        parser.refuse(f"the type {name} is not supported", start, _UNSUPPORTED[name])
    return parser.refuse(f"'{name}' is no data type of Flink SQL", start, did_you_mean(name, [*_PLAIN, *_PARAMETRIC]))


def _parameters(parser: TokenReader, at_most: int) -> list[int]:
    if not parser.peek("("):
        return []
    start = parser.offset
    numbers = parser.listed(lambda: parser.number("a number"))
    if len(numbers) > at_most:
        parser.refuse(f"the type takes at most {at_most} parameter{'s' * (at_most > 1)}", start)
    return numbers


def _length(parser: TokenReader, default: int) -> int:
    start = parser.offset
    length = (_parameters(parser, 1) or [default])[0]
    if not 0 <= length <= MAX_LENGTH:
        parser.refuse(f"the length must be between 0 and {MAX_LENGTH}", start)
    return length


def _char(parser: TokenReader) -> DataType:
    if parser.take("VARYING"):
        return VarcharType(_length(parser, MAX_LENGTH))
    return CharType(_filled_length(parser, "CHAR"))


def _binary(parser: TokenReader) -> DataType:
    if parser.take("VARYING"):
        return VarbinaryType(_length(parser, MAX_LENGTH))
    return BinaryType(_filled_length(parser, "BINARY"))


def _filled_length(parser: TokenReader, name: str) -> int:
    """The length of a type whose shorter values are filled up."""
    start = parser.offset
    length = _length(parser, 1)
    if length > MOST_FILLED:
        suggestion = f"write VAR{name}({length}), whose values are not"
        parser.refuse(
            f"values of {name}({length}) would be filled to {length}, and {MOST_FILLED} is the most", start, suggestion
        )
    return length


def _decimal(parser: TokenReader) -> DataType:
    start = parser.offset
    given = _parameters(parser, 2)
    precision = given[0] if given else 10
    scale = given[1] if len(given) > 1 else 0
    if not 1 <= precision <= MAX_DECIMAL_PRECISION:
        parser.refuse(f"the precision of DECIMAL must be between 1 and {MAX_DECIMAL_PRECISION}", start)
    if not 0 <= scale <= precision:
        parser.refuse(f"the scale of DECIMAL must be between 0 and its precision {precision}", start)
    return DecimalType(precision, scale)


def _fraction(parser: TokenReader, default: int, what: str) -> int:
    start = parser.offset
    precision = (_parameters(parser, 1) or [default])[0]
    if precision > 9:
        parser.refuse(f"the precision of {what} must be between 0 and 9", start)
    if precision > _KEPT_PRECISION:
        parser.refuse(
            f"{what} is kept in microseconds: a precision of {precision} is not supported", start, "use 6 or less"
        )
    return precision


def _time(parser: TokenReader) -> DataType:
    precision = _fraction(parser, 0, "TIME")
    if parser.take("WITHOUT"):
        parser.expect("TIME", "ZONE")
    return TimeType(precision)


def _timestamp(parser: TokenReader) -> DataType:
    precision = _fraction(parser, 6, "TIMESTAMP")
    if parser.take("WITHOUT"):
        parser.expect("TIME", "ZONE")
    elif parser.peek("WITH", "TIME"):
        parser.refuse_here("TIMESTAMP WITH TIME ZONE is not supported, use TIMESTAMP_LTZ")
    elif parser.take("WITH"):
        parser.expect("LOCAL", "TIME", "ZONE")
        return TimestampLtzType(precision)
    return TimestampType(precision)


def _array(parser: TokenReader) -> DataType:
    parser.expect("<")
    element = parse_type(parser)
    parser.expect(">")
    return ArrayType(element)


def _multiset(parser: TokenReader) -> DataType:
    parser.expect("<")
    element = parse_type(parser)
    parser.expect(">")
    return MultisetType.of(element).with_nullable(True)


def _map(parser: TokenReader) -> DataType:
    parser.expect("<")
    key = parse_type(parser)
    parser.expect(",")
    value = parse_type(parser)
    parser.expect(">")
    return MapType(key, value)


def _row(parser: TokenReader) -> DataType:
    """`ROW<name type ['comment'], …>`; also with parentheses, as the SQL standard writes it."""
    closing = ">" if parser.take("<") else ")"
    if closing == ")":
        parser.expect("(")
    fields: list[RowField] = []
    while not parser.peek(closing):
        if fields:
            parser.expect(",")
        start = parser.offset
        name = parser.identifier("a field name").name
        if any(name == field.name for field in fields):
            parser.refuse(f"the row has two fields '{name}'", start)
        fields.append(RowField(name, parse_type(parser)))
        parser.optional_text()
    parser.expect(closing)
    return RowType(tuple(fields))


_PARAMETRIC: dict[str, Callable[[TokenReader], DataType]] = {
    "CHAR": _char,
    "CHARACTER": _char,
    "VARCHAR": lambda parser: VarcharType(_length(parser, MAX_LENGTH)),
    "BINARY": _binary,
    "VARBINARY": lambda parser: VarbinaryType(_length(parser, MAX_LENGTH)),
    "DECIMAL": _decimal,
    "DEC": _decimal,
    "NUMERIC": _decimal,
    "TIME": _time,
    "TIMESTAMP": _timestamp,
    "TIMESTAMP_LTZ": lambda parser: TimestampLtzType(_fraction(parser, 6, "TIMESTAMP_LTZ")),
    "ARRAY": _array,
    "MAP": _map,
    "MULTISET": _multiset,
    "ROW": _row,
}

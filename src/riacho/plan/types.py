"""SQL data types as Flink defines them: parameters, nullability and the way they are written.

Source: Flink, "Data Types" (docs/dev/table/types).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

MAX_LENGTH = 2_147_483_647
"""The length of STRING and BYTES, which are VARCHAR and VARBINARY of this length."""

MAX_DECIMAL_PRECISION = 38


@dataclass(frozen=True, slots=True)
class DataType:
    """A SQL type. Two types are equal when their parameters and their nullability are.

    >>> str(DecimalType(10, 2, nullable=False))
    'DECIMAL(10, 2) NOT NULL'
    >>> str(VarcharType())
    'STRING'
    """

    nullable: bool = field(default=True, kw_only=True)

    def with_nullable(self, nullable: bool) -> Self:
        """The same type, nullable or not."""
        return self if self.nullable == nullable else replace(self, nullable=nullable)

    def name(self) -> str:
        """How the type is written in SQL, without its nullability."""
        raise NotImplementedError(f"{type(self).__name__} must name itself")

    def __str__(self) -> str:
        return self.name() if self.nullable else f"{self.name()} NOT NULL"

    def same_as(self, other: DataType) -> bool:
        """Whether both are one type, nullability aside."""
        return self.with_nullable(True) == other.with_nullable(True)


@dataclass(frozen=True, slots=True)
class NullType(DataType):
    """The type of an untyped NULL literal."""

    def name(self) -> str:
        return "NULL"


@dataclass(frozen=True, slots=True)
class BooleanType(DataType):
    """TRUE, FALSE and, as any nullable type, UNKNOWN."""

    def name(self) -> str:
        return "BOOLEAN"


@dataclass(frozen=True, slots=True)
class IntegerType(DataType):
    """TINYINT, SMALLINT, INT and BIGINT: two's complement of 8, 16, 32 or 64 bits that wraps, as in Flink."""

    bits: int
    NAMES: ClassVar[dict[int, str]] = {8: "TINYINT", 16: "SMALLINT", 32: "INT", 64: "BIGINT"}

    def name(self) -> str:
        return self.NAMES[self.bits]


@dataclass(frozen=True, slots=True)
class FloatType(DataType):
    """FLOAT (32 bits) and DOUBLE (64 bits)."""

    bits: int
    NAMES: ClassVar[dict[int, str]] = {32: "FLOAT", 64: "DOUBLE"}

    def name(self) -> str:
        return self.NAMES[self.bits]


@dataclass(frozen=True, slots=True)
class DecimalType(DataType):
    """An exact number: `precision` digits in all, at most 38, `scale` of them after the point."""

    precision: int = 10
    scale: int = 0

    def name(self) -> str:
        return f"DECIMAL({self.precision}, {self.scale})"


@dataclass(frozen=True, slots=True)
class _SizedType(DataType):
    length: int = MAX_LENGTH
    WORD: ClassVar[str]
    UNBOUNDED: ClassVar[str | None] = None

    def name(self) -> str:
        if self.UNBOUNDED is not None and self.length == MAX_LENGTH:
            return self.UNBOUNDED
        return f"{self.WORD}({self.length})"


@dataclass(frozen=True, slots=True)
class CharType(_SizedType):
    """Fixed length in characters: values are padded with spaces when they are cast to it."""

    WORD: ClassVar[str] = "CHAR"


@dataclass(frozen=True, slots=True)
class VarcharType(_SizedType):
    """Up to `length` characters; STRING when unbounded."""

    WORD: ClassVar[str] = "VARCHAR"
    UNBOUNDED: ClassVar[str | None] = "STRING"


@dataclass(frozen=True, slots=True)
class BinaryType(_SizedType):
    """Fixed length in bytes: values are padded with zeros, or cut, when they are cast to it."""

    WORD: ClassVar[str] = "BINARY"


@dataclass(frozen=True, slots=True)
class VarbinaryType(_SizedType):
    """Up to `length` bytes; BYTES when unbounded."""

    WORD: ClassVar[str] = "VARBINARY"
    UNBOUNDED: ClassVar[str | None] = "BYTES"


@dataclass(frozen=True, slots=True)
class DateType(DataType):
    """A day of the proleptic Gregorian calendar."""

    def name(self) -> str:
        return "DATE"


@dataclass(frozen=True, slots=True)
class TimeType(DataType):
    """A time of day to 10^-precision seconds."""

    precision: int = 0

    def name(self) -> str:
        return f"TIME({self.precision})"


@dataclass(frozen=True, slots=True)
class TimestampType(DataType):
    """Date and time of day without a zone, to 10^-precision seconds; kept in microseconds, so 6 at most."""

    precision: int = 6

    def name(self) -> str:
        return f"TIMESTAMP({self.precision})"


@dataclass(frozen=True, slots=True)
class TimestampLtzType(DataType):
    """An instant, shown and cast in the session's zone (`table.local-time-zone`); kept in microseconds."""

    precision: int = 6

    def name(self) -> str:
        return f"TIMESTAMP_LTZ({self.precision})"


@dataclass(frozen=True, slots=True)
class DayTimeIntervalType(DataType):
    """INTERVAL of days to seconds: a duration in milliseconds."""

    def name(self) -> str:
        return "INTERVAL DAY TO SECOND"


@dataclass(frozen=True, slots=True)
class YearMonthIntervalType(DataType):
    """INTERVAL of years to months: a number of months."""

    def name(self) -> str:
        return "INTERVAL YEAR TO MONTH"


@dataclass(frozen=True, slots=True)
class ArrayType(DataType):
    """A list whose elements are of one type; each may be null where that type is nullable."""

    element: DataType

    def name(self) -> str:
        return f"ARRAY<{self.element}>"


@dataclass(frozen=True, slots=True)
class MapType(DataType):
    """Values by key."""

    key: DataType
    value: DataType

    def name(self) -> str:
        return f"MAP<{self.key}, {self.value}>"


@dataclass(frozen=True, slots=True)
class MultisetType(MapType):
    """Elements, each with how often it occurs: kept as a map from the element to an INT.

    >>> str(MultisetType.of(STRING))
    'MULTISET<STRING> NOT NULL'
    """

    @staticmethod
    def of(element: DataType) -> MultisetType:
        """The type of a multiset that is there."""
        return MultisetType(element, INT.with_nullable(False), nullable=False)

    def name(self) -> str:
        return f"MULTISET<{self.key}>"


@dataclass(frozen=True, slots=True)
class RowField:
    """A named field of a ROW."""

    name: str
    type: DataType

    def __str__(self) -> str:
        return f"`{self.name}` {self.type}"


@dataclass(frozen=True, slots=True)
class RowType(DataType):
    """Named fields, in order."""

    fields: tuple[RowField, ...]

    def __iter__(self) -> Iterator[RowField]:
        return iter(self.fields)

    def name(self) -> str:
        return f"ROW<{', '.join(str(field) for field in self.fields)}>"


BOOLEAN = BooleanType()
TINYINT = IntegerType(8)
SMALLINT = IntegerType(16)
INT = IntegerType(32)
BIGINT = IntegerType(64)
FLOAT = FloatType(32)
DOUBLE = FloatType(64)
STRING = VarcharType()
BYTES = VarbinaryType()
DATE = DateType()
TIME = TimeType()
TIMESTAMP_3 = TimestampType(3)
TIMESTAMP_6 = TimestampType(6)
TIMESTAMP_LTZ_3 = TimestampLtzType(3)


def is_numeric(data_type: DataType) -> bool:
    """Whether arithmetic applies: an integer, a decimal or a floating-point type."""
    return isinstance(data_type, IntegerType | DecimalType | FloatType)


def is_exact_numeric(data_type: DataType) -> bool:
    """Whether arithmetic is exact: an integer or a decimal type."""
    return isinstance(data_type, IntegerType | DecimalType)


def is_text(data_type: DataType) -> bool:
    """Whether values are texts: CHAR, VARCHAR and STRING."""
    return isinstance(data_type, CharType | VarcharType)


def is_bytes(data_type: DataType) -> bool:
    """Whether values are bytes: BINARY, VARBINARY and BYTES."""
    return isinstance(data_type, BinaryType | VarbinaryType)


def is_temporal(data_type: DataType) -> bool:
    """Whether a value is a point in time: a date, a time of day, a timestamp or an instant."""
    return isinstance(data_type, DateType | TimeType | TimestampType | TimestampLtzType)


def is_nested(data_type: DataType) -> bool:
    """Whether values have parts, and so no order: arrays, maps and rows."""
    return isinstance(data_type, ArrayType | MapType | RowType)


def is_interval(data_type: DataType) -> bool:
    """Whether a value is a span of time."""
    return isinstance(data_type, DayTimeIntervalType | YearMonthIntervalType)


def decimal_of_integer(data_type: IntegerType) -> DecimalType:
    """The decimal that holds every value of an integer type.

    >>> str(decimal_of_integer(INT))
    'DECIMAL(10, 0)'
    """
    digits = {8: 3, 16: 5, 32: 10, 64: 19}
    return DecimalType(digits[data_type.bits], 0, nullable=data_type.nullable)

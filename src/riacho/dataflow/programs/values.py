"""The values that programs know, and how they lie in memory."""

from __future__ import annotations

from dataclasses import dataclass

from riacho.kernels import program_memory as memory
from riacho.plan.types import (
    BooleanType,
    DataType,
    DateType,
    DayTimeIntervalType,
    DecimalType,
    FloatType,
    IntegerType,
    TimestampLtzType,
    TimestampType,
    TimeType,
    YearMonthIntervalType,
    is_bytes,
    is_text,
)

_LAYOUTS = {8: memory.INT8, 16: memory.INT16, 32: memory.INT32, 64: memory.INT64}


class Unsupported(Exception):  # noqa: N818 - no failure: the step is evaluated another way
    """An expression that programs do not know."""


def layout_of(data_type: DataType) -> int:
    """How a column of the type lies in memory. Raises `Unsupported`."""
    match data_type:
        case IntegerType(bits=bits) | FloatType(bits=bits):
            return _LAYOUTS[bits]
        case BooleanType():
            return memory.BIT
        case DateType():
            return memory.INT32
        case TimeType() | TimestampType() | TimestampLtzType() | DayTimeIntervalType() | YearMonthIntervalType():
            return memory.INT64
        case DecimalType():
            return memory.WIDE
    if is_text(data_type) or is_bytes(data_type):
        return memory.WIDE
    raise Unsupported


def arrow_code(data_type: DataType) -> str:
    """Arrow's code of a column that is no string."""
    match data_type:
        case IntegerType(bits=bits):
            return {8: "c", 16: "s", 32: "i", 64: "l"}[bits]
        case FloatType(bits=bits):
            return "f" if bits == 32 else "g"
        case BooleanType():
            return "b"
        case DateType():
            return "tdD"
        case TimeType():
            return "ttn"
        case TimestampType():
            return "tsu:"
        case TimestampLtzType():
            return "tsu:UTC"
        case DecimalType(precision=precision, scale=scale):
            return f"d:{precision},{scale}"
    return "l"  # intervals


def is_whole(data_type: DataType) -> bool:
    """Whether values are computed with as 64-bit integers."""
    return isinstance(
        data_type,
        IntegerType | DateType | TimeType | TimestampType | TimestampLtzType | DayTimeIntervalType | BooleanType,
    )


def is_wide(data_type: DataType) -> bool:
    """Whether values take two registers: decimals and strings."""
    return isinstance(data_type, DecimalType) or is_text(data_type)


@dataclass(frozen=True, slots=True)
class Given:
    """A value as the input has it: the field, and the fields of ROWs on the way down."""

    type: DataType
    path: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Computed:
    """A value in a register, or in two if it is wide."""

    type: DataType
    register: int


Value = Given | Computed

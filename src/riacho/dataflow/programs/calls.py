"""What calls of functions become in a program, by name. The assembler has the rest of the expressions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final, Protocol

from riacho.dataflow.programs.values import Given, Unsupported, Value, is_wide
from riacho.kernels import program_memory as memory
from riacho.kernels import programs as kernel
from riacho.plan.expressions import Call, Cast, Expression, Literal
from riacho.plan.types import (
    MAX_DECIMAL_PRECISION,
    DataType,
    DayTimeIntervalType,
    DecimalType,
    IntegerType,
    TimestampLtzType,
    TimestampType,
    decimal_of_integer,
    is_text,
)

MICROSECONDS = 1000
"""Microseconds in a millisecond: points in time are kept in the former, intervals in the latter."""

_MINUTE_US: Final = 60_000_000
_HOUR_US: Final = 60 * _MINUTE_US
_DAY_US: Final = 24 * _HOUR_US


class Assembler(Protocol):
    """What puts a program together: see `riacho.dataflow.programs.assembler`."""

    def emit(self, operation: int, first: int, second: int = 0, third: int = 0) -> int:
        """Add an operation; the register of its result."""
        ...

    def constant(self, value: int, *, null: bool = False) -> int:
        """The register of a number."""
        ...

    def source(self, path: tuple[int, ...]) -> int:
        """The number of a column that the program reads."""
        ...

    def value(self, expression: Expression, fields: Sequence[Value]) -> Value:
        """What an expression is over these fields. Raises `Unsupported`."""
        ...

    def register(self, value: Value) -> int:
        """The register that holds a value."""
        ...


Make = Callable[[Assembler, Call, Sequence[Value]], int]
"""The register of a call's result. Raises `Unsupported`."""


def _operands(assembler: Assembler, call: Call, fields: Sequence[Value]) -> list[int]:
    return [assembler.register(assembler.value(argument, fields)) for argument in call.arguments]


def _is_exact(kind: DataType) -> bool:
    return isinstance(kind, IntegerType | DecimalType)


def as_decimal(kind: DataType) -> DecimalType:
    """A decimal type that has all numbers of an exact one."""
    if isinstance(kind, DecimalType):
        return kind
    assert isinstance(kind, IntegerType)
    return decimal_of_integer(kind)


def largest(number: Expression) -> int:
    """What the digits of an exact number do not exceed, its point left out: 908 for 0.908."""
    kind = number.type
    match number:
        case Literal(value=Decimal() | int() as value):
            return abs(int(Decimal(value).scaleb(as_decimal(kind).scale)))
        case Cast(operand=operand) if _is_exact(operand.type):
            missing = as_decimal(kind).scale - as_decimal(operand.type).scale
            if missing >= 0:
                return min(largest(operand) * int(10**missing), _largest_of(kind))
        case Call(function="*", arguments=(one, other)) if isinstance(kind, DecimalType):
            return min(largest(one) * largest(other), _largest_of(kind))
    return _largest_of(kind)


def _largest_of(kind: DataType) -> int:
    return 1 << (kind.bits - 1) if isinstance(kind, IntegerType) else int(10 ** as_decimal(kind).precision) - 1


def scaled(assembler: Assembler, register: int, source: DataType, scale: int) -> int:
    """A number, which fits, as the wide digits of a decimal with so many after the point."""
    if isinstance(source, IntegerType):
        register = assembler.emit(kernel.WIDEN, register)
    missing = scale - as_decimal(source).scale
    return assembler.emit(kernel.WIDE_MULTIPLY, register, assembler.constant(10**missing)) if missing else register


# ---- arithmetic -----------------------------------------------------------------------------------------------


def _arithmetic(operation: int, wide: int) -> Make:
    def make(assembler: Assembler, call: Call, fields: Sequence[Value]) -> int:
        kind = call.type
        kinds = [argument.type for argument in call.arguments]
        if isinstance(kind, DecimalType):
            return _decimals(assembler, wide, call, kind, fields)
        if isinstance(kind, IntegerType) and all(part.same_as(kind) for part in kinds):
            result = assembler.emit(operation, *_operands(assembler, call, fields))
            return result if kind.bits == 64 else assembler.emit(kernel.WRAP, result, kind.bits)
        point, interval = kinds
        moved = isinstance(point, TimestampType | TimestampLtzType) and isinstance(interval, DayTimeIntervalType)
        if not moved or operation == kernel.MULTIPLY or not point.same_as(kind):
            raise Unsupported
        first, second = _operands(assembler, call, fields)
        factor = assembler.constant(MICROSECONDS)
        return assembler.emit(operation, first, assembler.emit(kernel.MULTIPLY, second, factor))

    return make


def _decimals(assembler: Assembler, operation: int, call: Call, kind: DecimalType, fields: Sequence[Value]) -> int:
    """Where no digit is lost, and none is too many."""
    first, second = (argument.type for argument in call.arguments)
    if not _is_exact(first) or not _is_exact(second):
        raise Unsupported
    one, other = as_decimal(first), as_decimal(second)
    if operation == kernel.WIDE_MULTIPLY:
        fits = one.precision + other.precision <= MAX_DECIMAL_PRECISION and one.scale + other.scale == kind.scale
        scales = (one.scale, other.scale)
    else:
        scale = max(one.scale, other.scale)
        whole = max(one.precision - one.scale, other.precision - other.scale)
        fits = whole + scale < MAX_DECIMAL_PRECISION and scale == kind.scale
        scales = (scale, scale)
    if not fits:
        raise Unsupported
    left, right = _operands(assembler, call, fields)
    return assembler.emit(
        operation, scaled(assembler, left, first, scales[0]), scaled(assembler, right, second, scales[1])
    )


def _by_number(operation: int) -> Make:
    """A division by a constant, which cannot fail."""

    def make(assembler: Assembler, call: Call, fields: Sequence[Value]) -> int:
        dividend, divisor = call.arguments
        number = divisor.operand if isinstance(divisor, Cast) else divisor
        if not isinstance(number, Literal) or not isinstance(number.value, int) or number.value in (0, -1):
            raise Unsupported
        if not isinstance(dividend.type, IntegerType) or not isinstance(call.type, IntegerType):
            raise Unsupported
        return assembler.emit(operation, assembler.register(assembler.value(dividend, fields)), int(number.value))

    return make


def _part_of_time(within: int, unit: int) -> Make:
    """So many whole units of time have gone by since the last of the longer ones began."""

    def make(assembler: Assembler, call: Call, fields: Sequence[Value]) -> int:
        (point,) = call.arguments
        if not isinstance(point.type, TimestampType):
            raise Unsupported
        (value,) = _operands(assembler, call, fields)
        rest = assembler.emit(kernel.FLOOR_REMAINDER, value, within)
        return assembler.emit(kernel.FLOOR_DIVIDE, rest, unit)

    return make


# ---- comparisons ----------------------------------------------------------------------------------------------


def _compare(assembler: Assembler, call: Call, fields: Sequence[Value]) -> int:
    return _compared(assembler, call.function, call.arguments[0], call.arguments[1], fields)


def _compared(assembler: Assembler, function: str, one: Expression, other: Expression, fields: Sequence[Value]) -> int:
    if function in (">", "<="):
        one, other = other, one
    equal, less, first, second = _comparable(assembler, one, other, fields)
    if function in ("=", "<>"):
        found = assembler.emit(equal, first, second)
    elif less is None:
        raise Unsupported
    else:
        found = assembler.emit(less, first, second)
    return assembler.emit(kernel.NOT, found) if function in ("<>", "<=", ">=") else found


def _comparable(
    assembler: Assembler, one: Expression, other: Expression, fields: Sequence[Value]
) -> tuple[int, int | None, int, int]:
    """The operations that tell whether two values are equal and which is less, and the values' registers."""
    first, second = one.type, other.type
    text = is_text(first) and is_text(second)
    exact = _is_exact(first) and _is_exact(second)
    if not text and not exact and not (first.same_as(second) and not is_wide(first)):
        raise Unsupported
    scale = max(as_decimal(first).scale, as_decimal(second).scale) if exact else 0
    if exact and any(
        as_decimal(kind).precision - as_decimal(kind).scale + scale > MAX_DECIMAL_PRECISION for kind in (first, second)
    ):
        raise Unsupported
    left, right = (assembler.register(assembler.value(part, fields)) for part in (one, other))
    if text:
        return kernel.TEXT_EQUAL, None, left, right
    if isinstance(first, DecimalType) or isinstance(second, DecimalType):
        left, right = scaled(assembler, left, first, scale), scaled(assembler, right, second, scale)
        return kernel.WIDE_EQUAL, kernel.WIDE_LESS, left, right
    return kernel.EQUAL, kernel.LESS, left, right


def _between(assembler: Assembler, call: Call, fields: Sequence[Value]) -> int:
    value, low, high = call.arguments
    above, below = _compared(assembler, ">=", value, low, fields), _compared(assembler, "<=", value, high, fields)
    return assembler.emit(kernel.AND, above, below)


def _among(assembler: Assembler, call: Call, fields: Sequence[Value]) -> int:
    value, *others = call.arguments
    found = [_compared(assembler, "=", value, other, fields) for other in others]
    result = found[0]
    for other in found[1:]:
        result = assembler.emit(kernel.OR, result, other)
    return result


# ---- truth ----------------------------------------------------------------------------------------------------


def _connective(operation: int) -> Make:
    def make(assembler: Assembler, call: Call, fields: Sequence[Value]) -> int:
        first, *others = _operands(assembler, call, fields)
        for other in others:
            first = assembler.emit(operation, first, other)
        return first

    return make


def _not(assembler: Assembler, call: Call, fields: Sequence[Value]) -> int:
    (value,) = _operands(assembler, call, fields)
    return assembler.emit(kernel.NOT, value)


def _is_true(assembler: Assembler, call: Call, fields: Sequence[Value]) -> int:
    (value,) = _operands(assembler, call, fields)
    return assembler.emit(kernel.IS_TRUE, value)


def _is_false(assembler: Assembler, call: Call, fields: Sequence[Value]) -> int:
    return assembler.emit(kernel.IS_TRUE, _not(assembler, call, fields))


def _is_null(assembler: Assembler, call: Call, fields: Sequence[Value]) -> int:
    value = assembler.value(call.arguments[0], fields)
    if isinstance(value, Given):
        return assembler.emit(
            kernel.IS_NULL, assembler.emit(kernel.LOAD, assembler.source(value.path), memory.VALIDITY)
        )
    return assembler.emit(kernel.IS_NULL, value.register)


def _opposite(make: Make) -> Make:
    return lambda assembler, call, fields: assembler.emit(kernel.NOT, make(assembler, call, fields))


CALLS: dict[tuple[str, int], Make] = {
    ("+", 2): _arithmetic(kernel.ADD, kernel.WIDE_ADD),
    ("-", 2): _arithmetic(kernel.SUBTRACT, kernel.WIDE_SUBTRACT),
    ("*", 2): _arithmetic(kernel.MULTIPLY, kernel.WIDE_MULTIPLY),
    ("/", 2): _by_number(kernel.DIVIDE),
    ("%", 2): _by_number(kernel.REMAINDER),
    **{(sign, 2): _compare for sign in ("=", "<>", "<", "<=", ">", ">=")},
    ("AND", -1): _connective(kernel.AND),
    ("OR", -1): _connective(kernel.OR),
    ("NOT", 1): _not,
    ("IS NULL", 1): _is_null,
    ("IS NOT NULL", 1): _opposite(_is_null),
    ("IS TRUE", 1): _is_true,
    ("IS NOT TRUE", 1): _opposite(_is_true),
    ("IS FALSE", 1): _is_false,
    ("BETWEEN", 3): _between,
    ("IN", -1): _among,
    ("HOUR", 1): _part_of_time(_DAY_US, _HOUR_US),
    ("MINUTE", 1): _part_of_time(_HOUR_US, _MINUTE_US),
}
"""By name and number of arguments; −1: any number."""

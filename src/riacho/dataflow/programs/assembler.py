"""Expressions become instructions: an assembler for chains of filters and projections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from riacho.dataflow.evaluation.settings import Settings
from riacho.dataflow.programs.values import Computed, Given, Unsupported, Value, is_whole, layout_of
from riacho.kernels import programs as kernel
from riacho.plan.expressions import Call, Case, Cast, Expression, Literal
from riacho.plan.expressions import Column as Field
from riacho.plan.types import (
    DataType,
    DateType,
    DayTimeIntervalType,
    IntegerType,
    RowType,
    TimestampLtzType,
    TimestampType,
    TimeType,
    is_text,
)

MICROSECONDS = 1000
"""Microseconds in a millisecond: points in time are kept in the former, intervals in the latter."""

_HOUR_US: Final = 3_600_000_000
_DAY_US: Final = 24 * _HOUR_US


@dataclass(slots=True)
class Assembler:
    """Gathers the instructions of a chain; equal ones are one."""

    settings: Settings
    lines: dict[tuple[int, ...], int] = field(default_factory=dict)
    sources: dict[tuple[int, ...], int] = field(default_factory=dict)
    """The input's values that are read, each after the ROW around it."""
    texts: list[bytes] = field(default_factory=list)
    """String constants: sources of their own, after those of the input."""

    def emit(self, operation: int, first: int, second: int = 0, third: int = 0) -> int:
        """The register of an instruction's result."""
        return self.lines.setdefault((operation, first, second, third), len(self.lines))

    def copy(self) -> Assembler:
        """As it is now: what a step adds is taken back with it."""
        return Assembler(self.settings, dict(self.lines), dict(self.sources), list(self.texts))

    def source(self, path: tuple[int, ...]) -> int:
        if len(path) > 1:
            self.source(path[:-1])
        return self.sources.setdefault(path, len(self.sources))

    def register(self, value: Value) -> int:
        """A value as a register. Raises `Unsupported` for one that is not computed with."""
        if isinstance(value, Computed):
            return value.register
        if not is_whole(value.type):
            raise Unsupported
        return self.emit(kernel.LOAD, self.source(value.path), layout_of(value.type))

    # ---- expressions ------------------------------------------------------------------------------------------

    def value(self, expression: Expression, fields: Sequence[Value]) -> Value:
        """The value of an expression over these fields. Raises `Unsupported`."""
        match expression:
            case Field(index=index):
                return fields[index]
            case Literal():
                return self._literal(expression)
            case Cast():
                return self._cast(expression, fields)
            case Case():
                return self._case(expression, fields)
            case Call():
                return self._call(expression, fields)
        raise Unsupported

    def _literal(self, literal: Literal) -> Value:
        value = literal.value
        if not is_whole(literal.type) or not isinstance(value, bool | int | None):
            raise Unsupported
        if isinstance(literal.type, DateType | TimeType | TimestampType | TimestampLtzType) and value is not None:
            raise Unsupported
        register = self.emit(kernel.CONSTANT, int(value or 0), int(value is None))
        return Computed(literal.type, register)

    def _cast(self, cast: Cast, fields: Sequence[Value]) -> Value:
        source, target = cast.operand.type, cast.type
        operand = self.value(cast.operand, fields)
        if source.same_as(target):
            return Given(target, operand.path) if isinstance(operand, Given) else Computed(target, operand.register)
        widened = isinstance(source, IntegerType) and isinstance(target, IntegerType) and source.bits <= target.bits
        if not widened:
            raise Unsupported
        return Computed(target, self.register(operand))

    def _case(self, case: Case, fields: Sequence[Value]) -> Value:
        if not is_whole(case.type):
            raise Unsupported
        result = self.register(self.value(case.otherwise, fields))
        for condition, value in reversed(case.branches):
            holds = self.register(self.value(condition, fields))
            result = self.emit(kernel.SELECT, holds, self.register(self.value(value, fields)), result)
        return Computed(case.type, result)

    def _call(self, call: Call, fields: Sequence[Value]) -> Value:
        if call.function == "FIELD":
            return self._field(call, fields)
        text = len(call.arguments) > 0 and is_text(call.arguments[0].type)
        if text:
            return Computed(call.type, self._about_text(call, fields))
        make = _CALLS.get((call.function, len(call.arguments))) or _CALLS.get((call.function, -1))
        if make is None:
            raise Unsupported
        for argument in call.arguments:
            if not is_whole(argument.type):
                raise Unsupported
        return Computed(call.type, make(self, call, fields))

    def _field(self, call: Call, fields: Sequence[Value]) -> Value:
        row, name = self.value(call.arguments[0], fields), call.arguments[1]
        if not isinstance(row, Given) or not isinstance(row.type, RowType) or not isinstance(name, Literal):
            raise Unsupported
        place = [item.name for item in row.type].index(str(name.value))
        return Given(call.type, (*row.path, place))

    def _about_text(self, call: Call, fields: Sequence[Value]) -> int:
        if call.function in ("IS NULL", "IS NOT NULL"):
            value = self.value(call.arguments[0], fields)
            assert isinstance(value, Given), "strings are not computed"
            null = self.emit(kernel.TEXT_IS_NULL, self.source(value.path))
            return null if call.function == "IS NULL" else self.emit(kernel.NOT, null)
        if call.function in ("=", "<>"):
            same = self._same_text(call.arguments[0], call.arguments[1], fields)
            return same if call.function == "=" else self.emit(kernel.NOT, same)
        if call.function == "IN":
            first, *others = call.arguments
            found = self._same_text(first, others[0], fields)
            for other in others[1:]:
                found = self.emit(kernel.OR, found, self._same_text(first, other, fields))
            return found
        raise Unsupported

    def _same_text(self, one: Expression, other: Expression, fields: Sequence[Value]) -> int:
        return self.emit(kernel.TEXT_EQUAL, self._text(one, fields), self._text(other, fields))

    def _text(self, expression: Expression, fields: Sequence[Value]) -> int:
        """The source of a string: a field's, or a constant's as its number below 0."""
        if isinstance(expression, Cast) and is_text(expression.operand.type):
            raise Unsupported  # to a shorter type, perhaps
        if isinstance(expression, Literal) and isinstance(expression.value, str):
            constant = expression.value.encode()
            if constant not in self.texts:
                self.texts.append(constant)
            return -1 - self.texts.index(constant)
        value = self.value(expression, fields)
        if not isinstance(value, Given) or not is_text(value.type):
            raise Unsupported
        return self.source(value.path)


_Make = Callable[[Assembler, Call, Sequence[Value]], int]


def _operands(assembler: Assembler, call: Call, fields: Sequence[Value]) -> list[int]:
    return [assembler.register(assembler.value(argument, fields)) for argument in call.arguments]


def _arithmetic(operation: int) -> _Make:
    def make(assembler: Assembler, call: Call, fields: Sequence[Value]) -> int:
        kind = call.type
        kinds = [argument.type for argument in call.arguments]
        if isinstance(kind, IntegerType) and all(part.same_as(kind) for part in kinds):
            result = assembler.emit(operation, *_operands(assembler, call, fields))
            return result if kind.bits == 64 else assembler.emit(kernel.WRAP, result, kind.bits)
        point, interval = kinds
        moved = isinstance(point, TimestampType | TimestampLtzType) and isinstance(interval, DayTimeIntervalType)
        if not moved or operation == kernel.MULTIPLY or not point.same_as(kind):
            raise Unsupported
        first, second = _operands(assembler, call, fields)
        factor = assembler.emit(kernel.CONSTANT, MICROSECONDS)
        return assembler.emit(operation, first, assembler.emit(kernel.MULTIPLY, second, factor))

    return make


def _by_number(operation: int) -> _Make:
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


def _compare(assembler: Assembler, call: Call, fields: Sequence[Value]) -> int:
    first, second = call.arguments
    if not (first.type.same_as(second.type) or _both_integers(first.type, second.type)):
        raise Unsupported
    return _compared(assembler, call.function, *_operands(assembler, call, fields))


def _both_integers(one: DataType, other: DataType) -> bool:
    return isinstance(one, IntegerType) and isinstance(other, IntegerType)


def _compared(assembler: Assembler, function: str, one: int, other: int) -> int:
    match function:
        case "=":
            return assembler.emit(kernel.EQUAL, one, other)
        case "<>":
            return assembler.emit(kernel.NOT, assembler.emit(kernel.EQUAL, one, other))
        case "<":
            return assembler.emit(kernel.LESS, one, other)
        case ">":
            return assembler.emit(kernel.LESS, other, one)
        case "<=":
            return assembler.emit(kernel.NOT, assembler.emit(kernel.LESS, other, one))
    return assembler.emit(kernel.NOT, assembler.emit(kernel.LESS, one, other))


def _connective(operation: int) -> _Make:
    def make(assembler: Assembler, call: Call, fields: Sequence[Value]) -> int:
        first, *others = _operands(assembler, call, fields)
        for other in others:
            first = assembler.emit(operation, first, other)
        return first

    return make


def _tested(operation: int, *, negated: bool = False) -> _Make:
    def make(assembler: Assembler, call: Call, fields: Sequence[Value]) -> int:
        result = assembler.emit(operation, *_operands(assembler, call, fields))
        return assembler.emit(kernel.NOT, result) if negated else result

    return make


def _is_false(assembler: Assembler, call: Call, fields: Sequence[Value]) -> int:
    (value,) = _operands(assembler, call, fields)
    return assembler.emit(kernel.IS_TRUE, assembler.emit(kernel.NOT, value))


def _between(assembler: Assembler, call: Call, fields: Sequence[Value]) -> int:
    value, low, high = call.arguments
    if not all(part.type.same_as(value.type) or _both_integers(part.type, value.type) for part in (low, high)):
        raise Unsupported
    one, least, most = _operands(assembler, call, fields)
    return assembler.emit(kernel.AND, _compared(assembler, ">=", one, least), _compared(assembler, "<=", one, most))


def _among(assembler: Assembler, call: Call, fields: Sequence[Value]) -> int:
    value, *others = call.arguments
    if not all(part.type.same_as(value.type) or _both_integers(part.type, value.type) for part in others):
        raise Unsupported
    one, *rest = _operands(assembler, call, fields)
    found = [assembler.emit(kernel.EQUAL, one, other) for other in rest]
    result = found[0]
    for other in found[1:]:
        result = assembler.emit(kernel.OR, result, other)
    return result


def _hour(assembler: Assembler, call: Call, fields: Sequence[Value]) -> int:
    (point,) = call.arguments
    if not isinstance(point.type, TimestampType):
        raise Unsupported
    (value,) = _operands(assembler, call, fields)
    of_day = assembler.emit(kernel.FLOOR_REMAINDER, value, _DAY_US)
    return assembler.emit(kernel.FLOOR_DIVIDE, of_day, _HOUR_US)


_CALLS: dict[tuple[str, int], _Make] = {
    ("+", 2): _arithmetic(kernel.ADD),
    ("-", 2): _arithmetic(kernel.SUBTRACT),
    ("*", 2): _arithmetic(kernel.MULTIPLY),
    ("/", 2): _by_number(kernel.DIVIDE),
    ("%", 2): _by_number(kernel.REMAINDER),
    **{(sign, 2): _compare for sign in ("=", "<>", "<", "<=", ">", ">=")},
    ("AND", -1): _connective(kernel.AND),
    ("OR", -1): _connective(kernel.OR),
    ("NOT", 1): _tested(kernel.NOT),
    ("IS NULL", 1): _tested(kernel.IS_NULL),
    ("IS NOT NULL", 1): _tested(kernel.IS_NULL, negated=True),
    ("IS TRUE", 1): _tested(kernel.IS_TRUE),
    ("IS NOT TRUE", 1): _tested(kernel.IS_TRUE, negated=True),
    ("IS FALSE", 1): _is_false,
    ("BETWEEN", 3): _between,
    ("IN", -1): _among,
    ("HOUR", 1): _hour,
}
"""By name and number of arguments; −1: any number."""

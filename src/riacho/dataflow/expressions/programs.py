"""Chains of filters and projections as programs of `kernels.programs`: one call a batch, whatever the chain.

Polars evaluates a step at a time, which for a few hundred rows costs what its calls cost. Programs know integers,
points in time, booleans, the equality of strings and whole values passed on; a step with anything else, or with an
expression that can fail, is not for them. The two ways give the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import Batch, Int64Array
from riacho.dataflow.buffered import BufferedColumns, buffers_of
from riacho.dataflow.evaluation.settings import Settings
from riacho.dataflow.expressions.compiler import fold_constants
from riacho.formats.arrow import Buffers, Column, memory_at, strings, view_data
from riacho.kernels import programs as kernel
from riacho.plan.expressions import Call, Case, Cast, Expression, Literal, conjuncts
from riacho.plan.expressions import Column as Field
from riacho.plan.relations import Filter, Project, Schema
from riacho.plan.types import (
    BooleanType,
    DataType,
    DateType,
    DayTimeIntervalType,
    DecimalType,
    IntegerType,
    RowType,
    TimestampLtzType,
    TimestampType,
    TimeType,
    is_bytes,
    is_text,
)

MICROSECONDS = 1000
"""Microseconds in a millisecond: points in time are kept in the former, intervals in the latter."""

NO_LAYOUT: Final = -1
"""That of a ROW, which has only its validity."""

ALIGNED: Final = 64
"""Outputs begin at multiples of this, as Arrow advises."""

_INLINE: Final = 12
"""A view holds up to so many bytes itself."""

_HOUR_US: Final = 3_600_000_000
_DAY_US: Final = 24 * _HOUR_US

_LAYOUTS = {8: kernel.INT8, 16: kernel.INT16, 32: kernel.INT32, 64: kernel.INT64}
_WIDTHS = {kernel.BIT: 1, kernel.INT8: 1, kernel.INT16: 2, kernel.INT32: 4, kernel.INT64: 8, kernel.WIDE: 16}
_KINDS: dict[int, type[np.generic]] = {
    kernel.INT8: np.int8,
    kernel.INT16: np.int16,
    kernel.INT32: np.int32,
    kernel.INT64: np.int64,
}


class _Unsupported(Exception):  # noqa: N818 - no failure: the step is evaluated another way
    """An expression that programs do not know."""


def _layout(data_type: DataType) -> int:
    """How a column of the type lies in memory. Raises `_Unsupported`."""
    match data_type:
        case IntegerType(bits=bits):
            return _LAYOUTS[bits]
        case BooleanType():
            return kernel.BIT
        case DateType():
            return kernel.INT32
        case TimeType() | TimestampType() | TimestampLtzType() | DayTimeIntervalType():
            return kernel.INT64
        case DecimalType():
            return kernel.WIDE
    if is_text(data_type) or is_bytes(data_type):
        return kernel.WIDE
    raise _Unsupported


def _format(data_type: DataType) -> str:
    """Arrow's code of a column that is no string."""
    match data_type:
        case IntegerType(bits=bits):
            return {8: "c", 16: "s", 32: "i", 64: "l"}[bits]
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


def _is_whole(data_type: DataType) -> bool:
    """Whether values are computed with as 64-bit integers."""
    return isinstance(
        data_type,
        IntegerType | DateType | TimeType | TimestampType | TimestampLtzType | DayTimeIntervalType | BooleanType,
    )


@dataclass(frozen=True, slots=True)
class _Given:
    """A value as the input has it: the field, and the fields of ROWs on the way down."""

    type: DataType
    path: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Computed:
    """A value in a register."""

    type: DataType
    register: int


_Value = _Given | _Computed


@dataclass(slots=True)
class _Assembler:
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

    def copy(self) -> _Assembler:
        """As it is now: what a step adds is taken back with it."""
        return _Assembler(self.settings, dict(self.lines), dict(self.sources), list(self.texts))

    def source(self, path: tuple[int, ...]) -> int:
        if len(path) > 1:
            self.source(path[:-1])
        return self.sources.setdefault(path, len(self.sources))

    def register(self, value: _Value) -> int:
        """A value as a register. Raises `_Unsupported` for one that is not computed with."""
        if isinstance(value, _Computed):
            return value.register
        if not _is_whole(value.type):
            raise _Unsupported
        return self.emit(kernel.LOAD, self.source(value.path), _layout(value.type))

    # ---- expressions ------------------------------------------------------------------------------------------

    def value(self, expression: Expression, fields: Sequence[_Value]) -> _Value:
        """The value of an expression over these fields. Raises `_Unsupported`."""
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
        raise _Unsupported

    def _literal(self, literal: Literal) -> _Value:
        value = literal.value
        if not _is_whole(literal.type) or not isinstance(value, bool | int | None):
            raise _Unsupported
        if isinstance(literal.type, DateType | TimeType | TimestampType | TimestampLtzType) and value is not None:
            raise _Unsupported
        register = self.emit(kernel.CONSTANT, int(value or 0), int(value is None))
        return _Computed(literal.type, register)

    def _cast(self, cast: Cast, fields: Sequence[_Value]) -> _Value:
        source, target = cast.operand.type, cast.type
        operand = self.value(cast.operand, fields)
        if source.same_as(target):
            return _Given(target, operand.path) if isinstance(operand, _Given) else _Computed(target, operand.register)
        widened = isinstance(source, IntegerType) and isinstance(target, IntegerType) and source.bits <= target.bits
        if not widened:
            raise _Unsupported
        return _Computed(target, self.register(operand))

    def _case(self, case: Case, fields: Sequence[_Value]) -> _Value:
        if not _is_whole(case.type):
            raise _Unsupported
        result = self.register(self.value(case.otherwise, fields))
        for condition, value in reversed(case.branches):
            holds = self.register(self.value(condition, fields))
            result = self.emit(kernel.SELECT, holds, self.register(self.value(value, fields)), result)
        return _Computed(case.type, result)

    def _call(self, call: Call, fields: Sequence[_Value]) -> _Value:
        if call.function == "FIELD":
            return self._field(call, fields)
        text = len(call.arguments) > 0 and is_text(call.arguments[0].type)
        if text:
            return _Computed(call.type, self._about_text(call, fields))
        make = _CALLS.get((call.function, len(call.arguments))) or _CALLS.get((call.function, -1))
        if make is None:
            raise _Unsupported
        for argument in call.arguments:
            if not _is_whole(argument.type):
                raise _Unsupported
        return _Computed(call.type, make(self, call, fields))

    def _field(self, call: Call, fields: Sequence[_Value]) -> _Value:
        row, name = self.value(call.arguments[0], fields), call.arguments[1]
        if not isinstance(row, _Given) or not isinstance(row.type, RowType) or not isinstance(name, Literal):
            raise _Unsupported
        place = [item.name for item in row.type].index(str(name.value))
        return _Given(call.type, (*row.path, place))

    def _about_text(self, call: Call, fields: Sequence[_Value]) -> int:
        if call.function in ("IS NULL", "IS NOT NULL"):
            value = self.value(call.arguments[0], fields)
            assert isinstance(value, _Given), "strings are not computed"
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
        raise _Unsupported

    def _same_text(self, one: Expression, other: Expression, fields: Sequence[_Value]) -> int:
        return self.emit(kernel.TEXT_EQUAL, self._text(one, fields), self._text(other, fields))

    def _text(self, expression: Expression, fields: Sequence[_Value]) -> int:
        """The source of a string: a field's, or a constant's as its number below 0."""
        if isinstance(expression, Cast) and is_text(expression.operand.type):
            raise _Unsupported  # to a shorter type, perhaps
        if isinstance(expression, Literal) and isinstance(expression.value, str):
            constant = expression.value.encode()
            if constant not in self.texts:
                self.texts.append(constant)
            return -1 - self.texts.index(constant)
        value = self.value(expression, fields)
        if not isinstance(value, _Given) or not is_text(value.type):
            raise _Unsupported
        return self.source(value.path)


_Make = Callable[[_Assembler, Call, Sequence[_Value]], int]


def _operands(assembler: _Assembler, call: Call, fields: Sequence[_Value]) -> list[int]:
    return [assembler.register(assembler.value(argument, fields)) for argument in call.arguments]


def _arithmetic(operation: int) -> _Make:
    def make(assembler: _Assembler, call: Call, fields: Sequence[_Value]) -> int:
        kind = call.type
        kinds = [argument.type for argument in call.arguments]
        if isinstance(kind, IntegerType) and all(part.same_as(kind) for part in kinds):
            result = assembler.emit(operation, *_operands(assembler, call, fields))
            return result if kind.bits == 64 else assembler.emit(kernel.WRAP, result, kind.bits)
        point, interval = kinds
        moved = isinstance(point, TimestampType | TimestampLtzType) and isinstance(interval, DayTimeIntervalType)
        if not moved or operation == kernel.MULTIPLY or not point.same_as(kind):
            raise _Unsupported
        first, second = _operands(assembler, call, fields)
        factor = assembler.emit(kernel.CONSTANT, MICROSECONDS)
        return assembler.emit(operation, first, assembler.emit(kernel.MULTIPLY, second, factor))

    return make


def _by_number(operation: int) -> _Make:
    """A division by a constant, which cannot fail."""

    def make(assembler: _Assembler, call: Call, fields: Sequence[_Value]) -> int:
        dividend, divisor = call.arguments
        number = divisor.operand if isinstance(divisor, Cast) else divisor
        if not isinstance(number, Literal) or not isinstance(number.value, int) or number.value in (0, -1):
            raise _Unsupported
        if not isinstance(dividend.type, IntegerType) or not isinstance(call.type, IntegerType):
            raise _Unsupported
        return assembler.emit(operation, assembler.register(assembler.value(dividend, fields)), int(number.value))

    return make


def _compare(assembler: _Assembler, call: Call, fields: Sequence[_Value]) -> int:
    first, second = call.arguments
    if not (first.type.same_as(second.type) or _both_integers(first.type, second.type)):
        raise _Unsupported
    return _compared(assembler, call.function, *_operands(assembler, call, fields))


def _both_integers(one: DataType, other: DataType) -> bool:
    return isinstance(one, IntegerType) and isinstance(other, IntegerType)


def _compared(assembler: _Assembler, function: str, one: int, other: int) -> int:
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
    def make(assembler: _Assembler, call: Call, fields: Sequence[_Value]) -> int:
        first, *others = _operands(assembler, call, fields)
        for other in others:
            first = assembler.emit(operation, first, other)
        return first

    return make


def _tested(operation: int, *, negated: bool = False) -> _Make:
    def make(assembler: _Assembler, call: Call, fields: Sequence[_Value]) -> int:
        result = assembler.emit(operation, *_operands(assembler, call, fields))
        return assembler.emit(kernel.NOT, result) if negated else result

    return make


def _is_false(assembler: _Assembler, call: Call, fields: Sequence[_Value]) -> int:
    (value,) = _operands(assembler, call, fields)
    return assembler.emit(kernel.IS_TRUE, assembler.emit(kernel.NOT, value))


def _between(assembler: _Assembler, call: Call, fields: Sequence[_Value]) -> int:
    value, low, high = call.arguments
    if not all(part.type.same_as(value.type) or _both_integers(part.type, value.type) for part in (low, high)):
        raise _Unsupported
    one, least, most = _operands(assembler, call, fields)
    return assembler.emit(kernel.AND, _compared(assembler, ">=", one, least), _compared(assembler, "<=", one, most))


def _among(assembler: _Assembler, call: Call, fields: Sequence[_Value]) -> int:
    value, *others = call.arguments
    if not all(part.type.same_as(value.type) or _both_integers(part.type, value.type) for part in others):
        raise _Unsupported
    one, *rest = _operands(assembler, call, fields)
    found = [assembler.emit(kernel.EQUAL, one, other) for other in rest]
    result = found[0]
    for other in found[1:]:
        result = assembler.emit(kernel.OR, result, other)
    return result


def _hour(assembler: _Assembler, call: Call, fields: Sequence[_Value]) -> int:
    (point,) = call.arguments
    if not isinstance(point.type, TimestampType):
        raise _Unsupported
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


@dataclass(frozen=True, slots=True)
class _Output:
    """A column of the result: its values' place among the outputs of the kernel, or those of a ROW's fields."""

    type: DataType
    place: int
    path: tuple[int, ...] | None
    """Where the input has the value, if it is passed on."""
    children: tuple[tuple[str, _Output], ...] = ()


class Program:
    """A chain of steps that was found to be one for the kernel; made by `program_of`."""

    def __init__(
        self, assembler: _Assembler, values: Sequence[_Value], names: tuple[str, ...], *, filters: bool
    ) -> None:
        self._names = names
        self._filters = filters
        self._rows: list[tuple[int, int, int]] = []
        """(layout, register, source) of each output of the kernel; a ROW alone has no layout."""
        self._outputs = [self._output(assembler, value) for value in values]
        self._registers = max(len(assembler.lines), 1)
        self._paths = list(assembler.sources)
        self._roots = sorted({path[0] for path in self._paths})
        self._texts = [_constant(text) for text in assembler.texts]
        self._program = _instructions(assembler)
        self._words = np.empty((self._registers, kernel.BLOCK), np.int64)
        self._valid = np.empty((self._registers, kernel.BLOCK), np.uint8)

    def _output(self, assembler: _Assembler, value: _Value) -> _Output:
        place = len(self._rows)
        if isinstance(value, _Computed):
            layout = kernel.INT8 if isinstance(value.type, BooleanType) else _layout(value.type)
            self._rows.append((layout, value.register, -1))
            return _Output(value.type, place, None)
        source = assembler.source(value.path)
        if not isinstance(value.type, RowType):
            self._rows.append((_layout(value.type), -1, source))
            return _Output(value.type, place, value.path)
        self._rows.append((NO_LAYOUT, -1, source))
        children = tuple(
            (item.name, self._output(assembler, _Given(item.type, (*value.path, index))))
            for index, item in enumerate(value.type)
        )
        return _Output(value.type, place, value.path, children)

    def run(self, batch: Batch) -> Batch:
        """The rows that the chain makes of a batch, which has some."""
        rows = len(batch)
        found, owner = buffers_of(batch.rows, self._roots)
        given = dict(zip(self._roots, found, strict=True))
        sources, addresses = self._locate(given)
        table, size = self._lay_out(rows, given)
        arena = np.empty(size, np.uint8)
        has_nulls = np.zeros(len(table), np.uint8)
        kept = np.empty(rows if self._filters else 0, np.int64)
        count = kernel.run_program(
            self._program,
            sources,
            addresses,
            table,
            rows,
            self._registers,
            self._words,
            self._valid,
            arena,
            has_nulls,
            kept,
        )
        result = _Result(table, arena, has_nulls, count, given, owner)
        made = BufferedColumns(self._names, tuple(result.column(output) for output in self._outputs), count)
        return batch.with_rows(made) if count == rows else batch.with_rows_of(made, kept[:count])

    def _locate(self, given: Mapping[int, Buffers]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
        """The kernel's tables of sources, and of the buffers of those that are strings."""
        sources = np.zeros((len(self._paths) + len(self._texts), kernel.SOURCE_COLUMNS), np.uint64)
        addresses: list[int] = []
        for number, path in enumerate(self._paths):
            place = _within(given, path)
            parent = self._paths.index(path[:-1]) + 1 if len(path) > 1 else 0
            data = place.data[0] if place.data else 0
            sources[number] = (place.valid, data, place.offset, len(addresses), parent, 1)
            addresses.extend(place.data[1:-1])
        for number, (view, text) in enumerate(self._texts, len(self._paths)):
            sources[number] = (0, view.ctypes.data, 0, len(addresses), 0, 0)
            addresses.append(text.ctypes.data)
        return sources, np.array(addresses or [0], np.uint64)

    def _lay_out(self, rows: int, given: Mapping[int, Buffers]) -> tuple[Int64Array, int]:
        """The kernel's table of outputs, and the size of the arena that they fill.

        Where every row stays, the values that are passed on stay where they are.
        """
        table = np.empty((len(self._rows), kernel.OUT_COLUMNS), np.int64)
        size = 0
        for out, (layout, register, source) in enumerate(self._rows):
            data = -1
            if layout != NO_LAYOUT and not (register < 0 and self._stays(source, given)):
                data, size = size, size + _padded(_WIDTHS[layout] * rows)
            table[out] = (layout, register, source, data, size)
            size += _padded(rows)
        return table, size

    def _stays(self, source: int, given: Mapping[int, Buffers]) -> bool:
        """Whether a source's values need not be copied; bits that begin within a byte must be."""
        return not self._filters and _within(given, self._paths[source]).offset % 8 == 0


@dataclass(frozen=True, slots=True)
class _Result:
    """What the kernel wrote: so many `rows`."""

    table: Int64Array
    arena: npt.NDArray[np.uint8]
    has_nulls: npt.NDArray[np.uint8]
    rows: int
    given: Mapping[int, Buffers]
    owner: object

    def column(self, output: _Output) -> Column:
        layout, _, _, data, validity = self.table[output.place].tolist()
        valid = None
        if self.has_nulls[output.place]:
            valid = self.arena[validity : validity + self.rows].view(np.bool_)
        if isinstance(output.type, RowType):
            children = tuple((name, self.column(child)) for name, child in output.children)
            return Column("+s", self.rows, (), valid, children)
        if isinstance(output.type, BooleanType):
            return Column("b", self.rows, (self._bits(output, data),), valid)
        if data >= 0:
            values = self.arena[data : data + _WIDTHS[layout] * self.rows]
        else:
            place = _within(self.given, output.path or ())
            values = memory_at(place.data[0] + place.offset * _WIDTHS[layout], self.rows * _WIDTHS[layout], self.owner)
        if is_text(output.type) or is_bytes(output.type):
            assert output.path is not None, "strings are not computed"
            kept = view_data(_within(self.given, output.path), self.owner)
            return strings(values, kept, valid, text=is_text(output.type))
        code = _format(output.type)
        return Column(code, self.rows, (values if layout == kernel.WIDE else values.view(_KINDS[layout]),), valid)

    def _bits(self, output: _Output, data: int) -> npt.NDArray[np.uint8]:
        if data >= 0:
            return np.packbits(self.arena[data : data + self.rows], bitorder="little")
        place = _within(self.given, output.path or ())
        return memory_at(place.data[0] + place.offset // 8, -(-self.rows // 8), self.owner)


def _within(given: Mapping[int, Buffers], path: tuple[int, ...]) -> Buffers:
    found = given[path[0]]
    for place in path[1:]:
        found = found.children[place]
    return found


def _padded(size: int) -> int:
    """The size rounded up, so that whatever follows is aligned."""
    return -(-size // ALIGNED) * ALIGNED


def _constant(text: bytes) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
    """A string constant as a view and the buffer that it may point into."""
    data = np.frombuffer(text.ljust(16, b"\0"), np.uint8).copy()
    view = np.zeros(4, np.int32)
    view[0] = len(text)
    if len(text) <= _INLINE:
        view[1:] = data[:_INLINE].view(np.int32)
    else:
        view[1] = data[:4].view(np.int32)[0]
    return view, data


def _instructions(assembler: _Assembler) -> Int64Array:
    lines = np.zeros((len(assembler.lines), kernel.INSTRUCTION_COLUMNS), np.int64)
    texts = len(assembler.sources)
    for line, (operation, *operands) in enumerate(assembler.lines):
        if operation == kernel.TEXT_EQUAL:
            operands = [texts - 1 - operand if operand < 0 else operand for operand in operands]
        lines[line] = (operation, line, *operands)
    return lines


def program_of(steps: Sequence[Filter | Project], schema: Schema, settings: Settings) -> tuple[Program | None, int]:
    """A program for as many of the steps, from the first, as programs know; and how many those are.

    `schema` is what the first step reads.
    """
    assembler = _Assembler(settings)
    fields: list[_Value] = [_Given(item.type, (index,)) for index, item in enumerate(schema)]
    names, filters, done = schema.names, False, 0
    before = _Assembler(settings)
    for step in steps:
        try:
            if isinstance(step, Filter):
                for part in conjuncts(fold_constants(step.predicate, settings)):
                    assembler.emit(kernel.KEEP, assembler.register(assembler.value(part, fields)))
                filters = True
            else:
                fields = [assembler.value(fold_constants(part, settings), fields) for part in step.expressions]
                names = step.names
        except _Unsupported:
            assembler = before
            break
        done += 1
        before = assembler.copy()
    try:
        for value in fields:
            _check_output(value.type)
    except _Unsupported:
        return None, 0
    if not done or (not filters and not assembler.lines):
        return None, 0  # columns that are only picked need no kernel
    return Program(assembler, fields, names, filters=filters), done


def _check_output(data_type: DataType) -> None:
    """Raises `_Unsupported` for a type that is not written."""
    if isinstance(data_type, RowType):
        for item in data_type:
            _check_output(item.type)
    else:
        _layout(data_type)

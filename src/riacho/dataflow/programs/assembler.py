"""Expressions become instructions: an assembler for chains of filters and projections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from riacho.dataflow.evaluation.settings import Settings
from riacho.dataflow.functions import NON_DETERMINISTIC
from riacho.dataflow.programs.calls import CALLS, as_decimal, largest, scaled
from riacho.dataflow.programs.moments import is_now, texts_of
from riacho.dataflow.programs.values import Computed, Given, Unsupported, Value, is_whole, is_wide, layout_of
from riacho.kernels import program_memory as memory
from riacho.kernels import programs as kernel
from riacho.kernels.row_words import INLINE_BYTES
from riacho.plan.expressions import Call, Case, Cast, Expression, Literal, PythonCall, depth_reaches, rewrite, walk
from riacho.plan.expressions import Column as Field
from riacho.plan.relations import Schema
from riacho.plan.types import (
    CharType,
    DataType,
    DateType,
    DecimalType,
    IntegerType,
    NullType,
    RowType,
    TimestampLtzType,
    TimestampType,
    TimeType,
    VarcharType,
    is_text,
)

Line = tuple[int, int, int, int]
"""An operation and its operands."""

MAX_DEPTH = 40
"""How deep an expression of a program may nest: gathering one takes up to five calls of Python for each level."""


@dataclass(slots=True)
class Assembler:
    """Gathers the instructions of a chain; equal ones are one.

    `schema` is what the chain's input has. With a `derived` list, what programs do not know is added to it, as an
    expression over the input, to be one more column of the input: what costs next to nothing, and where this `derives`
    all of it.
    """

    settings: Settings
    schema: Schema
    derived: list[Expression] | None = None
    derives: bool = False
    lines: dict[Line, int] = field(default_factory=dict)
    """Instructions, and the first register of each one's result."""
    registers: int = 0
    sources: dict[tuple[int, ...], int] = field(default_factory=dict)
    """The input's values that are read, each after the ROW around it."""
    long_texts: list[bytes] = field(default_factory=list)
    """String constants that do not fit into a view: the first buffers of the table of addresses."""
    conditions: list[int] = field(default_factory=list)
    """The registers that rows are kept by."""

    def emit(self, operation: int, first: int, second: int = 0, third: int = 0) -> int:
        """The register of an instruction's result; some take more than one."""
        line = (operation, first, second, third)
        if line not in self.lines:
            self.lines[line] = self.registers
            self.registers += _registers(operation, second)
        return self.lines[line]

    def keep(self, register: int) -> None:
        """Only rows where this is true stay."""
        self.conditions.append(register)

    def settled(self, value: Value) -> Value:
        """The value in the rows that are kept: one of a CASE's, where the conditions say which.

        Under `kind = 2`, `CASE WHEN kind = 1 THEN a ELSE b END` is `b`.
        """
        if isinstance(value, Given):
            return value
        lines = {register: line for line, register in self.lines.items()}
        register = value.register
        while lines[register][0] in (kernel.SELECT, kernel.WIDE_SELECT):
            _, condition, then, otherwise = lines[register]
            holds = self._holds(condition, lines)
            if holds is None:
                break
            register = then if holds else otherwise
        operation, source, layout, _ = lines[register]
        if register != value.register and operation == kernel.LOAD and layout != memory.VALIDITY:
            return Given(value.type, list(self.sources)[source])
        return Computed(value.type, register)

    def _holds(self, condition: int, lines: Mapping[int, Line]) -> bool | None:
        """Whether a condition is true, or not, in all rows that are kept; None where that is not known."""
        if condition in self.conditions:
            return True
        asked, same, other, _ = lines[condition]
        for known in self.conditions:
            operation, value, constant, _ = lines[known]
            differ = operation == asked == kernel.EQUAL and value == same and constant != other
            if differ and all(lines[each][0] == kernel.CONSTANT and not lines[each][2] for each in (constant, other)):
                return False
        return None

    def copy(self) -> Assembler:
        """As it is now: what a step adds is taken back with it."""
        return replace(
            self,
            derived=None if self.derived is None else list(self.derived),
            lines=dict(self.lines),
            sources=dict(self.sources),
            long_texts=list(self.long_texts),
            conditions=list(self.conditions),
        )

    def source(self, path: tuple[int, ...]) -> int:
        if len(path) > 1:
            self.source(path[:-1])
        return self.sources.setdefault(path, len(self.sources))

    def register(self, value: Value) -> int:
        """A value as a register. Raises `Unsupported` for one that is not computed with."""
        if isinstance(value, Computed):
            return value.register
        if is_text(value.type):
            return self.emit(kernel.LOAD, self.source(value.path), memory.TEXT)
        if not is_whole(value.type) and not isinstance(value.type, DecimalType):
            raise Unsupported
        return self.emit(kernel.LOAD, self.source(value.path), layout_of(value.type))

    def constant(self, value: int, *, null: bool = False) -> int:
        """A register of one number, which is taken as 128 bits."""
        low, high = _signed_words(value)
        return self.emit(kernel.CONSTANT, low, int(null), high)

    # ---- expressions ------------------------------------------------------------------------------------------

    def result(self, expression: Expression, fields: Sequence[Value]) -> Value:
        """The value of an expression that a step computes. Raises `Unsupported`, also for one that nests too deep."""
        if depth_reaches(expression, MAX_DEPTH):
            raise Unsupported
        return self.value(expression, fields)

    def value(self, expression: Expression, fields: Sequence[Value]) -> Value:
        """The value of an expression over these fields. Raises `Unsupported`."""
        try:
            match expression:
                case Field(index=index):
                    return fields[index]
                case Literal():
                    return self._literal(expression, expression.type)
                case Cast():
                    return self._cast(expression, fields)
                case Case():
                    return self._case(expression, fields)
                case Call():
                    return self._call(expression, fields)
        except Unsupported:
            if self.derived is None:
                raise
        return self._derive(expression, fields)

    def _derive(self, expression: Expression, fields: Sequence[Value]) -> Value:
        """A column of its own, where the expression reads the input as it is."""
        if self.derived is None or not (_is_derivable(expression) or is_now(expression)):
            raise Unsupported
        layout_of(expression.type)
        over_input = rewrite(expression, lambda part: self._as_given(part, fields))
        if not self.derives and not is_now(over_input) and texts_of(over_input, self.settings) is None:
            raise Unsupported
        if over_input not in self.derived:
            self.derived.append(over_input)
        return Given(expression.type, (len(self.schema) + self.derived.index(over_input),))

    def _as_given(self, part: Expression, fields: Sequence[Value]) -> Expression:
        if not isinstance(part, Field):
            return part
        value = fields[part.index]
        if not isinstance(value, Given):
            raise Unsupported
        root, *below = value.path
        if root >= len(self.schema):
            assert self.derived is not None
            return self.derived[root - len(self.schema)]
        made: Expression = self.schema.column(root)
        for place in below:
            assert isinstance(made.type, RowType)
            item = made.type.fields[place]
            kind = item.type.with_nullable(item.type.nullable or made.type.nullable)
            name = Literal(CharType(len(item.name), nullable=False), item.name)
            made = Call(kind, "FIELD", (made, name))
        return made

    def _literal(self, literal: Literal, kind: DataType) -> Value:
        value = literal.value
        if value is None and (is_whole(kind) or is_wide(kind)):
            return Computed(kind, self.constant(0, null=True))
        if is_text(kind) and isinstance(value, str):
            return Computed(kind, self._text_constant(value.encode()))
        if isinstance(kind, DecimalType) and isinstance(value, Decimal):
            return Computed(kind, self.constant(int(value.scaleb(kind.scale))))
        if not is_whole(kind) or not isinstance(value, bool | int):
            raise Unsupported
        if isinstance(kind, DateType | TimeType | TimestampType | TimestampLtzType):
            raise Unsupported
        return Computed(kind, self.constant(int(value)))

    def _text_constant(self, text: bytes) -> int:
        """The view of a string: its length, and the text itself or its beginning and where it is."""
        start = len(text).to_bytes(4, "little") + text[:4].ljust(4, b"\0")
        rest = text[4:].ljust(8, b"\0")
        if len(text) > INLINE_BYTES:
            if text not in self.long_texts:
                self.long_texts.append(text)
            rest = self.long_texts.index(text).to_bytes(8, "little")
        low, high = (int.from_bytes(half, "little", signed=True) for half in (start, rest))
        return self.emit(kernel.CONSTANT, low, 0, high)

    def _cast(self, cast: Cast, fields: Sequence[Value]) -> Value:
        source, target = cast.operand.type, cast.type
        if isinstance(source, NullType) and isinstance(cast.operand, Literal):
            return self._literal(cast.operand, target)
        same = source.same_as(target) or _is_longer_text(source, target)
        if not same and not _fits(cast.operand, target):
            raise Unsupported
        operand = self.value(cast.operand, fields)
        if same:
            return Given(target, operand.path) if isinstance(operand, Given) else Computed(target, operand.register)
        if isinstance(target, DecimalType):
            return Computed(target, scaled(self, self.register(operand), source, target.scale))
        return Computed(target, self.register(operand))

    def _case(self, case: Case, fields: Sequence[Value]) -> Value:
        wide = is_wide(case.type)
        if not is_whole(case.type) and not wide:
            raise Unsupported
        parts = [value for _, value in case.branches]
        if not all(_passes_as(part.type, case.type) for part in (*parts, case.otherwise)):
            raise Unsupported
        result = self._branch(case.otherwise, case.type, fields)
        for condition, value in reversed(case.branches):
            holds = self.register(self.value(condition, fields))
            chosen = self._branch(value, case.type, fields)
            result = self.emit(kernel.WIDE_SELECT if wide else kernel.SELECT, holds, chosen, result)
        return Computed(case.type, result)

    def _branch(self, value: Expression, kind: DataType, fields: Sequence[Value]) -> int:
        if isinstance(value, Literal) and value.value is None:
            return self.register(self._literal(value, kind))
        return self.register(self.value(value, fields))

    def _call(self, call: Call, fields: Sequence[Value]) -> Value:
        if call.function == "FIELD":
            return self._field(call, fields)
        make = CALLS.get((call.function, len(call.arguments))) or CALLS.get((call.function, -1))
        if make is None:
            raise Unsupported
        return Computed(call.type, make(self, call, fields))

    def _field(self, call: Call, fields: Sequence[Value]) -> Value:
        row, name = self.value(call.arguments[0], fields), call.arguments[1]
        if not isinstance(row, Given) or not isinstance(row.type, RowType) or not isinstance(name, Literal):
            raise Unsupported
        place = [item.name for item in row.type].index(str(name.value))
        return Given(call.type, (*row.path, place))


def _registers(operation: int, second: int) -> int:
    """How many an instruction takes, one after another: wide results two, and choices one for themselves."""
    if operation == kernel.LOAD:
        return 2 if second in (memory.WIDE, memory.TEXT) else 1
    return _TAKEN.get(operation, 1)


_TAKEN = {
    kernel.CONSTANT: 2,
    kernel.WIDE_ADD: 2,
    kernel.WIDE_SUBTRACT: 2,
    kernel.WIDE_MULTIPLY: 2,
    kernel.WIDEN: 2,
    kernel.SELECT: 2,
    kernel.WIDE_SELECT: 3,
}


def _signed_words(value: int) -> tuple[int, int]:
    """The low and the high half of a number of 128 bits."""
    raw = value.to_bytes(16, "little", signed=True)
    return int.from_bytes(raw[:8], "little", signed=True), int.from_bytes(raw[8:], "little", signed=True)


def _is_derivable(expression: Expression) -> bool:
    """Whether it does not matter how often, and when, an expression is evaluated. It may fail."""
    return not any(
        isinstance(part, PythonCall) or (isinstance(part, Call) and part.function in NON_DETERMINISTIC)
        for part in walk(expression)
    )


def _is_longer_text(source: DataType, target: DataType) -> bool:
    """Whether every text of the one type is one of the other as it stands."""
    return is_text(source) and isinstance(target, VarcharType) and _length(source) <= target.length


def _length(kind: DataType) -> int:
    assert isinstance(kind, CharType | VarcharType)
    return kind.length


def _passes_as(source: DataType, target: DataType) -> bool:
    """Whether a branch of CASE has values of its type as they are."""
    return source.same_as(target) or isinstance(source, NullType) or (is_text(source) and is_text(target))


def _fits(number: Expression, target: DataType) -> bool:
    """Whether an exact number is always one of the other type, as it stands."""
    source = number.type
    if isinstance(source, IntegerType) and isinstance(target, IntegerType):
        return source.bits <= target.bits
    if not isinstance(target, DecimalType) or not isinstance(source, IntegerType | DecimalType):
        return False
    missing = target.scale - as_decimal(source).scale
    return missing >= 0 and largest(number) * 10**missing < 10**target.precision

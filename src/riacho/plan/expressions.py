"""Scalar and aggregate expressions over the fields of a relation. Typed when they are made; never evaluated here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from decimal import Decimal

from riacho.plan.python_functions import PythonFunction
from riacho.plan.types import BOOLEAN, DataType, DayTimeIntervalType, YearMonthIntervalType

LiteralValue = bool | int | float | Decimal | str | bytes | date | time | datetime | None
"""A literal's value in Python. Intervals are integers: milliseconds, or months."""


Constant = LiteralValue | tuple[float, ...]
"""What an aggregate call is told once, not per row: a separator, the fractions of a percentile."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where an expression stands in its SQL text: line and column, both from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


@dataclass(frozen=True, slots=True)
class Expression:
    """A value per row. `position` takes no part in comparisons, so equal expressions share one evaluation."""

    type: DataType
    position: Position | None = field(default=None, compare=False, kw_only=True)

    @property
    def operands(self) -> tuple[Expression, ...]:
        """The expressions that this one is made of."""
        return ()

    def with_operands(self, operands: tuple[Expression, ...]) -> Expression:
        """The same expression over other operands, given in the order of `operands`."""
        assert not operands, f"{type(self).__name__} has no operands"
        return self


@dataclass(frozen=True, slots=True)
class Column(Expression):
    """Field number `index` of the input relation; of a join's, left fields count first.

    `name` is for people: two columns of one index and type are equal.
    """

    index: int
    name: str = field(compare=False)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Literal(Expression):
    value: LiteralValue

    def __str__(self) -> str:
        if self.value is None:
            return "NULL"
        if isinstance(self.value, str):
            return "'" + self.value.replace("'", "''") + "'"
        if isinstance(self.value, bool):
            return str(self.value).upper()
        if isinstance(self.value, bytes):
            return f"x'{self.value.hex()}'"
        if isinstance(self.value, date | time):
            return f"{self.type.name().split('(')[0]} '{self.value}'"
        if isinstance(self.type, DayTimeIntervalType) and isinstance(self.value, int):
            return f"INTERVAL '{self.value / 1000:g}' SECOND"
        if isinstance(self.type, YearMonthIntervalType):
            return f"INTERVAL '{self.value}' MONTH"
        return str(self.value)


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """A built-in function or operator by its Flink name: `+`, `AND`, `IS NULL`, `UPPER`, `EXTRACT`.

    The name is canonical: aliases (`CHAR_LENGTH` and `CHARACTER_LENGTH`) were resolved by the binder, and
    operands were cast to the types that the function takes. Field and element access are the functions
    `FIELD` (row, literal name) and `ITEM` (array or map, index or key).
    """

    function: str
    arguments: tuple[Expression, ...]

    @property
    def operands(self) -> tuple[Expression, ...]:
        return self.arguments

    def with_operands(self, operands: tuple[Expression, ...]) -> Call:
        return replace(self, arguments=operands)

    def __str__(self) -> str:
        if self.function in ("AND", "OR") or (self.function in _INFIX and len(self.arguments) == 2):
            return "(" + f" {self.function} ".join(str(argument) for argument in self.arguments) + ")"
        if self.function.startswith("IS "):
            return f"{self.arguments[0]} {self.function}"
        first, *others = self.arguments or ("",)
        match self.function, others:
            case "FIELD", [Literal(value=str(name))]:
                return f"{first}.{name}"
            case "BETWEEN" | "BETWEEN SYMMETRIC", [low, high]:
                return f"({first} {self.function} {low} AND {high})"
            case "IN", [_, *_]:
                return f"({first} IN ({', '.join(str(other) for other in others)}))"
        return f"{self.function}({', '.join(str(argument) for argument in self.arguments)})"


_INFIX = frozenset({"+", "-", "*", "/", "%", "=", "<>", "<", "<=", ">", ">=", "AND", "OR", "||", "LIKE"})


@dataclass(frozen=True, slots=True)
class PythonCall(Call):
    """A call of a scalar function of the user's."""

    python: PythonFunction


@dataclass(frozen=True, slots=True)
class Cast(Expression):
    """CAST, which fails on a value that does not fit, or TRY_CAST, which gives NULL (`lenient`)."""

    operand: Expression
    lenient: bool = False

    @property
    def operands(self) -> tuple[Expression, ...]:
        return (self.operand,)

    def with_operands(self, operands: tuple[Expression, ...]) -> Cast:
        return replace(self, operand=operands[0])

    def __str__(self) -> str:
        return f"{'TRY_CAST' if self.lenient else 'CAST'}({self.operand} AS {self.type})"


@dataclass(frozen=True, slots=True)
class Case(Expression):
    """The result of the first branch whose condition is true; of `otherwise` where none is.

    `operands` are condition, result, condition, result, …, otherwise.
    """

    branches: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression

    @property
    def operands(self) -> tuple[Expression, ...]:
        return (*(part for branch in self.branches for part in branch), self.otherwise)

    def with_operands(self, operands: tuple[Expression, ...]) -> Case:
        pairs = tuple(zip(operands[:-1:2], operands[1:-1:2], strict=True))
        return replace(self, branches=pairs, otherwise=operands[-1])

    def __str__(self) -> str:
        arms = " ".join(f"WHEN {condition} THEN {result}" for condition, result in self.branches)
        return f"CASE {arms} ELSE {self.otherwise} END"


@dataclass(frozen=True, slots=True)
class AggregateCall:
    """One aggregate of an `Aggregate` relation: `SUM(DISTINCT price) FILTER (WHERE open)`.

    `function` is canonical (`COUNT`, `SUM`, `LISTAGG`); COUNT(*) has no arguments. `arguments` and `filter` are
    columns of the aggregate's input: the binder projects computed ones first.
    """

    function: str
    arguments: tuple[Column, ...]
    type: DataType
    distinct: bool = False
    filter: Column | None = None
    position: Position | None = field(default=None, compare=False)
    constants: tuple[Constant, ...] = ()
    python: PythonFunction | None = None
    """The user's function that computes it, where it is no built-in one."""
    column: str | None = field(default=None, compare=False)
    """The column that it is computed for, for messages; known once a job is compiled."""

    def __str__(self) -> str:
        parts = [str(argument) for argument in self.arguments]
        parts += [repr(item) if isinstance(item, str) else str(item) for item in self.constants]
        inner = ", ".join(parts) or "*"
        text = f"{self.function}({'DISTINCT ' if self.distinct else ''}{inner})"
        return text if self.filter is None else f"{text} FILTER (WHERE {self.filter})"


def walk(expression: Expression) -> Iterator[Expression]:
    """The expression and everything that it is made of, parents first."""
    yield expression
    for operand in expression.operands:
        yield from walk(operand)


def depth_reaches(expression: Expression, levels: int) -> bool:
    """Whether an expression has so many levels of operands below it, or more. Without recursion."""
    level: list[Expression] = [expression]
    while level and levels:
        level = [operand for part in level for operand in part.operands]
        levels -= 1
    return bool(level)


def columns_used(*expressions: Expression) -> frozenset[int]:
    """The indexes of the input fields that the expressions read."""
    return frozenset(part.index for expression in expressions for part in walk(expression) if isinstance(part, Column))


def rewrite(expression: Expression, rule: Callable[[Expression], Expression]) -> Expression:
    """Apply `rule` to every part, operands before the expression that holds them."""
    operands = expression.operands
    if operands:
        changed = tuple(rewrite(operand, rule) for operand in operands)
        if any(new is not old for new, old in zip(changed, operands, strict=True)):
            expression = expression.with_operands(changed)
    return rule(expression)


def remap(expression: Expression, new_index: Callable[[int], int]) -> Expression:
    """The expression with every column's index replaced, for an input whose fields moved."""

    def move(part: Expression) -> Expression:
        return replace(part, index=new_index(part.index)) if isinstance(part, Column) else part

    return rewrite(expression, move)


def conjuncts(predicate: Expression) -> tuple[Expression, ...]:
    """The parts of a conjunction, nested ANDs flattened."""
    if isinstance(predicate, Call) and predicate.function == "AND":
        return tuple(part for argument in predicate.arguments for part in conjuncts(argument))
    return (predicate,)


def conjunction(parts: tuple[Expression, ...]) -> Expression:
    """The AND of all parts; TRUE for none."""
    if not parts:
        return Literal(BOOLEAN.with_nullable(False), True)
    if len(parts) == 1:
        return parts[0]
    return Call(BOOLEAN.with_nullable(any(part.type.nullable for part in parts)), "AND", parts)

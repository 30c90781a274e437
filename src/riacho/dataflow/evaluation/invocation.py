"""One call of a function as its evaluator sees it: compiled arguments, their types, and the means to fail a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl

from riacho.dataflow.columns import polars_type
from riacho.dataflow.evaluation.failures import FailureLog
from riacho.dataflow.evaluation.kernels import Failing, Kernel, apply, per_distinct, per_row
from riacho.dataflow.evaluation.settings import Settings
from riacho.plan.expressions import Call, Expression, Literal
from riacho.plan.types import DataType


class Compiler(Protocol):
    """What makes Polars expressions of plan expressions; see `compiler`."""

    settings: Settings
    log: FailureLog
    column: str | None
    """The column that is being compiled, if it has a name."""

    def compile(self, expression: Expression, active: pl.Expr | None = None) -> pl.Expr:
        """The column of an expression's values; `active`: the rows in which it counts, all if None."""
        ...

    def cast(self, value: pl.Expr, source: DataType, target: DataType, failing: Failing) -> pl.Expr:
        """A column as another type."""
        ...

    def now(self) -> pl.Expr:
        """The batch's time: TIMESTAMP_LTZ in microseconds, a constant column."""
        ...

    def watermark(self) -> pl.Expr:
        """The watermark that stood before each row, in milliseconds; NULL while there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Invocation:
    """A call under compilation. `self[i]` compiles argument i; lazy functions give each its own active rows."""

    call: Call
    compiler: Compiler
    active: pl.Expr | None

    def __len__(self) -> int:
        return len(self.call.arguments)

    def __getitem__(self, index: int) -> pl.Expr:
        return self.compiler.compile(self.call.arguments[index], self.active)

    @property
    def arguments(self) -> list[pl.Expr]:
        return [self[index] for index in range(len(self))]

    @property
    def settings(self) -> Settings:
        return self.compiler.settings

    @property
    def result(self) -> pl.DataType:
        """The column type of the call's result."""
        return polars_type(self.call.type)

    def lazily(self, index: int, active: pl.Expr) -> pl.Expr:
        """Argument i where it only counts in the rows `active`."""
        both = active if self.active is None else self.active & active
        return self.compiler.compile(self.call.arguments[index], both)

    def type(self, index: int) -> DataType:
        return self.call.arguments[index].type

    def is_literal(self, index: int) -> bool:
        return index < len(self) and isinstance(self.call.arguments[index], Literal)

    def literal(self, index: int) -> Any:
        """The value of a literal argument: None for NULL, for a computed argument and for an absent one."""
        argument = self.call.arguments[index] if index < len(self) else None
        return argument.value if isinstance(argument, Literal) else None

    def keyword(self, index: int, default: str) -> str:
        """A literal argument that is part of the syntax, in upper case."""
        value = self.literal(index)
        return value.upper() if isinstance(value, str) else default

    @property
    def failing(self) -> Failing:
        return Failing(self.compiler.log, self.call, self.active)

    def columnwise(self, kernel: Kernel, inputs: Sequence[pl.Expr] | None = None) -> pl.Expr:
        """A step over whole columns, see `kernels.apply`."""
        return apply(kernel, self.result, self.arguments if inputs is None else inputs, self.failing)

    def per_row(self, function: Callable[..., Any], *, nulls: bool = False) -> pl.Expr:
        """A Python call per row, see `kernels.per_row`."""
        return per_row(function, self.result, self.arguments, self.failing, nulls=nulls)

    def per_distinct(self, function: Callable[[Any], Any], column: pl.Expr) -> pl.Expr:
        """A Python call per distinct value of a column, see `kernels.per_distinct`."""
        return per_distinct(function, self.result, column, self.failing)


Evaluate = Callable[[Invocation], pl.Expr]
"""What a function computes: the entry of a family's table."""

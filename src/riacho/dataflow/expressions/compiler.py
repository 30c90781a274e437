"""Plan expressions become Polars expressions over a batch's frame, once per job."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl

from riacho.dataflow.columns import polars_type
from riacho.dataflow.evaluation.casts import cast
from riacho.dataflow.evaluation.failures import FailureLog
from riacho.dataflow.evaluation.invocation import Invocation
from riacho.dataflow.evaluation.kernels import Failing
from riacho.dataflow.evaluation.settings import Settings
from riacho.dataflow.functions import FUNCTIONS, NOT_FOLDED
from riacho.dataflow.python_functions import scalar as python_functions
from riacho.errors import RiachoError, UsageError
from riacho.plan.expressions import Call, Case, Cast, Column, Expression, Literal, PythonCall, rewrite
from riacho.plan.relations import Schema
from riacho.plan.types import ArrayType, DataType, MapType, NullType, RowType, TimestampLtzType

NOW_COLUMN = "$now"
"""The batch's time, in the frame while it is evaluated, if an expression asks for it."""

WATERMARK_COLUMN = "$watermark"
"""The watermark before each row, in milliseconds, likewise."""


class ExpressionCompiler:
    """Compiles expressions over one schema; all of them report to one log."""

    def __init__(self, schema: Schema, settings: Settings) -> None:
        self.schema = schema
        self.settings = settings
        self.log = FailureLog()
        self.uses_now = False
        self.uses_watermark = False
        self.column: str | None = None

    def named(self, expression: Expression, name: str) -> pl.Expr:
        """As `compile`, under a name, which failures may tell."""
        self.column = None if name.startswith("$") else name
        return self.compile(expression).alias(name)

    def compile(self, expression: Expression, active: pl.Expr | None = None) -> pl.Expr:
        """The column of the expression's values; it fails rows only where `active` is true (None: everywhere).

        Raises `RiachoError` for a call of a function that has no evaluator.
        """
        match expression:
            case Column():
                return pl.col(self.schema[expression.index].name)
            case Literal():
                return literal_column(expression)
            case Cast():
                failing = Failing(None if expression.lenient else self.log, expression, active)
                operand = self.compile(expression.operand, active)
                return self.cast(operand, expression.operand.type, expression.type, failing)
            case Case():
                return self._case(expression, active)
            case PythonCall():
                return python_functions.evaluate(expression, Invocation(expression, self, active))
            case Call():
                evaluate = FUNCTIONS.get(expression.function)
                if evaluate is None:
                    raise RiachoError(f"the function {expression.function} is not supported", where=_place(expression))
                try:
                    return evaluate(Invocation(expression, self, active))
                except UsageError as error:  # an argument that must be known beforehand
                    where = error.where or _place(expression)
                    raise UsageError(error.what, where=where, mend=error.mend) from error
        raise AssertionError(f"no evaluation for {type(expression).__name__}")

    def cast(self, value: pl.Expr, source: DataType, target: DataType, failing: Failing) -> pl.Expr:
        return cast(value, source, target, self.settings, failing)

    def now(self) -> pl.Expr:
        self.uses_now = True
        return pl.col(NOW_COLUMN)

    def watermark(self) -> pl.Expr:
        self.uses_watermark = True
        return pl.col(WATERMARK_COLUMN)

    def _case(self, expression: Case, active: pl.Expr | None) -> pl.Expr:
        """A branch counts only in rows that take it, so what it computes elsewhere cannot fail them."""
        kind = polars_type(expression.type)
        chain: Any = None
        left = active
        for condition, result in expression.branches:
            holds = self.compile(condition, left).fill_null(value=False)
            taken = holds if left is None else left & holds
            value = self.compile(result, taken)
            chain = pl.when(holds).then(value) if chain is None else chain.when(holds).then(value)
            left = ~holds if left is None else left & ~holds
        made: pl.Expr = chain.otherwise(self.compile(expression.otherwise, left))
        return made.cast(kind) if isinstance(expression.otherwise.type, NullType) else made


def _place(expression: Expression) -> str | None:
    return None if expression.position is None else str(expression.position)


def literal_column(literal: Literal) -> pl.Expr:
    """A constant of the literal's type."""
    value = literal.value
    if isinstance(value, datetime) and isinstance(literal.type, TimestampLtzType) and value.tzinfo is None:
        value = value.replace(tzinfo=UTC)
    return pl.lit(value, polars_type(literal.type))


def fold_constants(expression: Expression, settings: Settings) -> Expression:
    """The expression with every part that depends on no row replaced by its value, so that it is computed once.

    What fails stays as it is and fails when a row asks for it.
    """

    def rule(part: Expression) -> Expression:
        if isinstance(part, Literal | Column) or not all(isinstance(operand, Literal) for operand in part.operands):
            return part
        if isinstance(part.type, ArrayType | MapType | RowType) or (
            isinstance(part, Call) and (part.function in NOT_FOLDED or part.function not in FUNCTIONS)
        ):
            return part
        compiler = ExpressionCompiler(Schema(()), settings)
        column = pl.DataFrame({"$": [0]}).select(compiler.compile(part).alias("$")).to_series()
        try:
            value = column.item()
        except ValueError:  # a year that a literal cannot have: Python's dates end with 9999
            return part
        return part if compiler.log else Literal(part.type, value, position=part.position)

    return rewrite(expression, rule)

"""Functions about types."""

from __future__ import annotations

import polars as pl

from riacho.dataflow.evaluation.invocation import Evaluate, Invocation
from riacho.plan.types import DataType, DayTimeIntervalType, YearMonthIntervalType

INTERVALS: dict[type[DataType], str] = {
    DayTimeIntervalType: "INTERVAL SECOND(3)",
    YearMonthIntervalType: "INTERVAL MONTH",
}
"""As TYPEOF tells them: by the unit that they are kept in."""


def _type_of(call: Invocation) -> pl.Expr:
    kind = call.type(0)
    name = INTERVALS.get(type(kind))
    return pl.lit(str(kind) if name is None else f"{name}{'' if kind.nullable else ' NOT NULL'}")


FUNCTIONS: dict[str, Evaluate] = {"TYPEOF": _type_of}

"""Window table functions in FROM, over a table or a query. Source: Flink, "Windowing table-valued functions"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from riacho.plan.expressions import Column, Literal
from riacho.plan.relations import Relation, WindowKind, WindowTable
from riacho.plan.types import DayTimeIntervalType
from riacho.sql.errors import did_you_mean
from riacho.sql.expressions import ExpressionBinder
from riacho.sql.scope import NO_NAMES, Scope
from riacho.sql.source import SourceText

_PARAMETERS = {
    "TUMBLE": ("DATA", "TIMECOL", "SIZE", "OFFSET"),
    "HOP": ("DATA", "TIMECOL", "SLIDE", "SIZE", "OFFSET"),
    "CUMULATE": ("DATA", "TIMECOL", "STEP", "SIZE", "OFFSET"),
    "SESSION": ("DATA", "TIMECOL", "GAP"),
}
_DURATIONS = ("SLIDE", "STEP", "SIZE", "GAP", "OFFSET")


@dataclass(slots=True)
class WindowTableBinder:
    """Binds a call of a window table function. `table` finds a named table, `subquery` binds a query."""

    source: SourceText
    table: Callable[[exp.Table], Relation]
    subquery: Callable[[exp.Expr], Relation]

    def bind(self, call: exp.Anonymous) -> Relation:
        """The rows in their windows. Raises `SqlError`."""
        name = call.name
        parameters = _PARAMETERS[name]
        given = self._arguments(call, parameters)
        data = given["DATA"]
        if isinstance(data, exp.Table):
            below = self.table(data)
        elif isinstance(data, exp.Subquery):
            below = self.subquery(data.this)
        else:
            self.source.fail(f"{name} needs a table: write TABLE name", data)
        partition = self._partition(name, data, below)
        time_column = self._descriptor(name, given["TIMECOL"], below)
        durations = {key: self._duration(f"{name}'s {key}", given[key]) for key in _DURATIONS if key in given}
        for key, value in durations.items():
            if key != "OFFSET" and value <= 0:
                self.source.fail(f"{name}'s {key} must be positive", given[key])
        if name == "SESSION":
            gap = durations["GAP"]
            return WindowTable(below, WindowKind.SESSION, time_column, gap, gap, 0, partition)
        size = durations["SIZE"]
        step = "STEP" if name == "CUMULATE" else "SLIDE"
        slide = durations.get(step, size)
        if size % slide:
            self.source.fail(
                f"{name}'s size must be a multiple of its {step.lower()}, but they are {size} ms and {slide} ms",
                given["SIZE"],
            )
        offset = durations.get("OFFSET", 0)
        if name == "TUMBLE" and abs(offset) >= size:
            self.source.fail("TUMBLE's offset must be shorter than its size", given["OFFSET"])
        return WindowTable(below, WindowKind[name], time_column, size, slide, offset)

    def _partition(self, name: str, data: exp.Expr, below: Relation) -> tuple[int, ...]:
        """The columns of PARTITION BY after the table."""
        parts = data.args.get("partition_by") or []
        if parts and name != "SESSION":
            self.source.fail(
                f"{name} takes no PARTITION BY, only SESSION does", parts[0], "group by that column instead"
            )
        binder = ExpressionBinder(self.source, Scope.of(below, None), "PARTITION BY")
        columns = []
        for part in parts:
            bound = binder.bind(part)
            if not isinstance(bound, Column):
                self.source.fail("PARTITION BY of a table function takes columns", part, "compute it in a subquery")
            columns.append(bound.index)
        return tuple(dict.fromkeys(columns))

    def _arguments(self, call: exp.Anonymous, parameters: tuple[str, ...]) -> dict[str, exp.Expr]:
        optional = [key for key in parameters if key == "OFFSET"]
        required = [key for key in parameters if key not in optional]
        usage = f"write {call.name}({', '.join(required)}{'[, OFFSET]' if optional else ''})"
        if len(call.expressions) > len(parameters):
            self.source.fail(f"{call.name} takes at most {len(parameters)} arguments", call, usage)
        given: dict[str, exp.Expr] = {}
        for position, argument in enumerate(call.expressions):
            key = argument.name if isinstance(argument, exp.Kwarg) else parameters[position]
            if key not in parameters:
                named = key or "of an empty name"
                self.source.fail(f"{call.name} has no parameter {named}", argument, did_you_mean(key, parameters))
            if key in given:
                self.source.fail(f"{call.name}'s {key} is given twice", argument)
            given[key] = argument.args["expression"] if isinstance(argument, exp.Kwarg) else argument
        for key in required:
            if key not in given:
                self.source.fail(f"{call.name} lacks its {key}", call, usage)
        return given

    def _descriptor(self, name: str, tree: exp.Expr, below: Relation) -> int:
        columns = tree.expressions if isinstance(tree, exp.Anonymous) and tree.name.upper() == "DESCRIPTOR" else []
        if len(columns) != 1 or not isinstance(columns[0], exp.Column):
            self.source.fail(f"{name} needs the row time: write DESCRIPTOR(column)", tree)
        bound = ExpressionBinder(self.source, Scope.of(below, None), "DESCRIPTOR").bind(columns[0])
        if not isinstance(bound, Column) or below.schema[bound.index].time is None:
            self.source.fail(
                f"{name} needs a time attribute, but '{columns[0].name}' is {bound.type.name()}",
                columns[0],
                "declare WATERMARK FOR that column in CREATE TABLE; joins and aggregates lose it",
            )
        return bound.index

    def _duration(self, what: str, tree: exp.Expr) -> int:
        bound = ExpressionBinder(self.source, NO_NAMES, what).bind(tree)
        if not isinstance(bound, Literal) or not isinstance(bound.type, DayTimeIntervalType):
            self.source.fail(f"{what} must be an interval of days to seconds", tree, "write INTERVAL '5' MINUTE")
        assert isinstance(bound.value, int)
        return bound.value

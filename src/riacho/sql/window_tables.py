"""Window table functions in FROM: TUMBLE and HOP over a table or a query. Source: Flink, "Windowing TVFs"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from riacho.plan.expressions import Column, Literal
from riacho.plan.relations import Relation, TimeAttribute, WindowKind, WindowTable
from riacho.plan.types import DayTimeIntervalType
from riacho.sql.errors import did_you_mean
from riacho.sql.expressions import ExpressionBinder
from riacho.sql.scope import NO_NAMES, Scope
from riacho.sql.source import SourceText

_PARAMETERS = {
    "TUMBLE": ("DATA", "TIMECOL", "SIZE", "OFFSET"),
    "HOP": ("DATA", "TIMECOL", "SLIDE", "SIZE", "OFFSET"),
}


@dataclass(slots=True)
class WindowTableBinder:
    """Binds a call of a window table function. `table` finds a named table, `subquery` binds a query."""

    source: SourceText
    table: Callable[[exp.Table], Relation]
    subquery: Callable[[exp.Expr], Relation]

    def bind(self, call: exp.Anonymous) -> Relation:
        """The rows in their windows. Raises `SqlError`."""
        name = call.name
        parameters = _PARAMETERS.get(name)
        if parameters is None:
            self.source.fail(f"the window table function {name} is not supported yet", call, "TUMBLE and HOP are")
        given = self._arguments(call, parameters)
        data = given["DATA"]
        if isinstance(data, exp.Table):
            below = self.table(data)
        elif isinstance(data, exp.Subquery):
            below = self.subquery(data.this)
        else:
            self.source.fail(f"{name} needs a table: write TABLE name", data)
        time_column = self._descriptor(name, given["TIMECOL"], below)
        durations = {
            key: self._duration(f"{name}'s {key}", given[key]) for key in ("SLIDE", "SIZE", "OFFSET") if key in given
        }
        size = durations["SIZE"]
        slide = durations.get("SLIDE", size)
        for key in ("SIZE", "SLIDE"):
            if key in durations and durations[key] <= 0:
                self.source.fail(f"{name}'s {key} must be positive", given[key])
        if size % slide:
            self.source.fail(
                f"HOP's size must be a multiple of its slide, but they are {size} ms and {slide} ms", given["SIZE"]
            )
        offset = durations.get("OFFSET", 0)
        return WindowTable(below, WindowKind[name], time_column, size, slide, offset)

    def _arguments(self, call: exp.Anonymous, parameters: tuple[str, ...]) -> dict[str, exp.Expr]:
        usage = f"write {call.name}({', '.join(parameters[:-1])}[, OFFSET])"
        if len(call.expressions) > len(parameters):
            self.source.fail(f"{call.name} takes at most {len(parameters)} arguments", call, usage)
        given: dict[str, exp.Expr] = {}
        for position, argument in enumerate(call.expressions):
            key = argument.name if isinstance(argument, exp.Kwarg) else parameters[position]
            if key not in parameters:
                self.source.fail(f"{call.name} has no parameter {key}", argument, did_you_mean(key, parameters))
            if key in given:
                self.source.fail(f"{call.name}'s {key} is given twice", argument)
            given[key] = argument.args["expression"] if isinstance(argument, exp.Kwarg) else argument
        for key in parameters[:-1]:
            if key not in given:
                self.source.fail(f"{call.name} lacks its {key}", call, usage)
        return given

    def _descriptor(self, name: str, tree: exp.Expr, below: Relation) -> int:
        columns = tree.expressions if isinstance(tree, exp.Anonymous) and tree.name.upper() == "DESCRIPTOR" else []
        if len(columns) != 1 or not isinstance(columns[0], exp.Column):
            self.source.fail(f"{name} needs the row time: write DESCRIPTOR(column)", tree)
        bound = ExpressionBinder(self.source, Scope.of(below, None), "DESCRIPTOR").bind(columns[0])
        if not isinstance(bound, Column) or below.schema[bound.index].time is not TimeAttribute.ROWTIME:
            self.source.fail(
                f"{name} needs a row time attribute, but '{columns[0].name}' is {bound.type.name()}",
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

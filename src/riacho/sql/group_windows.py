"""Group windows: TUMBLE, HOP and SESSION in GROUP BY, and the functions that say which window a group is of.

They are windows of the table functions, written as before there were any. Source: Flink, "Group Window Aggregation".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlglot import exp

from riacho.plan.expressions import Column, Expression, Literal
from riacho.plan.relations import EmitStrategy, Project, Relation, TimeAttribute, WindowKind, WindowTable, unique_names
from riacho.plan.types import DayTimeIntervalType
from riacho.sql.emit_strategy import emit_strategy
from riacho.sql.functions import bind
from riacho.sql.grouping import Grouping
from riacho.sql.source import SourceText

_PARAMETERS = {"TUMBLE": ("size",), "HOP": ("slide", "size"), "SESSION": ("gap",)}

_ENDINGS = ("START", "END", "ROWTIME", "PROCTIME")

AUXILIARY = frozenset(f"{kind}_{ending}" for kind in _PARAMETERS for ending in _ENDINGS)
"""The functions that say which window a group is of."""

Bind = Callable[[exp.Expr], Expression]


def is_group_window(tree: exp.Expr) -> bool:
    """Whether an item of GROUP BY is a group window."""
    return isinstance(tree, exp.Anonymous) and tree.name.upper() in _PARAMETERS


@dataclass(frozen=True, slots=True)
class _Shape:
    """A call of a group window: which windows, over which time."""

    name: str
    time: Expression
    durations: tuple[int, ...]


@dataclass(slots=True)
class GroupWindow:
    """The group window of one SELECT. `relation` has the rows in their windows once `over` was called."""

    source: SourceText
    tree: exp.Anonymous
    shape: _Shape
    emit: EmitStrategy
    relation: Relation | None = None

    @staticmethod
    def of(
        tree: exp.Expr, below: Relation, source: SourceText, bind_argument: Bind, options: Mapping[str, str]
    ) -> GroupWindow:
        """The window of an item of GROUP BY. Raises `SqlError`."""
        assert isinstance(tree, exp.Anonymous)
        shape = _shape(tree, tree.name.upper(), source, bind_argument)
        if not isinstance(shape.time, Column) or below.schema[shape.time.index].time is None:
            source.fail(
                f"{shape.name} needs a time attribute, but {shape.time} is {shape.time.type.name()}",
                tree.expressions[0],
                "declare WATERMARK FOR that column in CREATE TABLE; joins and aggregates lose it",
            )
        try:
            emit = emit_strategy(options, WindowKind[shape.name], below.schema[shape.time.index].time)
        except ValueError as error:
            source.fail(str(error), tree)
        return GroupWindow(source, tree, shape, emit)

    def over(self, below: Relation, grouping: Grouping) -> tuple[Expression, ...]:
        """Put the rows into their windows, sessions of each of the other keys; where those keys are now."""
        assert isinstance(self.shape.time, Column)
        keys = grouping.keys
        kind, durations, time = WindowKind[self.shape.name], self.shape.durations, self.shape.time.index
        if kind is not WindowKind.SESSION:
            self.relation = WindowTable(below, kind, time, durations[-1], durations[0], emit=self.emit)
            return keys
        if grouping.sets is not None:
            self.source.fail("SESSION cannot stand beside grouping sets: each set would have other sessions", self.tree)
        fields: list[Expression] = [below.schema.column(index) for index in range(len(below.schema))]
        width = len(fields)
        for key in keys:
            if not isinstance(key, Column):
                fields.append(key)
        names = [*below.schema.names, *(f"$f{place}" for place in range(width, len(fields)))]
        if len(fields) > width:
            below = Project(below, tuple(fields), tuple(unique_names(names)))
        added = iter(range(width, len(fields)))
        moved = tuple(key if isinstance(key, Column) else below.schema.column(next(added)) for key in keys)
        partition = tuple(dict.fromkeys(key.index for key in moved))
        self.relation = WindowTable(below, kind, time, durations[0], durations[0], 0, partition)
        return moved

    @property
    def keys(self) -> tuple[Column, ...]:
        """window_start, window_end and window_time: what the window groups by."""
        assert self.relation is not None
        width = len(self.relation.schema)
        return tuple(self.relation.schema.column(index) for index in range(width - 3, width))

    def joined(self, grouping: Grouping, keys: tuple[Expression, ...]) -> Grouping:
        """The grouping by these keys and the window."""
        first = len(keys)
        sets = grouping.sets
        if sets is not None:
            sets = tuple((*item, first, first + 1, first + 2) for item in sets)
        names = unique_names([*grouping.names, "window_start", "window_end", "window_time"])
        return Grouping((*keys, *self.keys), names, sets, written=True)

    def property(self, tree: exp.Anonymous, bind_argument: Bind) -> Expression:
        """What TUMBLE_START and its like mean. Raises `SqlError`."""
        kind, _, ending = tree.name.upper().rpartition("_")
        if _shape(tree, kind, self.source, bind_argument) != self.shape:
            self.source.fail(
                f"{tree.name.upper()} must have the name and the arguments of the window in GROUP BY", tree
            )
        if ending == "PROCTIME":
            return bind("PROCTIME", (), self.source.locate(tree))
        start, end, time = self.keys
        if ending != "ROWTIME":
            return start if ending == "START" else end
        assert self.relation is not None
        if self.relation.schema[time.index].time is not TimeAttribute.ROWTIME:
            self.source.fail("a window over processing time has no row time", tree, f"write {kind}_PROCTIME")
        return time


def _shape(tree: exp.Anonymous, name: str, source: SourceText, bind_argument: Bind) -> _Shape:
    parameters = _PARAMETERS[name]
    if len(tree.expressions) != 1 + len(parameters):
        usage = f"write {tree.name.upper()}(time, {', '.join(parameters)})"
        source.fail(f"{tree.name.upper()} takes {1 + len(parameters)} arguments", tree, usage)
    time, *given = (bind_argument(argument) for argument in tree.expressions)
    durations = []
    for parameter, argument, written in zip(parameters, given, tree.expressions[1:], strict=True):
        if not isinstance(argument, Literal) or not isinstance(argument.type, DayTimeIntervalType):
            source.fail(
                f"{name}'s {parameter} must be an interval of days to seconds", written, "write INTERVAL '5' MINUTE"
            )
        assert isinstance(argument.value, int)
        if argument.value <= 0:
            source.fail(f"{name}'s {parameter} must be positive", written)
        durations.append(argument.value)
    if name == "HOP" and durations[1] % durations[0]:
        source.fail(
            f"HOP's size must be a multiple of its slide, but they are {durations[1]} ms and {durations[0]} ms",
            tree.expressions[2],
        )
    return _Shape(name, time, tuple(durations))

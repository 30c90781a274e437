"""The OVER calls of a SELECT: gathered while its expressions are bound, then made an `Over` of the plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp

from riacho.plan.expressions import AggregateCall, Column, Expression, Literal, rewrite
from riacho.plan.ordering import SortKey
from riacho.plan.relations import Frame, FrameUnit, Over, Project, Relation, unique_names
from riacho.plan.types import BIGINT, DataType, DayTimeIntervalType, FloatType, IntegerType, is_bytes, is_text
from riacho.sql.aggregate_calls import PlainCall, bind_aggregate, read_call
from riacho.sql.functions import coerce, is_aggregate
from riacho.sql.source import SourceText

RANKINGS = frozenset({"ROW_NUMBER", "RANK", "DENSE_RANK"})
"""Functions that number the rows of a partition."""

_NOT_IN_STREAMS = frozenset({"LEAD", "NTILE", "CUME_DIST", "PERCENT_RANK", "NTH_VALUE"})

_WITHOUT_OVER = frozenset({"JSON_ARRAYAGG", "JSON_OBJECTAGG"})

Bind = Callable[[exp.Expr], Expression]


@dataclass(frozen=True, slots=True)
class OverSlot(Expression):
    """Stands for the result of OVER call number `number` until the fields of the `Over` are known."""

    number: int

    def __str__(self) -> str:
        return f"over {self.number}"


@dataclass(frozen=True, slots=True)
class _Order:
    expression: Expression
    descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True)
class _Window:
    """The window of the calls; equal ones are the same window, wherever they stand in the text."""

    partition: tuple[Expression, ...]
    order: tuple[_Order, ...]
    frame: Frame


@dataclass(slots=True)
class OverCollector:
    """The OVER calls of one SELECT, each once however often it is written. `named` are the windows of WINDOW."""

    source: SourceText
    named: Mapping[str, exp.Expr] = field(default_factory=dict)
    window: _Window | None = None
    calls: list[PlainCall] = field(default_factory=list)

    def add(self, tree: exp.Expr, bind: Bind) -> Expression:
        """The result of a call, over what stands for those of plain calls. Raises `SqlError` and `FunctionError`."""
        window = self._window(tree, bind)
        if self.window is None:
            self.window = window
        elif self.window != window:
            self.source.fail(
                "all OVER calls of a SELECT must have the same window in a stream",
                tree,
                "compute the other one in a subquery",
            )
        return self._call(tree, bind, ordered=bool(window.order))

    def _add(self, call: PlainCall) -> OverSlot:
        for number, known in enumerate(self.calls):
            if known.same_as(call):
                return OverSlot(known.type, number, position=call.position)
        self.calls.append(call)
        return OverSlot(call.type, len(self.calls) - 1, position=call.position)

    def _call(self, tree: exp.Expr, bind: Bind, *, ordered: bool) -> Expression:
        called = tree.this
        if isinstance(called, exp.Filter):
            self.source.fail(
                "FILTER cannot be used with OVER", tree, "write CASE WHEN … THEN … END as the call's argument"
            )
        if not isinstance(called, exp.Anonymous):
            self.source.fail("OVER can only follow an aggregate or window function", tree)
        name, position = called.name.upper(), self.source.locate(called)
        items = list(called.expressions)
        if name in _NOT_IN_STREAMS:
            self.source.fail(f"{name} is not supported in streams", called)
        if name in RANKINGS:
            if items:
                self.source.fail(f"{name} takes no arguments", called)
            if self._specification(tree).args.get("spec") is not None:
                self.source.fail(f"{name} numbers all rows: it takes no ROWS or RANGE", tree)
            return self._add(PlainCall(name, (), BIGINT.with_nullable(False), False, None, position))
        if name == "LAG":
            if self._specification(tree).args.get("spec") is not None:
                self.source.fail("LAG looks at all rows before: it takes no ROWS or RANGE", tree)
        elif not is_aggregate(name) or name in _WITHOUT_OVER:
            self.source.fail(f"{name} cannot be used with OVER", called)
        if not ordered:
            self.source.fail(f"{name} OVER needs an ORDER BY", tree, "order it by the row time")
        if name == "LAG":
            return self._add(self._lag(tree, items, bind))
        written = read_call(self.source, called, bind, None)
        # A row is in its own frame, so nothing is null for lack of rows.
        return bind_aggregate(written, self._add, grouped=True)

    def _lag(self, tree: exp.Expr, items: list[exp.Expr], bind: Bind) -> PlainCall:
        """LAG(value [, number of rows [, default]])."""
        called = tree.this
        if not 1 <= len(items) <= 3:
            self.source.fail("LAG takes 1 to 3 arguments: LAG(value [, rows [, default]])", called)
        value, *rest = (bind(item) for item in items)
        arguments = [value]
        if rest:
            rows = rest[0]
            if not isinstance(rows, Literal) or not isinstance(rows.value, int) or rows.value < 0:
                self.source.fail("LAG's number of rows must be a number", items[1])
            arguments.append(rows)
        nullable = True
        if len(rest) > 1:
            if not _of_one_kind(value.type, rest[1].type):
                what = f"LAG's default must be of the value's type {value.type.name()}, not {rest[1].type.name()}"
                self.source.fail(what, items[2], f"write CAST(… AS {value.type.name()})")
            nullable = value.type.nullable or rest[1].type.nullable
            arguments.append(coerce(rest[1], value.type.with_nullable(rest[1].type.nullable)))
        position = self.source.locate(called)
        return PlainCall("LAG", tuple(arguments), value.type.with_nullable(nullable), False, None, position)

    def _window(self, tree: exp.Expr, bind: Bind) -> _Window:
        numbers = isinstance(tree.this, exp.Anonymous) and tree.this.name.upper() == "ROW_NUMBER"
        tree = self._specification(tree)
        partition = tuple(bind(part) for part in tree.args.get("partition_by") or ())
        order = tree.args.get("order")
        keys = tuple(
            _Order(bind(item.this), bool(item.args.get("desc")), bool(item.args.get("nulls_first")))
            for item in (order.expressions if order is not None else ())
        )
        for key, item in zip(keys, order.expressions if order is not None else (), strict=True):
            if isinstance(key.expression, Literal):
                self.source.fail("OVER cannot be ordered by a constant", item, "order it by a column")
        frame = tree.args.get("spec")
        if frame is not None:
            return _Window(partition, keys, self._frame(frame, bind))
        return _Window(partition, keys, Frame(FrameUnit.ROWS if numbers else FrameUnit.RANGE))

    def _specification(self, tree: exp.Expr) -> exp.Expr:
        """What stands in the parentheses after OVER, or under the name of a window."""
        name = tree.args.get("alias")
        if name is None:
            return tree
        if name.name not in self.named:
            self.source.fail(f"there is no window '{name.name}'", name, "define it: WINDOW name AS (…)")
        return self.named[name.name]

    def _frame(self, tree: exp.Expr, bind: Bind) -> Frame:
        unit = FrameUnit[str(tree.args["kind"])]
        if tree.args["end"] != "CURRENT ROW":
            self.source.fail(
                "a frame must end at the current row in a stream: later rows are not known yet",
                tree,
                f"write {unit.value} BETWEEN … PRECEDING AND CURRENT ROW",
            )
        start = tree.args["start"]
        if tree.args.get("start_side") == "FOLLOWING":
            self.source.fail("FOLLOWING is not supported in streams: later rows are not known yet", tree)
        if start == "UNBOUNDED":
            return Frame(unit)
        if start == "CURRENT ROW":
            self.source.fail(
                "a frame must begin before the current row in a stream",
                tree,
                "write ROWS BETWEEN 0 PRECEDING AND CURRENT ROW for the row alone",
            )
        amount = bind(start)
        wanted = IntegerType if unit is FrameUnit.ROWS else DayTimeIntervalType
        if not isinstance(amount, Literal) or not isinstance(amount.type, wanted) or not isinstance(amount.value, int):
            what = "a number of rows" if unit is FrameUnit.ROWS else "an interval, as INTERVAL '1' HOUR"
            self.source.fail(f"{unit.value} … PRECEDING needs {what}", start)
        if amount.value < 0:
            self.source.fail(f"{unit.value} … PRECEDING must not be negative", start)
        return Frame(unit, amount.value)

    # ---- the plan ---------------------------------------------------------------------------------------------

    @property
    def expressions(self) -> list[Expression]:
        """Everything that the calls and their window read."""
        assert self.window is not None
        parts = [*self.window.partition, *(key.expression for key in self.window.order)]
        for call in self.calls:
            parts += call.arguments
        return parts

    def map(self, change: Callable[[Expression], Expression]) -> None:
        """Rewrite what the calls and their window read: an aggregate has come below."""
        assert self.window is not None
        self.window = replace(
            self.window,
            partition=tuple(change(part) for part in self.window.partition),
            order=tuple(replace(key, expression=change(key.expression)) for key in self.window.order),
        )
        self.calls = [
            replace(call, arguments=tuple(change(argument) for argument in call.arguments)) for call in self.calls
        ]

    def over(self, below: Relation) -> Over:
        """The calls over a relation: its fields, what the calls compute first, then their results."""
        assert self.window is not None
        fields: list[Expression] = [below.schema.column(index) for index in range(len(below.schema))]
        names = list(below.schema.names)

        def column(expression: Expression) -> Column:
            if expression not in fields:
                fields.append(expression)
                names.append(f"$f{len(fields) - 1}")
            index = fields.index(expression)
            return Column(expression.type, index, names[index], position=expression.position)

        partition = tuple(dict.fromkeys(column(part).index for part in self.window.partition))
        order = tuple(
            SortKey(column(key.expression).index, key.descending, key.nulls_first) for key in self.window.order
        )
        calls = tuple(
            AggregateCall(
                call.function,
                tuple(column(argument) for argument in call.arguments),
                call.type,
                call.distinct,
                position=call.position,
                constants=call.constants,
            )
            for call in self.calls
        )
        if len(fields) > len(below.schema):
            below = Project(below, tuple(fields), tuple(unique_names(names)))
        return Over(below, partition, order, self.window.frame, calls, tuple(f"w{i}$o0" for i in range(len(calls))))


def above_over(expression: Expression, over: Over) -> Expression:
    """The expression with the results of the OVER calls in place of what stood for them."""
    first = len(over.input.schema)

    def replace_slot(part: Expression) -> Expression:
        if isinstance(part, OverSlot):
            return replace(over.schema.column(first + part.number), position=part.position)
        return part

    return rewrite(expression, replace_slot)


def _of_one_kind(one: DataType, other: DataType) -> bool:
    """Whether two types differ in nothing but lengths, digits and NULL."""
    if isinstance(one, IntegerType | FloatType):
        return one.same_as(other)
    return type(one) is type(other) or (is_text(one) and is_text(other)) or (is_bytes(one) and is_bytes(other))

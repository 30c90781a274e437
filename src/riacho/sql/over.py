"""The OVER calls of a SELECT: gathered while its expressions are bound, then made an `Over` of the plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp

from riacho.plan.expressions import AggregateCall, Column, Expression, Literal, rewrite
from riacho.plan.ordering import SortKey
from riacho.plan.relations import BoundedOver, Over, Project, Relation, unique_names
from riacho.plan.types import BIGINT, DOUBLE, DataType, FloatType, IntegerType, is_bytes, is_numeric, is_text
from riacho.sql.aggregate_calls import Add, PlainCall, bind_aggregate, read_call
from riacho.sql.functions import bind_cast, coerce, is_aggregate
from riacho.sql.over_windows import Bind, Window, WindowBinder
from riacho.sql.source import SourceText
from riacho.sql.user_functions import marked

RANKINGS = frozenset({"ROW_NUMBER", "RANK", "DENSE_RANK"})
"""Functions that number the rows of a partition."""

_SHARES = ("PERCENT_RANK", "CUME_DIST")

_OFFSETS = ("LAG", "LEAD")

_WITHOUT_FRAME = {
    **dict.fromkeys((*RANKINGS, *_SHARES), "numbers all rows"),
    "LAG": "looks at all rows before",
    "LEAD": "looks at all rows behind",
}

_IN_BATCHES = frozenset({"LEAD", "NTILE", *_SHARES})
"""Functions that need rows which a stream does not know yet."""

_WITHOUT_OVER = frozenset({"JSON_ARRAYAGG", "JSON_OBJECTAGG"})


@dataclass(frozen=True, slots=True)
class OverSlot(Expression):
    """Stands for the result of OVER call number `number` until the fields of the `Over` are known."""

    number: int

    def __str__(self) -> str:
        return f"over {self.number}"


@dataclass(frozen=True, slots=True)
class Computed:
    """The relation with the results of the calls: `fields` says which one is that of which call."""

    relation: Relation
    fields: tuple[int, ...]


@dataclass(slots=True)
class OverCollector:
    """The OVER calls of one SELECT, each once however often it is written. `named` are the windows of WINDOW.

    In a stream all calls have one window; in a `batch` each may have its own.
    """

    source: SourceText
    named: Mapping[str, exp.Expr] = field(default_factory=dict)
    batch: bool = False
    windows: list[Window] = field(default_factory=list)
    calls: list[tuple[PlainCall, int]] = field(default_factory=list)
    """Each with the number of its window."""

    def add(self, tree: exp.Expr, bind: Bind) -> Expression:
        """The result of a call, over what stands for those of plain calls. Raises `SqlError` and `FunctionError`."""
        if self.batch:
            window = self._binder.in_batch(tree, bind)
        else:
            numbers = isinstance(tree.this, exp.Anonymous) and tree.this.name.upper() == "ROW_NUMBER"
            window = self._binder.in_stream(tree, bind, numbers=numbers)
        if window not in self.windows:
            if self.windows and not self.batch:
                self.source.fail(
                    "all OVER calls of a SELECT must have the same window in a stream",
                    tree,
                    "compute the other one in a subquery",
                )
            self.windows.append(window)
        place = self.windows.index(window)
        return self._call(tree, bind, lambda call: self._add(call, place), ordered=bool(window.order))

    @property
    def _binder(self) -> WindowBinder:
        return WindowBinder(self.source, self.named)

    def _add(self, call: PlainCall, window: int) -> OverSlot:
        for number, (known, place) in enumerate(self.calls):
            if place == window and known.same_as(call):
                return OverSlot(known.type, number, position=call.position)
        self.calls.append((call, window))
        return OverSlot(call.type, len(self.calls) - 1, position=call.position)

    def _call(self, tree: exp.Expr, bind: Bind, add: Add, *, ordered: bool) -> Expression:
        called = tree.this
        if isinstance(called, exp.Filter):
            self.source.fail(
                "FILTER cannot be used with OVER", tree, "write CASE WHEN … THEN … END as the call's argument"
            )
        if isinstance(called, exp.IgnoreNulls | exp.RespectNulls):
            name = called.this.name.upper()
            self.source.fail(f"{name} takes neither IGNORE NULLS nor RESPECT NULLS with OVER", tree)
        if not isinstance(called, exp.Anonymous):
            self.source.fail("OVER can only follow an aggregate or window function", tree)
        name, position = called.name.upper(), self.source.locate(called)
        items = list(called.expressions)
        if name in _IN_BATCHES and not self.batch:
            self.source.fail(
                f"{name} is not supported in streams",
                called,
                "it is in a batch: SET 'execution.runtime-mode' = 'batch'",
            )
        own = marked(called)
        if own is not None:
            self.source.fail(
                f"the Python function {own.name} cannot be used with OVER",
                called,
                "use it in a GROUP BY by windows; with OVER Flink too takes no such aggregate written in Python",
            )
        framed = self._binder.specification(tree).args.get("spec") is not None
        if framed and name in _WITHOUT_FRAME:
            self.source.fail(f"{name} {_WITHOUT_FRAME[name]}: it takes no ROWS or RANGE", tree)
        if name in _WITHOUT_FRAME and name not in _OFFSETS:
            if items:
                self.source.fail(f"{name} takes no arguments", called)
            if self.batch and not ordered:
                self.source.fail(f"{name} OVER needs an ORDER BY", tree, "order it by a column")
            kind = DOUBLE if name in _SHARES else BIGINT
            return add(PlainCall(name, (), kind.with_nullable(False), False, None, position))
        if name == "NTILE":
            return add(self._tiles(called, items, bind))
        if name not in _OFFSETS and (not is_aggregate(name) or name in _WITHOUT_OVER):
            self.source.fail(f"{name} cannot be used with OVER", called)
        if not ordered and not self.batch:
            self.source.fail(f"{name} OVER needs an ORDER BY", tree, "order it by the row time")
        if name in _OFFSETS:
            return add(self._offset(tree, items, bind))
        written = read_call(self.source, called, bind, None)
        if self.batch and written.distinct and name not in ("MIN", "MAX"):
            self.source.fail(
                f"{name} takes no DISTINCT with OVER in a batch", called, "count in a GROUP BY, and join it"
            )
        # A row is in its own frame, so nothing is null for lack of rows.
        return bind_aggregate(written, add, grouped=self._binder.never_empty(tree))

    def _tiles(self, called: exp.Expr, items: list[exp.Expr], bind: Bind) -> PlainCall:
        """NTILE(number of tiles)."""
        tiles = bind(items[0]) if len(items) == 1 else None
        if not isinstance(tiles, Literal) or not isinstance(tiles.value, int) or tiles.value < 1:
            self.source.fail("NTILE takes a number of tiles, from 1 on", called)
        kind, position = BIGINT.with_nullable(False), self.source.locate(called)
        return PlainCall("NTILE", (), kind, False, None, position, (tiles.value,))

    def _offset(self, tree: exp.Expr, items: list[exp.Expr], bind: Bind) -> PlainCall:
        """LAG(value [, number of rows [, default]]), and LEAD."""
        called = tree.this
        name = called.name.upper()
        if not 1 <= len(items) <= 3:
            self.source.fail(f"{name} takes 1 to 3 arguments: {name}(value [, rows [, default]])", called)
        value, *rest = (bind(item) for item in items)
        arguments = [value]
        position = self.source.locate(called)
        if rest:
            rows = rest[0]
            if not isinstance(rows, Literal) or not isinstance(rows.value, int) or (rows.value < 0 and not self.batch):
                self.source.fail(f"{name}'s number of rows must be a number", items[1])
            arguments.append(rows)
        nullable = True
        if len(rest) > 1:
            default, kind = rest[1], value.type.with_nullable(rest[1].type.nullable)
            nullable = value.type.nullable or default.type.nullable
            if _of_one_kind(value.type, default.type):
                arguments.append(coerce(default, kind))
            elif self.batch and _is_cast_in_batches(value.type, default.type):
                arguments.append(bind_cast(default, kind, position))
            else:
                what = f"{name}'s default must be of the value's type {value.type.name()}, not {default.type.name()}"
                self.source.fail(what, items[2], f"write CAST(… AS {value.type.name()})")
        return PlainCall(name, tuple(arguments), value.type.with_nullable(nullable), False, None, position)

    # ---- the plan ---------------------------------------------------------------------------------------------

    @property
    def expressions(self) -> list[Expression]:
        """Everything that the calls and their windows read."""
        parts = [expression for window in self.windows for expression in window.expressions]
        for call, _ in self.calls:
            parts += call.arguments
        return parts

    def map(self, change: Callable[[Expression], Expression]) -> None:
        """Rewrite what the calls and their windows read: an aggregate has come below."""
        self.windows = [window.map(change) for window in self.windows]
        self.calls = [
            (replace(call, arguments=tuple(change(argument) for argument in call.arguments)), place)
            for call, place in self.calls
        ]

    def over(self, below: Relation) -> Computed:
        """The calls over a relation: its fields, what the calls compute first, then the results, window by window."""
        fields: list[Expression] = [below.schema.column(index) for index in range(len(below.schema))]
        names = list(below.schema.names)
        for expression in self.expressions:
            if expression not in fields:
                fields.append(expression)
                names.append(f"$f{len(fields) - 1}")

        def column(expression: Expression) -> Column:
            index = fields.index(expression)
            return Column(expression.type, index, names[index], position=expression.position)

        relation = below
        if len(fields) > len(below.schema):
            relation = Project(below, tuple(fields), tuple(unique_names(names)))
        places: dict[int, int] = {}
        for number, window in enumerate(self.windows):
            own = [place for place, (_, theirs) in enumerate(self.calls) if theirs == number]
            places |= {place: len(relation.schema) + index for index, place in enumerate(own)}
            relation = (BoundedOver if self.batch else Over)(
                relation,
                tuple(dict.fromkeys(column(part).index for part in window.partition)),
                tuple(SortKey(column(key.expression).index, key.descending, key.nulls_first) for key in window.order),
                window.frame,
                tuple(_call_of(self.calls[place][0], column) for place in own),
                tuple(f"w{number}$o{index}" for index in range(len(own))),
            )
        return Computed(relation, tuple(places[place] for place in range(len(self.calls))))


def _call_of(call: PlainCall, column: Callable[[Expression], Column]) -> AggregateCall:
    arguments = tuple(column(argument) for argument in call.arguments)
    return AggregateCall(
        call.function, arguments, call.type, call.distinct, position=call.position, constants=call.constants
    )


def above_over(expression: Expression, computed: Computed) -> Expression:
    """The expression with the results of the OVER calls in place of what stood for them."""

    def replace_slot(part: Expression) -> Expression:
        if isinstance(part, OverSlot):
            field = computed.relation.schema.column(computed.fields[part.number])
            return replace(field, position=part.position)
        return part

    return rewrite(expression, replace_slot)


def _is_cast_in_batches(value: DataType, default: DataType) -> bool:
    """Whether LAG and LEAD take a default of another type than the value's."""
    return all(is_text(kind) or is_numeric(kind) for kind in (value, default))


def _of_one_kind(one: DataType, other: DataType) -> bool:
    """Whether two types differ in nothing but lengths, digits and NULL."""
    if isinstance(one, IntegerType | FloatType):
        return one.same_as(other)
    return type(one) is type(other) or (is_text(one) and is_text(other)) or (is_bytes(one) and is_bytes(other))

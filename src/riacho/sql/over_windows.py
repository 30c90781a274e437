"""The window of an OVER call: its partition, order and frame, which reach further in a batch than in a stream.

Source: Flink, "Over Aggregation"; Calcite's `SqlWindow`, which checks frames.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from sqlglot import exp

from riacho.plan.expressions import Expression, Literal
from riacho.plan.relations import Frame, FrameUnit
from riacho.plan.types import (
    DateType,
    DayTimeIntervalType,
    IntegerType,
    TimestampLtzType,
    TimestampType,
    TimeType,
    is_numeric,
)
from riacho.sql.ordering import refuse_unordered
from riacho.sql.source import SourceText

Bind = Callable[[exp.Expr], Expression]

WHOLE_PARTITION = Frame(FrameUnit.ROWS, None, None)

_TIMES = (DateType, TimeType, TimestampType, TimestampLtzType)

_AFTER = {"UNBOUNDED PRECEDING": 0, "PRECEDING": 1, "CURRENT ROW": 2, "FOLLOWING": 3, "UNBOUNDED FOLLOWING": 4}
"""The bounds of frames in their order."""


@dataclass(frozen=True, slots=True)
class OrderKey:
    expression: Expression
    descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True)
class Window:
    """The window of the calls; equal ones are the same window, wherever they stand in the text."""

    partition: tuple[Expression, ...]
    order: tuple[OrderKey, ...]
    frame: Frame

    @property
    def expressions(self) -> list[Expression]:
        """What it reads."""
        return [*self.partition, *(key.expression for key in self.order)]

    def map(self, change: Callable[[Expression], Expression]) -> Window:
        """The same window over other expressions."""
        order = tuple(replace(key, expression=change(key.expression)) for key in self.order)
        return replace(self, partition=tuple(map(change, self.partition)), order=order)


@dataclass(frozen=True, slots=True)
class WindowBinder:
    """Binds what stands behind OVER. `named` are the windows of WINDOW."""

    source: SourceText
    named: Mapping[str, exp.Expr]

    def specification(self, tree: exp.Expr) -> exp.Expr:
        """What stands in the parentheses after OVER, or under the name of a window."""
        name = tree.args.get("alias")
        if name is None:
            return tree
        if name.name not in self.named:
            self.source.fail(f"there is no window '{name.name}'", name, "define it: WINDOW name AS (…)")
        return self.named[name.name]

    def in_stream(self, tree: exp.Expr, bind: Bind, *, numbers: bool) -> Window:
        """A window whose frames end with the row; that of ROW_NUMBER counts rows."""
        specification = self.specification(tree)
        partition, order = self._parts(specification, bind)
        for key, item in zip(order, _order_items(specification), strict=True):
            if isinstance(key.expression, Literal):
                self.source.fail("OVER cannot be ordered by a constant", item, "order it by a column")
        frame = specification.args.get("spec")
        if frame is not None:
            return Window(partition, order, self._stream_frame(frame, bind))
        return Window(partition, order, Frame(FrameUnit.ROWS if numbers else FrameUnit.RANGE))

    def in_batch(self, tree: exp.Expr, bind: Bind) -> Window:
        """A window of any order and frame. By a constant all rows are equal; without an order there is no frame."""
        specification = self.specification(tree)
        partition, written = self._parts(specification, bind)
        order = tuple(key for key in written if not isinstance(key.expression, Literal))
        spec = specification.args.get("spec")
        frame = Frame(FrameUnit.RANGE) if spec is None else self._batch_frame(spec, order, bind)
        if spec is not None and not written and frame.unit is FrameUnit.RANGE:
            self.source.fail("a frame of RANGE needs an ORDER BY", spec, "order it by a column, or write ROWS")
        return Window(partition, order, frame if written else WHOLE_PARTITION)

    def never_empty(self, tree: exp.Expr) -> bool:
        """Whether each row is in its own frame, as far as Flink looks: it does not at distances, 0 or not."""
        frame = self.specification(tree).args.get("spec")
        named = ("UNBOUNDED", "CURRENT ROW")
        return frame is None or (frame.args["start"] in named and frame.args["end"] in named)

    def _parts(self, tree: exp.Expr, bind: Bind) -> tuple[tuple[Expression, ...], tuple[OrderKey, ...]]:
        partition = tuple(bind(part) for part in tree.args.get("partition_by") or ())
        order = tuple(
            OrderKey(bind(item.this), bool(item.args.get("desc")), bool(item.args.get("nulls_first")))
            for item in _order_items(tree)
        )
        for key, item in zip(order, _order_items(tree), strict=True):
            refuse_unordered(key.expression.type, item, self.source)
        return partition, order

    def _stream_frame(self, tree: exp.Expr, bind: Bind) -> Frame:
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
        return Frame(unit, self._whole(bind(start), start, unit))

    def _whole(self, amount: Expression, tree: exp.Expr, unit: FrameUnit) -> int:
        """A number of rows, or of milliseconds."""
        wanted = IntegerType if unit is FrameUnit.ROWS else DayTimeIntervalType
        if not isinstance(amount, Literal) or not isinstance(amount.type, wanted) or not isinstance(amount.value, int):
            what = "a number of rows" if unit is FrameUnit.ROWS else "an interval, as INTERVAL '1' HOUR"
            self.source.fail(f"{unit.value} … PRECEDING needs {what}", tree)
        if amount.value < 0:
            self.source.fail(f"{unit.value} … PRECEDING must not be negative", tree)
        return amount.value

    def _batch_frame(self, tree: exp.Expr, order: tuple[OrderKey, ...], bind: Bind) -> Frame:
        unit = FrameUnit[str(tree.args["kind"])]
        start, end = (_written(tree, side) for side in ("start", "end"))
        if start == "UNBOUNDED FOLLOWING":
            self.source.fail("a frame cannot begin at UNBOUNDED FOLLOWING", tree)
        if end == "UNBOUNDED PRECEDING":
            self.source.fail("a frame cannot end at UNBOUNDED PRECEDING", tree)
        if _AFTER[start] > _AFTER[end]:
            self.source.fail(f"a frame that begins at {start} cannot end at {end}", tree)
        amounts = [bind(tree.args[side]) for side in ("start", "end") if isinstance(tree.args[side], exp.Expr)]
        distances = [self._distance(amount, tree, unit, order) for amount in amounts]
        scale = max((max(-_exponent(distance), 0) for distance in distances), default=0)
        given = iter([int(distance.scaleb(scale)) for distance in distances])
        preceding = None if start == "UNBOUNDED PRECEDING" else 0 if start == "CURRENT ROW" else next(given)
        following = None if end == "UNBOUNDED FOLLOWING" else 0 if end == "CURRENT ROW" else next(given)
        if preceding is not None and start == "FOLLOWING":
            preceding = -preceding
        if following is not None and end == "PRECEDING":
            following = -following
        return Frame(unit, preceding, following, scale)

    def _distance(self, amount: Expression, tree: exp.Expr, unit: FrameUnit, order: tuple[OrderKey, ...]) -> Decimal:
        """How far a bound is from the row: in rows, milliseconds, or the order's own numbers."""
        if unit is FrameUnit.ROWS:
            return Decimal(self._whole(amount, tree, unit))
        if len(order) != 1:
            self.source.fail("a distance of RANGE needs an ORDER BY of one column", tree, "count rows: ROWS BETWEEN …")
        kind = order[0].expression.type
        if isinstance(kind, _TIMES):
            return Decimal(self._whole(amount, tree, unit))
        if not is_numeric(kind):
            self.source.fail(
                f"RANGE has no distances in the order of {kind.name()}", tree, "count rows: ROWS BETWEEN …"
            )
        if not isinstance(amount, Literal) or not is_numeric(amount.type):
            self.source.fail("a distance of RANGE in the order of numbers is a number", tree)
        distance = Decimal(str(amount.value))
        if distance < 0:
            self.source.fail("a distance of RANGE must not be negative", tree)
        return distance


def _order_items(tree: exp.Expr) -> list[exp.Expr]:
    order = tree.args.get("order")
    return [] if order is None else list(order.expressions)


def _written(tree: exp.Expr, side: str) -> str:
    """A bound without its distance."""
    bound, direction = tree.args[side], tree.args.get(f"{side}_side")
    if bound == "CURRENT ROW":
        return "CURRENT ROW"
    return f"UNBOUNDED {direction}" if bound == "UNBOUNDED" else str(direction)


def _exponent(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int), "a distance is finite"
    return exponent

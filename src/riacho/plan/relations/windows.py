"""Windows of event time: the table functions that lay them out, and aggregation by them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property

from riacho.plan.expressions import AggregateCall
from riacho.plan.relations.relation import Unary
from riacho.plan.relations.schema import Field, Schema, TimeAttribute, unique_names
from riacho.plan.types import TIMESTAMP_3, DataType, TimestampLtzType


class WindowKind(Enum):
    """How windows lie.

    Side by side; one begun every `slide`; growing by `slide` from one beginning up to `size`; around rows that are
    not further apart than `size`. ATTACHED: the rows have their windows already, in fields of their own.
    """

    TUMBLE = "TUMBLE"
    HOP = "HOP"
    CUMULATE = "CUMULATE"
    SESSION = "SESSION"
    ATTACHED = "ATTACHED"


@dataclass(frozen=True, slots=True)
class EmitStrategy:
    """When a group window gives rows besides its end: before it, every so often by the clock, and after it.

    Durations in milliseconds; a delay of 0 answers every row, None none. `lateness_ms`: how far the watermark must be
    past the end until the window takes no more rows. Source: Flink, WindowEmitStrategy.
    """

    early_ms: int | None = None
    late_ms: int | None = None
    lateness_ms: int = 0

    @property
    def updates(self) -> bool:
        """Whether a window gives more than one row."""
        return self.early_ms is not None or self.late_ms is not None


@dataclass(frozen=True, slots=True)
class WindowTable(Unary):
    """A window table function: each row once per window that holds its `time_column`.

    Appends window_start, window_end (TIMESTAMP(3)) and window_time (the new row time, window_end - 1 ms).
    All durations in milliseconds; `slide` equals `size` for TUMBLE and SESSION. SESSION has a session for each
    `partition`, and gives a row when its session is over. Rows whose time is null are an error of the row.
    Source: Flink, "Windowing table-valued functions".
    """

    kind: WindowKind
    time_column: int
    size: int
    slide: int
    offset: int = 0
    partition: tuple[int, ...] = ()
    emit: EmitStrategy | None = None
    """When a grouping by these windows gives rows, where they were written in GROUP BY."""

    @cached_property
    def schema(self) -> Schema:
        below = self.input.schema
        zoned = isinstance(below[self.time_column].type, TimestampLtzType)
        time_type: DataType = TimestampLtzType(3, nullable=False) if zoned else TIMESTAMP_3.with_nullable(False)
        bound = TIMESTAMP_3.with_nullable(False)
        fields = [item if index != self.time_column else replace(item, time=None) for index, item in enumerate(below)]
        names = unique_names([*below.names, "window_start", "window_end", "window_time"])[-3:]
        added = (
            Field(names[0], bound),
            Field(names[1], bound),
            Field(names[2], time_type, below[self.time_column].time),
        )
        return Schema((*fields, *added))


class WindowProperty(Enum):
    """What a window aggregate says of its window."""

    START = "window_start"
    END = "window_end"
    TIME = "window_time"


@dataclass(frozen=True, slots=True)
class WindowAggregate(Unary):
    """Groups by window and `keys`; each window emits its rows once, when the watermark passes its end − 1 ms.

    Replaces an `Aggregate` whose keys hold window_start and window_end of the `WindowTable` below it (see the pass
    that recognises it); `input` is what that window table read. Its fields are the keys, the calls, then
    `properties`. A row is late, and dropped and counted, when its window had closed before it arrived.

    ATTACHED: the windows are fields of `input`, whose start and end are among the keys; `time_column` is the end, and
    the only property is TIME. `zoned`: that time is an instant, a TIMESTAMP_LTZ; `event_time`: a row time.

    Windows of GROUP BY have an `emit`, by which they may give their rows earlier too, and take them back when they
    change.
    """

    kind: WindowKind
    time_column: int
    size: int
    slide: int
    offset: int
    keys: tuple[int, ...]
    calls: tuple[AggregateCall, ...]
    properties: tuple[WindowProperty, ...]
    names: tuple[str, ...]
    zoned: bool = False
    event_time: bool = True
    emit: EmitStrategy | None = None

    @property
    def updates(self) -> bool:
        """Whether a window takes rows back that it gave."""
        return self.emit is not None and self.emit.updates

    @cached_property
    def schema(self) -> Schema:
        below = self.input.schema
        attached = self.kind is WindowKind.ATTACHED
        zoned = self.zoned if attached else isinstance(below[self.time_column].type, TimestampLtzType)
        time = below[self.time_column].time
        if attached:
            time = TimeAttribute.ROWTIME if self.event_time else TimeAttribute.PROCTIME
        types: list[tuple[DataType, TimeAttribute | None]] = [(below[key].type, None) for key in self.keys]
        types += [(call.type, None) for call in self.calls]
        for item in self.properties:
            if item is WindowProperty.TIME:
                kind = TimestampLtzType(3) if zoned else TIMESTAMP_3
                types.append((kind.with_nullable(False), time))
            else:
                types.append((TIMESTAMP_3.with_nullable(False), None))
        return Schema(tuple(Field(name, kind, time) for name, (kind, time) in zip(self.names, types, strict=True)))

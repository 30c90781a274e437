"""Joins of rows of the same window."""

from __future__ import annotations

from dataclasses import dataclass, field

from riacho.plan.relations.join import Join


@dataclass(frozen=True, slots=True)
class WindowJoin(Join):
    """A join whose keys hold window_start and window_end of both sides: each window is joined once, when it closes.

    Replaces a `Join` of rows that are only added (see the pass that recognises it); its result is only added to, also
    where rows without a match stay. `end_key` is the place of window_end among the keys; `zoned`: the windows are those
    of instants, a TIMESTAMP_LTZ. A row is late, and dropped and counted, when its window had closed before it came.
    """

    end_key: int = field(default=0, kw_only=True)
    zoned: bool = field(default=False, kw_only=True)

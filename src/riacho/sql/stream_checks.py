"""What a stream cannot compute although the grammar has it, and what it computes that Flink refuses: told of a plan."""

from __future__ import annotations

import logging

from riacho.plan.changelog import is_updating
from riacho.plan.determinism import volatile_condition
from riacho.plan.expressions import walk
from riacho.plan.passes.rank import rank_range
from riacho.plan.relations import (
    Aggregate,
    BoundedOver,
    Filter,
    Over,
    Rank,
    RankKind,
    Relation,
    Sort,
    TimeAttribute,
    WindowAggregate,
    WindowKind,
    WindowTable,
    walk_relations,
)
from riacho.plan.windowing import windowing
from riacho.sql.over import RANKINGS
from riacho.sql.over_checks import check_order, check_over, is_computable
from riacho.sql.source import SourceText
from riacho.user_functions.classes import can_retract

log = logging.getLogger(__name__)


def check_stream(relation: Relation, source: SourceText) -> None:
    """Refuse an optimized plan with a step that no stream can take. Raises `SqlError`."""
    check_batch(relation, source)
    for step in walk_relations(relation):
        if isinstance(step, Filter) and isinstance(step.input, Over) and not _is_filtered(step, step.input):
            _check_numbered(step.input, source, step)
        if isinstance(step, Over):
            if not is_computable(step):
                _check_numbered(step, source)
            check_over(step, source)
        if isinstance(step, Rank) and step.kind is not RankKind.ROW_NUMBER and _is_by_window(step):
            source.fail(
                f"{step.kind.value} is not supported for a top-N in a window",
                step.position or 0,
                "number the rows by ROW_NUMBER",
            )


def check_batch(relation: Relation, source: SourceText) -> None:
    """Refuse an optimized plan with a step that is not taken over rows that end either. Raises `SqlError`."""
    for step in walk_relations(relation):
        if isinstance(step, Aggregate | WindowAggregate):
            _check_retractions(step, source)
        if isinstance(step, WindowTable) and step.kind is not WindowKind.SESSION:
            _check_window(step, source)
        if isinstance(step, BoundedOver):
            check_order(step, source)
        if isinstance(step, Sort):
            _check_sort(step, source)
        if isinstance(step, Rank) and step.end < 1:
            source.fail(
                f"no row is numbered {step.end}: the first is 1", step.position or 0, "ask for numbers from 1 on"
            )
    _check_conditions(relation, source)


def _check_conditions(relation: Relation, source: SourceText) -> None:
    """Refuse a join of rows that change by a condition that may hold now and not later."""
    condition = volatile_condition(relation)
    if condition is not None:
        source.fail(
            f"the join's condition {condition} can not satisfy the determinism requirement for correctly processing "
            "update message ('UB'/'UA'/'D' in changelogMode, not 'I' only)",
            next((part.position for part in walk(condition) if part.position is not None), None) or 0,
            "compute it in a column of one side, by a subquery, and join by that",
        )


def _is_by_window(rank: Rank) -> bool:
    windows, partition = windowing(rank.input), set(rank.partition)
    return windows is not None and bool(windows.start & partition) and bool(windows.end & partition)


def _check_sort(sort: Sort, source: SourceText) -> None:
    first = sort.order[0]
    by_time = sort.input.schema[first.column].time is not None and not first.descending
    if by_time and not is_updating(sort.input):
        return
    source.fail(
        "a stream can be sorted by a time attribute alone, ascending, and only where its rows are only added",
        sort.position or 0,
        "write LIMIT n for the first n rows, or ORDER BY the row time",
    )


def _check_window(window: WindowTable, source: SourceText) -> None:
    """A window of the clock is over when it is: no row is given its windows before."""
    if window.input.schema[window.time_column].time is TimeAttribute.PROCTIME:
        source.fail(
            f"rows cannot be given their {window.kind.value} windows of processing time, only be grouped by them",
            0,
            "GROUP BY window_start, window_end right above, with nothing else computed from these two",
        )


def _is_filtered(condition: Filter, over: Over) -> bool:
    """Whether the rows can be numbered, all of them, and then filtered."""
    return is_computable(over) and rank_range(condition) is None


def _check_numbered(over: Over, source: SourceText, condition: Filter | None = None) -> None:
    """Refuse rows that are numbered, but of which not only the first are asked for."""
    call = over.calls[0]
    if call.function not in RANKINGS:
        return
    place = call.position or 0
    if not over.order:
        source.fail(f"{call.function} needs an ORDER BY", place, "write OVER (PARTITION BY … ORDER BY …)")
    if len(over.calls) > 1:
        source.fail("a top-N has one row number, not several", place, "number the rows in a subquery for each")
    found = None if condition is None else rank_range(condition)
    if found is not None:
        what = f"a top-N needs a greatest number, and the condition on {call.function} gives none"
    elif condition is not None:
        what = f"{call.function} must be compared with a constant for a top-N, and with nothing else"
    else:
        what = f"{call.function} in a stream is for a top-N: a query around it must keep the first rows"
    source.fail(what, place, "write SELECT … FROM (SELECT …) WHERE number <= 10")


def extensions(relation: Relation) -> list[str]:
    """What of an optimized plan Flink's streams refuse, a line each."""
    return [
        f"{step.kind.value} for a top-N is an extension: Apache Flink takes ROW_NUMBER alone"
        for step in walk_relations(relation)
        if isinstance(step, Rank) and step.kind is not RankKind.ROW_NUMBER
    ]


def warn_of_extensions(relation: Relation, source: SourceText) -> None:
    """Log a line for each use of what Flink refuses."""
    for line in dict.fromkeys(extensions(relation)):
        log.warning("%s: %s", source.file or "SQL", line)


def _check_retractions(step: Aggregate | WindowAggregate, source: SourceText) -> None:
    """A Python aggregate function must be able to take rows back where its input does."""
    for call in step.calls:
        if call.python is not None and is_updating(step.input) and not can_retract(call.python.implementation):
            source.fail(
                f"{call.python.name} has no retract, and rows of its input are taken back",
                call.position or 0,
                f"define retract(self, accumulator, …) in {call.python.target}",
            )

"""What the columns of a step are called where they are written: for messages to people, who named those."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from riacho.plan.expressions import AggregateCall, columns_used
from riacho.plan.relations import Aggregate, Filter, Project, Relation, Sink, WindowAggregate

Readers = Mapping[Relation, Sequence[Relation]]


def calls_with_columns(relation: Aggregate | WindowAggregate, readers: Readers) -> tuple[AggregateCall, ...]:
    """The step's calls, those of Python functions told the column that they are computed for.

    INSERT INTO totals (city, total) SELECT city, SUM(price) …: the call SUM(price) is for `total`, not for EXPR$0.
    """
    first = len(relation.keys)
    return tuple(
        call if call.python is None else replace(call, column=_written_as(relation, first + place, readers))
        for place, call in enumerate(relation.calls)
    )


def _written_as(relation: Relation, index: int, readers: Readers) -> str:
    """The name of a field in the first column that is made of it; its own where that is nobody's, as in HAVING."""
    name = relation.schema[index].name
    for reader in readers.get(relation, ()):
        match reader:
            case Filter():
                return _written_as(reader, index, readers)
            case Sink():
                return reader.table.persisted_columns[index].name
            case Project():
                used = [place for place, made in enumerate(reader.expressions) if index in columns_used(made)]
                if used:
                    return _written_as(reader, used[0], readers)
    return name

"""Printed tables that do not show what tells their rows apart."""

from __future__ import annotations

from dataclasses import replace

from riacho.plan.changelog import Key, is_updating, unique_keys
from riacho.plan.passes.merge_projects import merge_projects
from riacho.plan.relations import Filter, Join, Project, Relation, Sink, Watermark, unique_names

_PRINT = "print"
"""The connector that shows which old row and which new one are an update."""


def keep_row_keys(sink: Sink) -> Sink:
    """Give a printed table whose rows change the fields that tell them apart, behind those that it shows.

    ```sql
    INSERT INTO printed SELECT COUNT(*) FROM visits GROUP BY country
    -- Sink(printed: count) over Project(count, country) over Aggregate(country)
    ```
    """
    if sink.table.connector != _PRINT or not is_updating(sink.input) or unique_keys(sink.input):
        return sink
    found = _with_key(sink.input)
    return sink if found is None else replace(sink, input=merge_projects(found[0]))


def _with_key(relation: Relation) -> tuple[Relation, tuple[int, ...]] | None:
    """The relation with a unique key of what it reads behind its fields, and where that is; None: there is no key."""
    shown = _minimal(unique_keys(relation))
    if shown is not None:
        return relation, shown
    match relation:
        case Filter() | Watermark():
            found = _with_key(relation.input)
            return None if found is None else (replace(relation, input=found[0]), found[1])
        case Project():
            found = _with_key(relation.input)
            return None if found is None else _projected(replace(relation, input=found[0]), found[1])
        case Join(given=given) if given is not None:
            key = _minimal(unique_keys(replace(relation, given=None, names=())))
            return None if key is None else _given_too(relation, given, key)
    return None


def _minimal(keys: frozenset[Key]) -> tuple[int, ...] | None:
    return tuple(sorted(min(keys, key=sorted))) if keys else None


def _given_too(join: Join, given: tuple[int, ...], key: tuple[int, ...]) -> tuple[Relation, tuple[int, ...]]:
    """The join, which gives these of its fields out behind those that it gave out before."""
    wide = tuple(sorted({*given, *key}))
    widened = replace(join, given=wide, names=())
    columns = tuple(widened.schema.column(wide.index(index)) for index in given)
    return _projected(Project(widened, columns, join.names), tuple(map(wide.index, key)))


def _projected(project: Project, key: tuple[int, ...]) -> tuple[Relation, tuple[int, ...]]:
    """The projection, which passes these fields on behind its own."""
    width = len(project.expressions)
    passed = tuple(project.input.schema.column(index) for index in key)
    names = unique_names([*project.names, *(column.name for column in passed)])
    wide = replace(project, expressions=project.expressions + passed, names=tuple(names))
    return wide, tuple(range(width, width + len(key)))

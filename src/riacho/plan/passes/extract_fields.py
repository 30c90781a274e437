"""Fields of ROWs, taken where the ROW is read, so that the others need not be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from riacho.plan.expressions import Call, Column, Expression, Literal, rewrite
from riacho.plan.relations import (
    Filter,
    Project,
    Relation,
    Scan,
    Watermark,
    WindowTable,
    unique_names,
)
from riacho.plan.types import CharType, RowField, RowType

Places = Mapping[tuple[int, str], int]
"""Where the field of a ROW stands as a field of its own: (the ROW's index, the field's name) to its index."""


def extract_fields(relation: Relation) -> Relation:
    """Take the fields of a table's ROWs directly above its scan.

    ```sql
    SELECT r.a FROM t WHERE r.b > 1
    SELECT a FROM (SELECT r.a, r.b FROM t) WHERE b > 1
    ```

    All of them, and the ROW itself; a pass that prunes columns leaves those that are used. They go up through filters,
    projections, watermarks and window tables.
    """
    if not _is_step(relation):
        return _below(relation)
    return _first_fields(_with_places(relation)[0], len(relation.schema))


def _is_step(relation: Relation) -> bool:
    return isinstance(relation, Scan | Filter | Project | Watermark | WindowTable)


def _below(relation: Relation) -> Relation:
    """The relation over inputs that have been rewritten and have their fields of before."""
    if not _reads_a_scan_as_it_is(relation):
        inputs = tuple(extract_fields(part) for part in relation.inputs)
        if any(new is not old for new, old in zip(inputs, relation.inputs, strict=True)):
            return relation.with_inputs(inputs)
    return relation


def _reads_a_scan_as_it_is(relation: Relation) -> bool:
    """A changelog is made of upserts by a step that sits on their scan."""
    return any(isinstance(part, Scan) and part.table.connector == "upsert-kafka" for part in relation.inputs)


def _with_places(relation: Relation) -> tuple[Relation, Places]:
    """The relation with further fields after its own: those of its ROWs."""
    match relation:
        case Scan():
            return _extracted(relation)
        case Filter():
            below, places = _input(relation.input)
            return replace(relation, input=below, predicate=_through(relation.predicate, places)), places
        case Watermark():
            below, places = _input(relation.input)
            return replace(relation, input=below, expression=_through(relation.expression, places)), places
        case Project():
            return _projected(relation)
        case WindowTable():
            return _windowed(relation)
    raise AssertionError(f"{type(relation).__name__} does not pass ROWs through")


def _input(relation: Relation) -> tuple[Relation, Places]:
    return _with_places(relation) if _is_step(relation) else (_below(relation), {})


def _first_fields(relation: Relation, count: int) -> Relation:
    if len(relation.schema) == count:
        return relation
    schema = relation.schema
    return Project(relation, tuple(schema.column(index) for index in range(count)), schema.names[:count])


def _extracted(scan: Scan) -> tuple[Relation, Places]:
    expressions: list[Expression] = [scan.schema.column(index) for index in range(len(scan.schema))]
    names = list(scan.schema.names)
    places: dict[tuple[int, str], int] = {}
    if scan.table.connector == "upsert-kafka":
        return scan, places
    for index, expression in enumerate(expressions):  # which grows: a field may be a ROW again
        if isinstance(expression.type, RowType):
            for item in expression.type:
                places[index, item.name] = len(expressions)
                expressions.append(_field(expression, item))
                names.append(f"{names[index]}.{item.name}")
    if not places:
        return scan, places
    return Project(scan, tuple(expressions), tuple(unique_names(names))), places


def _field(row: Expression, item: RowField) -> Call:
    kind = item.type.with_nullable(item.type.nullable or row.type.nullable)
    return Call(kind, "FIELD", (row, Literal(CharType(len(item.name), nullable=False), item.name)))


def _projected(project: Project) -> tuple[Relation, Places]:
    below, places = _input(project.input)
    if not places:
        return replace(project, input=below), places
    expressions = [_through(part, places) for part in project.expressions]
    names = list(project.names)
    above: dict[tuple[int, str], int] = {}
    for index, part in enumerate(expressions):  # which grows as well
        if isinstance(part, Column) and isinstance(part.type, RowType):
            for item in part.type:
                place = places.get((part.index, item.name))
                if place is not None:
                    above[index, item.name] = len(expressions)
                    expressions.append(below.schema.column(place))
                    names.append(f"{names[index]}.{item.name}")
    return Project(below, tuple(expressions), tuple(unique_names(names))), above


def _windowed(window: WindowTable) -> tuple[Relation, Places]:
    below, places = _input(window.input)
    if not places:
        return replace(window, input=below), places
    width, wider = len(window.input.schema), len(below.schema)
    widened = replace(window, input=below)
    schema = widened.schema
    # The bounds of the window come before the fields that were added.
    order = [*range(width), *range(wider, len(schema)), *range(width, wider)]
    moves = {old: new for new, old in enumerate(order)}
    reordered = Project(
        widened, tuple(schema.column(index) for index in order), tuple(schema.names[index] for index in order)
    )
    return reordered, {(moves[row], name): moves[place] for (row, name), place in places.items()}


def _through(expression: Expression, places: Places) -> Expression:
    """The expression with every field that stands by itself read from there."""

    def rule(part: Expression) -> Expression:
        if isinstance(part, Call) and part.function == "FIELD":
            row, name = part.arguments
            if isinstance(row, Column) and isinstance(name, Literal) and isinstance(name.value, str):
                place = places.get((row.index, name.value))
                if place is not None:
                    return Column(part.type, place, f"{row.name}.{name.value}", position=part.position)
        return part

    return rewrite(expression, rule) if places else expression

"""Collections laid out as rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from riacho.plan.expressions import Expression
from riacho.plan.relations.relation import Unary
from riacho.plan.relations.schema import Field, Schema, unique_names
from riacho.plan.types import INT, ArrayType, DataType, MapType, MultisetType, RowType


@dataclass(frozen=True, slots=True)
class Unnest(Unary):
    """Each row once per element of its `collection`, the element's fields behind its own.

    An array's element is one field, or the fields of a ROW, and a ROW that is NULL is passed over; a map's are key and
    value; a multiset's are as an array's, each as often as it occurs. `ordinality` appends its place in the collection,
    from 1. Only elements that the `condition`, over all these fields, is true for are laid out. `outer` keeps rows that
    none is laid out of, with nulls. `names` are those of the appended fields; `given` are those of the row's own that
    the result has, ascending, where nobody else reads the others. Flink: Correlate with `$UNNEST_ROWS$1` or a table
    function.
    """

    collection: Expression
    ordinality: bool
    outer: bool
    names: tuple[str, ...]
    condition: Expression | None = None
    given: tuple[int, ...] | None = None

    @cached_property
    def schema(self) -> Schema:
        width = len(self.input.schema)
        fields = self.pair.fields
        own = fields[:width] if self.given is None else tuple(fields[index] for index in self.given)
        types = (item.type.with_nullable(True) if self.outer else item.type for item in fields[width:])
        return Schema((*own, *(replace(item, type=kind) for item, kind in zip(fields[width:], types, strict=True))))

    @cached_property
    def pair(self) -> Schema:
        """All fields of a row and of its element, which the condition reads."""
        below = self.input.schema
        added = list(element_types(self.collection.type))
        if self.ordinality:
            added.append(INT.with_nullable(False))
        names = unique_names([*below.names, *self.names])[len(below) :]
        return Schema((*below.fields, *(Field(name, kind) for name, kind in zip(names, added, strict=True))))


def element_type(collection: DataType) -> DataType:
    """The type of an element of an array or of a multiset."""
    assert isinstance(collection, ArrayType | MultisetType)
    return collection.element if isinstance(collection, ArrayType) else collection.key


def element_types(collection: DataType) -> tuple[DataType, ...]:
    """The types of an element's fields."""
    if isinstance(collection, MapType) and not isinstance(collection, MultisetType):
        return (collection.key, collection.value)
    element = element_type(collection)
    if isinstance(element, RowType):
        return tuple(item.type.with_nullable(item.type.nullable or element.nullable) for item in element)
    return (element,)


def element_names(collection: DataType) -> tuple[str, ...]:
    """The names that an element's fields have of their own."""
    if isinstance(collection, MapType) and not isinstance(collection, MultisetType):
        return ("key", "value")
    element = element_type(collection)
    return tuple(item.name for item in element) if isinstance(element, RowType) else ("f0",)

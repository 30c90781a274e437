"""Rows, arrays and maps: constructors, access, functions. Source: Flink, "System Functions", Collection Functions."""

from __future__ import annotations

from collections.abc import Callable

from riacho.plan.expressions import Literal
from riacho.plan.types import (
    BOOLEAN,
    INT,
    STRING,
    ArrayType,
    BinaryType,
    BooleanType,
    CharType,
    DataType,
    DateType,
    DecimalType,
    FloatType,
    IntegerType,
    MapType,
    MultisetType,
    NullType,
    RowField,
    RowType,
    TimestampLtzType,
    TimestampType,
    VarbinaryType,
    VarcharType,
    is_bytes,
    is_nested,
    is_numeric,
    is_text,
)
from riacho.sql.functions.coercion import casts_implicitly, common_type
from riacho.sql.functions.definition import Arguments, FunctionDefinition, FunctionError, Signature
from riacho.sql.functions.nulls import MEND
from riacho.sql.functions.parameters import (
    array,
    as_int,
    boolean,
    function,
    gives,
    literal_text,
    map_,
    nullable_if_any,
    text,
)


def _refused(name: str, arguments: Arguments) -> FunctionError:
    listed = ", ".join(argument.type.name() for argument in arguments)
    return FunctionError(f"{name} does not take {listed}", position=arguments[0].position)


def _common(name: str, arguments: Arguments) -> DataType:
    kind = common_type([argument.type for argument in arguments])
    if kind is None:
        raise _refused(name, arguments)
    return kind


def _without_type(name: str, arguments: Arguments) -> FunctionError:
    bare = next(argument for argument in arguments if isinstance(argument.type, NullType))
    return FunctionError(
        f"the parameters of {name} must be of the same type, and this NULL has none", mend=MEND, position=bare.position
    )


def _array(arguments: Arguments) -> Signature:
    kind = _common("ARRAY", arguments)
    if isinstance(kind, NullType):
        raise _without_type("ARRAY", arguments)
    return Signature((kind,) * len(arguments), ArrayType(kind, nullable=False))


def _map(arguments: Arguments) -> Signature:
    if len(arguments) % 2:
        raise FunctionError("MAP takes keys and values in turn", position=arguments[0].position)
    untyped = [isinstance(argument.type, NullType) for argument in arguments]
    if any(untyped[::2]) or (len(arguments) > 2 and any(untyped)):
        raise _without_type("MAP", arguments)
    key = _common("MAP", arguments[::2])
    # As Flink has it: of a single pair the NULL is of the key's type.
    value = key.with_nullable(True) if untyped[1] else _common("MAP", arguments[1::2])
    return Signature((key, value) * (len(arguments) // 2), MapType(key, value, nullable=False))


def _row(arguments: Arguments) -> Signature:
    kinds = tuple(STRING if isinstance(item.type, NullType) else item.type for item in arguments)
    fields = tuple(RowField(f"EXPR${index}", kind) for index, kind in enumerate(kinds))
    return Signature(kinds, RowType(fields, nullable=False))


def _field(arguments: Arguments) -> Signature:
    row, name = arguments[0].type, literal_text(arguments[1], "the name of a field")
    if not isinstance(row, RowType):
        raise _refused("FIELD", arguments)
    for item in row:
        if item.name == name:
            return Signature((row, arguments[1].type), item.type.with_nullable(item.type.nullable or row.nullable))
    names = ", ".join(item.name for item in row)
    raise FunctionError(f"the row has no field {name}", mend=f"its fields are {names}", position=arguments[1].position)


def _item(arguments: Arguments) -> Signature:
    holder, index = arguments[0].type, arguments[1].type
    if isinstance(holder, ArrayType) and isinstance(index, IntegerType):
        position = arguments[1]
        if isinstance(position, Literal) and isinstance(position.value, int) and position.value < 1:
            raise FunctionError("array elements are counted from 1", position=position.position)
        return Signature((holder, INT), holder.element.with_nullable(True))
    if isinstance(holder, MapType) and not isinstance(holder, MultisetType) and casts_implicitly(index, holder.key):
        return Signature((holder, holder.key.with_nullable(True)), holder.value.with_nullable(True))
    raise _refused("ITEM", arguments)


def _sized(given: DataType) -> DataType | None:
    return given if isinstance(given, ArrayType | MapType) else None


def _element(arguments: Arguments) -> DataType:
    kind = arguments[0].type
    assert isinstance(kind, ArrayType)
    return kind.element.with_nullable(True)


def _keys(arguments: Arguments) -> DataType:
    kind = arguments[0].type
    assert isinstance(kind, MapType)
    return ArrayType(kind.key, nullable=kind.nullable)


def _values(arguments: Arguments) -> DataType:
    kind = arguments[0].type
    assert isinstance(kind, MapType)
    return ArrayType(kind.value, nullable=kind.nullable)


def _entries(arguments: Arguments) -> DataType:
    kind = arguments[0].type
    assert isinstance(kind, MapType)
    entry = RowType((RowField("key", kind.key), RowField("value", kind.value)))
    return ArrayType(entry, nullable=kind.nullable)


def _sortable(given: DataType) -> DataType | None:
    """An array whose elements have an order."""
    return given if isinstance(given, ArrayType) and not is_nested(given.element) else None


def _with_extremes(given: DataType) -> DataType | None:
    """As `_sortable`, but for Flink a BOOLEAN has no greatest value."""
    return None if isinstance(given, ArrayType) and isinstance(given.element, BooleanType) else _sortable(given)


def _same_array(arguments: Arguments) -> DataType:
    return arguments[0].type.with_nullable(nullable_if_any(arguments))


def _nullable_as_array(_kind: ArrayType, array: bool, _value: bool) -> DataType:
    return BOOLEAN.with_nullable(array)


def _nullable_place(_kind: ArrayType, array: bool, value: bool) -> DataType:
    return INT.with_nullable(array or value)


def _nullable_as_both(kind: ArrayType, array: bool, value: bool) -> DataType:
    return ArrayType(kind.element.with_nullable(kind.element.nullable or value), nullable=array or value)


def _with_needle(name: str, result: Callable[[ArrayType, bool, bool], DataType]) -> FunctionDefinition:
    """A function of an array and a value, which is cast to the type of the array's elements."""

    def infer(arguments: Arguments) -> Signature:
        haystack, needle = arguments[0].type, arguments[1].type
        if not isinstance(haystack, ArrayType):
            raise _refused(name, arguments)
        element = haystack.element
        if not _becomes_element(needle, element):
            raise FunctionError(
                f"{name} does not take {needle.name()} beside {haystack.name()}",
                mend=f"cast the value to {element.name()}, or the array",
                position=arguments[1].position,
            )
        nullable = needle.nullable or isinstance(needle, NullType)
        if not needle.same_as(element):
            nullable = nullable or element.nullable  # as of the cast
        return Signature((haystack, element.with_nullable(nullable)), result(haystack, haystack.nullable, nullable))

    return FunctionDefinition(name, infer, f"{name}(array, value)", _NEEDLE_DESCRIPTIONS[name], (2, 2))


def _becomes_element(value: DataType, element: DataType) -> bool:
    """Whether Flink casts such a value to the element's type unasked, be it that digits or characters are lost."""
    match element:
        case _ if isinstance(value, NullType) or value.same_as(element):
            return True
        case DecimalType() | FloatType(bits=64):
            return is_numeric(value)
        case FloatType():
            return isinstance(value, IntegerType | DecimalType)
        case CharType():
            return isinstance(value, CharType)
        case VarcharType():
            return is_text(value)
        case BinaryType() | VarbinaryType():
            return is_bytes(value)
        case DateType() | TimestampType() | TimestampLtzType():
            return isinstance(value, TimestampType | TimestampLtzType)
    both = common_type([value, element])
    return both is not None and both.same_as(element)


_NEEDLE_DESCRIPTIONS = {
    "ARRAY_CONTAINS": "Whether the value is an element; NULL is found as a value.",
    "ARRAY_POSITION": "Where the value first is, from 1; 0 if it is not; NULL if either is NULL.",
    "ARRAY_REMOVE": "Without the elements that equal the value.",
    "ARRAY_APPEND": "With the value at the end.",
    "ARRAY_PREPEND": "With the value at the start.",
}


def _arrays(name: str, description: str, most: int | None = 2) -> FunctionDefinition:
    """A function of arrays, all cast to their common type."""

    def infer(arguments: Arguments) -> Signature:
        kind = common_type([argument.type for argument in arguments])
        if not isinstance(kind, ArrayType):
            raise _refused(name, arguments)
        kinds = tuple(kind.with_nullable(argument.type.nullable) for argument in arguments)
        return Signature(kinds, kind.with_nullable(nullable_if_any(arguments)))

    return FunctionDefinition(name, infer, f"{name}(array, array)", description, (1 if most is None else 2, most))


def _map_from_arrays(arguments: Arguments) -> Signature:
    keys, values = arguments[0].type, arguments[1].type
    if not (isinstance(keys, ArrayType) and isinstance(values, ArrayType)):
        raise _refused("MAP_FROM_ARRAYS", arguments)
    return Signature((keys, values), MapType(keys.element, values.element, nullable=nullable_if_any(arguments)))


def _map_union(arguments: Arguments) -> Signature:
    kind = common_type([argument.type for argument in arguments])
    if not isinstance(kind, MapType):
        raise _refused("MAP_UNION", arguments)
    kinds = tuple(kind.with_nullable(argument.type.nullable) for argument in arguments)
    return Signature(kinds, kind.with_nullable(nullable_if_any(arguments)))


def _joined(arguments: Arguments) -> Signature:
    kind = arguments[0].type
    if not (isinstance(kind, ArrayType) and is_text(kind.element)):
        raise _refused("ARRAY_JOIN", arguments)
    for argument in arguments[1:]:
        if text(argument.type) is None:
            raise _refused("ARRAY_JOIN", arguments)
    return Signature((kind, *(STRING,) * (len(arguments) - 1)), STRING.with_nullable(nullable_if_any(arguments)))


FUNCTIONS: tuple[FunctionDefinition, ...] = (
    FunctionDefinition("ROW", _row, "ROW(value, …)", "A row of the values.", (1, None)),
    FunctionDefinition("ARRAY", _array, "ARRAY[value, …]", "An array of the values, in their common type.", (1, None)),
    FunctionDefinition("MAP", _map, "MAP[key, value, …]", "A map of the keys to the values.", (2, None)),
    FunctionDefinition(
        "FIELD",
        _field,
        "row.name",
        "A field of a row, also `row['name']` and `row[number]`; NULL of a NULL row.",
        (2, 2),
    ),
    FunctionDefinition(
        "ITEM",
        _item,
        "array[index] or map[key]",
        "An element, from 1, or a key's value; NULL if there is none.",
        (2, 2),
    ),
    function("CARDINALITY(array or map)", (_sized,), gives(INT), "The number of elements."),
    function(
        "ELEMENT(array)", (array,), _element, "The only element; NULL of an empty array; fails where there are more."
    ),
    _with_needle("ARRAY_CONTAINS", _nullable_as_array),
    _with_needle("ARRAY_POSITION", _nullable_place),
    _with_needle("ARRAY_REMOVE", lambda kind, *_: kind),
    _with_needle("ARRAY_APPEND", _nullable_as_both),
    _with_needle("ARRAY_PREPEND", _nullable_as_both),
    function("ARRAY_DISTINCT(array)", (array,), _same_array, "Each element once, in order of first appearance."),
    function("ARRAY_REVERSE(array)", (array,), _same_array, "Last element first."),
    function("ARRAY_MAX(array)", (_with_extremes,), _element, "The greatest element; NULL of an empty array."),
    function("ARRAY_MIN(array)", (_with_extremes,), _element, "The least element; NULL of an empty array."),
    function(
        "ARRAY_SLICE(array, start[, end])",
        (array, as_int, as_int),
        _same_array,
        "Elements from start to end, both included; negative from the end.",
        optional=1,
    ),
    function(
        "ARRAY_SORT(array[, ascending[, nulls first]])",
        (_sortable, boolean, boolean),
        _same_array,
        "Sorted; ascending, and NULLs first then, by default.",
        optional=2,
    ),
    _arrays("ARRAY_CONCAT", "All arrays in a row.", most=None),
    _arrays("ARRAY_UNION", "The distinct elements of both."),
    _arrays("ARRAY_INTERSECT", "The distinct elements that both hold."),
    _arrays("ARRAY_EXCEPT", "The distinct elements of the first that the second does not hold."),
    FunctionDefinition(
        "ARRAY_JOIN",
        _joined,
        "ARRAY_JOIN(array, delimiter[, null replacement])",
        "The strings, separated; NULLs skipped or replaced.",
        (2, 3),
    ),
    function("MAP_KEYS(map)", (map_,), _keys, "The keys."),
    function("MAP_VALUES(map)", (map_,), _values, "The values."),
    function("MAP_ENTRIES(map)", (map_,), _entries, "The entries as rows of key and value."),
    FunctionDefinition(
        "MAP_FROM_ARRAYS",
        _map_from_arrays,
        "MAP_FROM_ARRAYS(keys, values)",
        "A map; fails where the lengths differ.",
        (2, 2),
    ),
    FunctionDefinition("MAP_UNION", _map_union, "MAP_UNION(map, …)", "All entries; of equal keys the last.", (1, None)),
)

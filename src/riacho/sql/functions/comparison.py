"""Comparison operators. Source: Flink, "System Functions", Comparison Functions."""

from __future__ import annotations

from riacho.plan.expressions import Call
from riacho.plan.types import (
    BOOLEAN,
    STRING,
    DataType,
    NullType,
    is_nested,
    is_numeric,
    is_temporal,
    is_text,
)
from riacho.sql.functions.coercion import common_type, mixes_dates_and_timestamps
from riacho.sql.functions.definition import Arguments, FunctionDefinition, FunctionError, Inference, Signature
from riacho.sql.functions.parameters import any_type, function, gives_never_null, nullable_if_any


def comparable_type(types: list[DataType]) -> DataType | None:
    """The type in which values are compared: the common one, or the temporal one of a time and a string.

    Exact numbers of different scale compare as they are, so no digit is lost: None of their types is changed then.
    """
    if mixes_dates_and_timestamps(types):
        return None
    both = common_type(types)
    if both is not None:
        return both
    times = [item for item in types if not is_text(item)]
    if len(times) < len(types) and all(is_temporal(item) for item in times):
        return common_type(times)
    return None


def _compared(name: str, *, ordered: bool, null_safe: bool = False) -> Inference:
    def infer(arguments: Arguments) -> Signature:
        types = [argument.type for argument in arguments]
        kind = _comparison_type(name, arguments, ordered=ordered)
        result = BOOLEAN.with_nullable(
            not null_safe and (nullable_if_any(arguments) or nullable_if_any(_fields(arguments)))
        )
        return Signature(tuple(_compared_as(item, kind) for item in types), result)

    return infer


def _fields(arguments: Arguments) -> Arguments:
    """The fields of rows that are put together where they are compared: field by field, so that NULLs make it NULL."""
    rows = [part for part in arguments if isinstance(part, Call) and part.function == "ROW"]
    return tuple(field for row in rows for field in row.arguments) if len(rows) > 1 else ()


def _comparison_type(name: str, arguments: Arguments, *, ordered: bool) -> DataType:
    types = [argument.type for argument in arguments]
    kind = comparable_type(types)
    if kind is None:
        listed = " and ".join(dict.fromkeys(item.name() for item in types))
        raise FunctionError(
            f"{name} cannot compare {listed}",
            mend="cast one side to the other's type",
            position=arguments[0].position,
        )
    if ordered and is_nested(kind):
        raise FunctionError(f"{name} cannot order values of {kind.name()}", position=arguments[0].position)
    return STRING if isinstance(kind, NullType) else kind


def _compared_as(given: DataType, kind: DataType) -> DataType:
    nullable = given.nullable or isinstance(given, NullType)
    exact = is_numeric(given) and is_numeric(kind) and type(given) is type(kind)
    text = is_text(given) and is_text(kind)
    return (given if (exact and _is_decimal(given)) or text else kind).with_nullable(nullable)


def _is_decimal(given: DataType) -> bool:
    return given.name().startswith("DECIMAL")


def _operator(name: str, description: str, *, ordered: bool, aliases: tuple[str, ...] = ()) -> FunctionDefinition:
    return FunctionDefinition(name, _compared(name, ordered=ordered), f"a {name} b", description, (2, 2), aliases)


FUNCTIONS: tuple[FunctionDefinition, ...] = (
    _operator("=", "Whether both are equal; NULL where one is NULL.", ordered=False),
    _operator("<>", "Whether both differ; NULL where one is NULL.", ordered=False, aliases=("!=",)),
    _operator("<", "Whether a is less than b.", ordered=True),
    _operator("<=", "Whether a is at most b.", ordered=True),
    _operator(">", "Whether a is greater than b.", ordered=True),
    _operator(">=", "Whether a is at least b.", ordered=True),
    FunctionDefinition(
        "IS DISTINCT FROM",
        _compared("IS DISTINCT FROM", ordered=False, null_safe=True),
        "a IS DISTINCT FROM b",
        "Whether both differ, NULL being equal to NULL.",
        (2, 2),
    ),
    FunctionDefinition(
        "IS NOT DISTINCT FROM",
        _compared("IS NOT DISTINCT FROM", ordered=False, null_safe=True),
        "a IS NOT DISTINCT FROM b",
        "Whether both are equal, NULL being equal to NULL.",
        (2, 2),
    ),
    function("IS NULL(value)", (any_type,), gives_never_null(BOOLEAN), "Whether the value is NULL."),
    function("IS NOT NULL(value)", (any_type,), gives_never_null(BOOLEAN), "Whether the value is not NULL."),
    FunctionDefinition(
        "BETWEEN", _compared("BETWEEN", ordered=True), "a BETWEEN b AND c", "Whether b <= a AND a <= c.", (3, 3)
    ),
    FunctionDefinition(
        "BETWEEN SYMMETRIC",
        _compared("BETWEEN SYMMETRIC", ordered=True),
        "a BETWEEN SYMMETRIC b AND c",
        "Whether a lies between b and c, in either order.",
        (3, 3),
    ),
    FunctionDefinition(
        "IN",
        _compared("IN", ordered=False),
        "a IN (b, …)",
        "Whether a equals one of the list; NULL where none does and one is NULL.",
        (2, None),
    ),
)

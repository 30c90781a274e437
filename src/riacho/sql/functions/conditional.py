"""Choices between values; CASE is its own expression. Source: Flink, "System Functions", Conditional Functions."""

from __future__ import annotations

from riacho.plan.types import BOOLEAN, DataType, NullType, is_nested, is_numeric, is_text
from riacho.sql.functions.coercion import common_type, least_restrictive_type
from riacho.sql.functions.comparison import comparable_type
from riacho.sql.functions.definition import Arguments, FunctionDefinition, FunctionError, Signature
from riacho.sql.functions.nulls import MEND
from riacho.sql.functions.parameters import boolean


def _common(name: str, arguments: Arguments) -> DataType:
    kind = common_type([argument.type for argument in arguments])
    if kind is None:
        listed = ", ".join(dict.fromkeys(argument.type.name() for argument in arguments))
        raise FunctionError(f"the arguments of {name} have no common type: {listed}", position=arguments[0].position)
    if isinstance(kind, NullType):
        raise FunctionError(f"the NULLs of {name} have no type", mend=MEND, position=arguments[0].position)
    return kind


def _of(arguments: Arguments, kind: DataType) -> tuple[DataType, ...]:
    return tuple(kind.with_nullable(_can_be_null(argument.type)) for argument in arguments)


def _can_be_null(kind: DataType) -> bool:
    return kind.nullable or isinstance(kind, NullType)


def _coalesce(arguments: Arguments) -> Signature:
    kind = _common("COALESCE", arguments)
    return Signature(_of(arguments, kind), kind.with_nullable(all(_can_be_null(item.type) for item in arguments)))


def _if_null(arguments: Arguments) -> Signature:
    """A text that cannot be NULL keeps its length: nothing takes its place."""
    value, replacement = (argument.type for argument in arguments)
    kind = _common("IFNULL", arguments)
    if is_text(value) and not value.nullable:
        return Signature((value, kind.with_nullable(_can_be_null(replacement))), value)
    return Signature(_of(arguments, kind), kind.with_nullable(_can_be_null(value) and _can_be_null(replacement)))


def _null_if(arguments: Arguments) -> Signature:
    left, right = (argument.type for argument in arguments)
    if comparable_type([left, right]) is None:
        raise FunctionError(f"NULLIF cannot compare {left.name()} and {right.name()}", position=arguments[0].position)
    if isinstance(left, NullType):
        raise FunctionError(
            "a NULL has no type as the first argument of NULLIF", mend=MEND, position=arguments[0].position
        )
    kind = left
    # Numbers of two types compare as they are; a string beside a time is read as one.
    other = right if is_numeric(right) else kind
    return Signature((kind, other), kind.with_nullable(True))


def _if(arguments: Arguments) -> Signature:
    condition, *results = arguments
    if boolean(condition.type) is None:
        raise FunctionError(
            f"the condition of IF must be BOOLEAN, not {condition.type.name()}", position=condition.position
        )
    kind = least_restrictive_type([result.type for result in results])
    if kind is None:
        listed = " and ".join(result.type.name() for result in results)
        raise FunctionError(f"the results of IF have no common type: {listed}", position=results[0].position)
    # For Flink an unknown condition may make NULL, although the last result is meant by it.
    nullable = condition.type.nullable or any(_can_be_null(item.type) for item in results)
    return Signature(
        (BOOLEAN.with_nullable(condition.type.nullable), *_of(tuple(results), kind)), kind.with_nullable(nullable)
    )


def _extreme(name: str) -> FunctionDefinition:
    def infer(arguments: Arguments) -> Signature:
        kind = _common(name, arguments)
        if is_nested(kind):
            raise FunctionError(f"{name} cannot order values of {kind.name()}", position=arguments[0].position)
        return Signature(_of(arguments, kind), kind.with_nullable(any(_can_be_null(item.type) for item in arguments)))

    word = name.lower()
    return FunctionDefinition(name, infer, f"{name}(value, …)", f"The {word} argument; NULL if one is NULL.", (1, None))


FUNCTIONS: tuple[FunctionDefinition, ...] = (
    FunctionDefinition("COALESCE", _coalesce, "COALESCE(value, …)", "The first argument that is not NULL.", (1, None)),
    FunctionDefinition(
        "IFNULL", _if_null, "IFNULL(value, replacement)", "The replacement where value is NULL.", (2, 2)
    ),
    FunctionDefinition("NULLIF", _null_if, "NULLIF(a, b)", "NULL where a = b, else a.", (2, 2)),
    FunctionDefinition("IF", _if, "IF(condition, then, else)", "One of two; the other is not computed.", (3, 3)),
    _extreme("GREATEST"),
    _extreme("LEAST"),
)

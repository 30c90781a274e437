"""The vocabulary of signatures: what a parameter accepts, and how the result's type follows from the arguments'."""

from __future__ import annotations

from collections.abc import Callable

from riacho.plan.expressions import Expression, Literal
from riacho.plan.types import (
    BIGINT,
    BOOLEAN,
    BYTES,
    DATE,
    DOUBLE,
    INT,
    STRING,
    TIMESTAMP_3,
    ArrayType,
    BooleanType,
    DataType,
    DateType,
    IntegerType,
    MapType,
    MultisetType,
    NullType,
    TimestampLtzType,
    TimestampType,
    is_bytes,
    is_interval,
    is_numeric,
    is_temporal,
    is_text,
)
from riacho.sql.functions.definition import Arguments, FunctionDefinition, FunctionError, Inference, Signature

Parameter = Callable[[DataType], DataType | None]
"""From an argument's type to the one it is cast to; None: such an argument is refused."""

Result = Callable[[Arguments], DataType]


def any_type(given: DataType) -> DataType | None:
    return STRING if isinstance(given, NullType) else given


def text(given: DataType) -> DataType | None:
    if isinstance(given, NullType):
        return STRING
    return given if is_text(given) else None


def binary(given: DataType) -> DataType | None:
    if isinstance(given, NullType):
        return BYTES
    return given if is_bytes(given) else None


def text_or_binary(given: DataType) -> DataType | None:
    return given if is_bytes(given) else text(given)


def boolean(given: DataType) -> DataType | None:
    return BOOLEAN if isinstance(given, BooleanType | NullType) else None


def numeric(given: DataType) -> DataType | None:
    if isinstance(given, NullType):
        return INT
    return given if is_numeric(given) else None


def numeric_or_interval(given: DataType) -> DataType | None:
    return given if is_interval(given) else numeric(given)


def integer(given: DataType) -> DataType | None:
    """Any integer type, kept."""
    if isinstance(given, NullType):
        return INT
    return given if isinstance(given, IntegerType) else None


def as_int(given: DataType) -> DataType | None:
    """An integer, taken as INT."""
    return INT if isinstance(given, IntegerType | NullType) else None


def as_bigint(given: DataType) -> DataType | None:
    """An integer, taken as BIGINT."""
    return BIGINT if isinstance(given, IntegerType | NullType) else None


def as_double(given: DataType) -> DataType | None:
    """A number, taken as DOUBLE."""
    return DOUBLE if is_numeric(given) or isinstance(given, NullType) else None


def temporal(given: DataType) -> DataType | None:
    if isinstance(given, NullType):
        return TIMESTAMP_3
    return given if is_temporal(given) else None


def date_or_timestamp(given: DataType) -> DataType | None:
    if isinstance(given, NullType):
        return DATE
    return given if isinstance(given, DateType | TimestampType | TimestampLtzType) else None


def temporal_or_interval(given: DataType) -> DataType | None:
    return given if is_interval(given) else temporal(given)


def array(given: DataType) -> DataType | None:
    return given if isinstance(given, ArrayType) else None


def map_(given: DataType) -> DataType | None:
    return given if isinstance(given, MapType) and not isinstance(given, MultisetType) else None


def nullable_if_any(arguments: Arguments) -> bool:
    """NULL in, NULL out: the rule of most functions."""
    return any(argument.type.nullable or isinstance(argument.type, NullType) for argument in arguments)


def gives(data_type: DataType) -> Result:
    """Always this type; nullable if an argument is."""
    return lambda arguments: data_type.with_nullable(nullable_if_any(arguments))


def gives_nullable(data_type: DataType) -> Result:
    """Always this type, and possibly NULL whatever the arguments."""
    return lambda _: data_type.with_nullable(True)


def gives_never_null(data_type: DataType) -> Result:
    return lambda _: data_type.with_nullable(False)


def gives_argument(index: int) -> Result:
    """The type of one argument; nullable if any is."""
    return lambda arguments: _typed(arguments[index]).with_nullable(nullable_if_any(arguments))


def _typed(argument: Expression) -> DataType:
    return INT if isinstance(argument.type, NullType) else argument.type


def takes(name: str, parameters: tuple[Parameter, ...], result: Result, *, repeat: bool = False) -> Inference:
    """Inference of a function whose parameters are judged one by one; `repeat`: the last one may recur."""

    def infer(arguments: Arguments) -> Signature:
        types = []
        for index, argument in enumerate(arguments):
            if index < len(parameters):
                accept = parameters[index]
            else:
                assert repeat, "arity was checked before"
                accept = parameters[-1]
            accepted = accept(argument.type)
            if accepted is None:
                raise FunctionError(
                    f"{name} does not take {argument.type.name()} as argument {index + 1}",
                    position=argument.position,
                )
            types.append(accepted.with_nullable(argument.type.nullable or isinstance(argument.type, NullType)))
        return Signature(tuple(types), result(arguments))

    return infer


def function(
    syntax: str,
    parameters: tuple[Parameter, ...],
    result: Result,
    description: str,
    *,
    name: str | None = None,
    optional: int = 0,
    repeat: bool = False,
    aliases: tuple[str, ...] = (),
    deterministic: bool = True,
) -> FunctionDefinition:
    """An entry of a family's table. The name is the syntax up to its parenthesis; the last `optional` may be absent."""
    canonical = name or syntax.split("(", 1)[0]
    return FunctionDefinition(
        canonical,
        takes(canonical, parameters, result, repeat=repeat),
        syntax,
        description,
        (len(parameters) - optional, None if repeat else len(parameters)),
        aliases,
        deterministic,
    )


def literal_text(argument: Expression, what: str) -> str:
    """The value of an argument that must be a string literal, such as a time unit. Raises `FunctionError`."""
    if isinstance(argument, Literal) and isinstance(argument.value, str):
        return argument.value
    raise FunctionError(f"{what} must be a literal, not {argument}", position=argument.position)


def literal_int(argument: Expression, default: int) -> int:
    """An integer literal's value; `default` where the argument is computed."""
    if isinstance(argument, Literal) and isinstance(argument.value, int):
        return argument.value
    return default

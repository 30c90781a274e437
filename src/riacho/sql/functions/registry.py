"""Finds a function by name, checks a call of it and makes the plan's expression, with the casts it needs."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType

from riacho.plan.expressions import Call, Case, Cast, Expression, Literal, Position, PythonCall
from riacho.plan.types import BOOLEAN, BooleanType, DataType, NullType
from riacho.sql.functions import (
    arithmetic,
    bits,
    collection,
    comparison,
    conditional,
    conversion,
    hashing,
    json,
    logical,
    pattern,
    string,
    temporal,
)
from riacho.sql.functions.casts import instead_of_cast, supports_cast
from riacho.sql.functions.coercion import coerce, least_restrictive_type
from riacho.sql.functions.definition import FunctionDefinition, FunctionError
from riacho.sql.functions.nulls import refuse_bare_null

FAMILIES = MappingProxyType(
    {
        "comparison": comparison.FUNCTIONS,
        "logical": logical.FUNCTIONS,
        "arithmetic": arithmetic.FUNCTIONS,
        "bits": bits.FUNCTIONS,
        "string": string.FUNCTIONS,
        "pattern": pattern.FUNCTIONS,
        "temporal": temporal.FUNCTIONS,
        "conditional": conditional.FUNCTIONS,
        "conversion": conversion.FUNCTIONS,
        "collection": collection.FUNCTIONS,
        "json": json.FUNCTIONS,
        "hashing": hashing.FUNCTIONS,
    }
)
"""Every scalar function, a family a module."""

DEFINITIONS: MappingProxyType[str, FunctionDefinition] = MappingProxyType(
    {definition.name: definition for definitions in FAMILIES.values() for definition in definitions}
)
"""Canonical name to definition."""

_BY_NAME = {name: definition for definition in DEFINITIONS.values() for name in (definition.name, *definition.aliases)}


_READ_JSON = "JSON_VALUE, JSON_QUERY and JSON_EXISTS read JSON as text"

NOT_HERE = MappingProxyType(
    {
        "PARSE_JSON": ("PARSE_JSON gives a VARIANT, a type that is not here", _READ_JSON),
        "TRY_PARSE_JSON": ("TRY_PARSE_JSON gives a VARIANT, a type that is not here", _READ_JSON),
        "OBJECT_OF": ("OBJECT_OF makes an object of a Java class, and there are none here", "write ROW(value, …)"),
        "OBJECT_UPDATE": (
            "OBJECT_UPDATE changes an object of a Java class, and there are none here",
            "write a new ROW",
        ),
        "CURRENT_DATABASE": ("CURRENT_DATABASE takes no arguments", "write CURRENT_DATABASE()"),
    }
)
"""What a call of Flink's other functions, or a wrong one of the language's own, is told, and the way out."""


def lookup(name: str) -> FunctionDefinition:
    """The function of this name or alias, in any case. Raises `FunctionError` naming the nearest existing one.

    >>> lookup("character_length").name
    'CHAR_LENGTH'
    """
    definition = _BY_NAME.get(name.upper())
    if definition is None:
        if name.upper() in NOT_HERE:
            what, mend = NOT_HERE[name.upper()]
            raise FunctionError(what, mend=mend)
        near = nearest(name)
        raise FunctionError(
            f"there is no function {name.upper()}",
            mend=f"did you mean {near}?" if near else "the functions that exist are listed in docs/sql/functions.md",
        )
    return definition


def is_function(name: str) -> bool:
    """Whether a function has this name or alias, in any case."""
    return name.upper() in _BY_NAME


def nearest(name: str) -> str | None:
    """The existing function name most like `name`, if one is."""
    close = difflib.get_close_matches(name.upper(), _BY_NAME, n=1, cutoff=0.6)
    return close[0] if close else None


def bind(name: str, arguments: tuple[Expression, ...], position: Position | None = None) -> Expression:
    """The call of a built-in function, its arguments cast to what it takes.

    Raises `FunctionError`, with `position` where the argument has none of its own.
    """
    with _placed(position):
        definition = lookup(name)
    return bind_definition(definition, arguments, position)


def bind_definition(
    definition: FunctionDefinition, arguments: tuple[Expression, ...], position: Position | None = None
) -> Expression:
    """As `bind`, of a function that was found already."""
    with _placed(position):
        definition.check_arity(len(arguments))
        refuse_bare_null(definition, arguments)
        signature = definition.infer(arguments)
    given = tuple(coerce(argument, wanted) for argument, wanted in zip(arguments, signature.arguments, strict=True))
    if definition.python is not None:
        return PythonCall(signature.result, definition.name, given, definition.python, position=position)
    return Call(signature.result, definition.name, given, position=position)


@contextmanager
def _placed(position: Position | None) -> Iterator[None]:
    """Errors that know no place get this one."""
    try:
        yield
    except FunctionError as error:
        if error.position is not None or position is None:
            raise
        raise FunctionError(error.what, mend=error.mend, position=position) from error


def bind_cast(
    operand: Expression, target: DataType, position: Position | None = None, *, lenient: bool = False
) -> Expression:
    """CAST(operand AS target), or TRY_CAST. Raises `FunctionError` where Flink has no such cast."""
    if not supports_cast(operand.type, target):
        word = "TRY_CAST" if lenient else "CAST"
        what = f"{word} from {operand.type.name()} to {target.name()} is not possible"
        raise FunctionError(what, position=position, mend=instead_of_cast(operand.type, target))
    nullable = lenient or operand.type.nullable or isinstance(operand.type, NullType)
    if operand.type.same_as(target) and not lenient:
        return operand
    return Cast(target.with_nullable(nullable), operand, lenient, position=position)


def bind_case(
    branches: tuple[tuple[Expression, Expression], ...],
    otherwise: Expression | None,
    position: Position | None = None,
) -> Expression:
    """CASE WHEN … THEN … ELSE … END: all results cast to their common type. Raises `FunctionError` without one."""
    default = otherwise if otherwise is not None else Literal(NullType(), None, position=position)
    for condition, _ in branches:
        if not isinstance(condition.type, BooleanType | NullType):
            raise FunctionError(
                f"a condition of CASE must be BOOLEAN, not {condition.type.name()}", position=condition.position
            )
    results = [*(result for _, result in branches), default]
    kind = least_restrictive_type([result.type for result in results])
    if kind is None:
        listed = ", ".join(dict.fromkeys(result.type.name() for result in results))
        raise FunctionError(f"the results of CASE have no common type: {listed}", position=position)
    typed = tuple((coerce(condition, BOOLEAN), coerce(result, kind)) for condition, result in branches)
    return Case(kind, typed, coerce(default, kind), position=position)

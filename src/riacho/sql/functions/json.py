"""JSON text and SQL/JSON paths. Source: Flink, "System Functions", JSON Functions; ISO/IEC TR 19075-6."""

from __future__ import annotations

from riacho.plan.expressions import Expression, Literal
from riacho.plan.types import (
    BOOLEAN,
    STRING,
    ArrayType,
    BooleanType,
    DataType,
    FloatType,
    IntegerType,
    MapType,
    NullType,
    RowType,
    is_text,
)
from riacho.sql.functions.coercion import casts_implicitly
from riacho.sql.functions.definition import Arguments, FunctionDefinition, FunctionError, Signature
from riacho.sql.functions.parameters import any_type, function, gives, text


def _keyword(argument: Expression, allowed: tuple[str, ...], what: str) -> None:
    if not (isinstance(argument, Literal) and argument.value in allowed):
        raise FunctionError(f"{what} must be one of {', '.join(allowed)}", position=argument.position)


def _json_and_path(name: str, arguments: Arguments) -> tuple[DataType, DataType]:
    for argument in arguments[:2]:
        if text(argument.type) is None:
            raise FunctionError(f"{name} does not take {argument.type.name()}", position=argument.position)
    if not isinstance(arguments[1], Literal):
        raise FunctionError(f"the path of {name} must be a literal", position=arguments[1].position)
    return STRING.with_nullable(arguments[0].type.nullable), STRING.with_nullable(arguments[1].type.nullable)


def _is_json(arguments: Arguments) -> Signature:
    if len(arguments) == 2:
        _keyword(arguments[1], ("VALUE", "SCALAR", "ARRAY", "OBJECT"), "the kind of IS JSON")
    kind = text(arguments[0].type)
    if kind is None:
        raise FunctionError(f"IS JSON does not take {arguments[0].type.name()}", position=arguments[0].position)
    return Signature((kind, STRING)[: len(arguments)], BOOLEAN.with_nullable(False))


def _json_exists(arguments: Arguments) -> Signature:
    kinds = _json_and_path("JSON_EXISTS", arguments)
    if len(arguments) == 3:
        _keyword(arguments[2], ("TRUE", "FALSE", "UNKNOWN", "ERROR"), "the behaviour ON ERROR")
    return Signature((*kinds, STRING)[: len(arguments)], BOOLEAN)


def _json_value(arguments: Arguments) -> Signature:
    kinds: list[DataType] = list(_json_and_path("JSON_VALUE", arguments))
    result: DataType = STRING
    if len(arguments) > 2 and not isinstance(arguments[2].type, NullType):
        result = arguments[2].type
        if not (is_text(result) or isinstance(result, BooleanType | IntegerType | FloatType)):
            raise FunctionError(f"JSON_VALUE cannot return {result.name()}", position=arguments[2].position)
    for index in range(2, len(arguments)):
        argument = arguments[index]
        if index in (3, 5):
            _keyword(argument, ("NULL", "ERROR", "DEFAULT"), "the behaviour of JSON_VALUE")
            kinds.append(STRING)
        elif index == 2:
            kinds.append(result)
        else:
            if not casts_implicitly(argument.type, result) and not is_text(result):
                raise FunctionError(
                    f"the default of JSON_VALUE must be {result.name()}, not {argument.type.name()}",
                    position=argument.position,
                )
            kinds.append(result)
    return Signature(tuple(kinds), result.with_nullable(True))


def _json_query(arguments: Arguments) -> Signature:
    kinds: list[DataType] = list(_json_and_path("JSON_QUERY", arguments))
    result: DataType = STRING
    if len(arguments) > 2:
        _keyword(arguments[2], ("WITHOUT", "CONDITIONAL", "UNCONDITIONAL"), "the wrapper of JSON_QUERY")
    for argument in arguments[3:5]:
        _keyword(argument, ("NULL", "ERROR", "EMPTY ARRAY", "EMPTY OBJECT"), "the behaviour of JSON_QUERY")
    kinds += [STRING] * len(arguments[2:5])
    if len(arguments) == 6:
        result = STRING if isinstance(arguments[5].type, NullType) else arguments[5].type
        if not (is_text(result) or (isinstance(result, ArrayType) and is_text(result.element))):
            raise FunctionError(f"JSON_QUERY cannot return {result.name()}", position=arguments[5].position)
        kinds.append(result)
    return Signature(tuple(kinds), result.with_nullable(True))


def _json_object(arguments: Arguments) -> Signature:
    _keyword(arguments[0], ("NULL", "ABSENT"), "the behaviour ON NULL")
    if len(arguments) % 2 == 0:
        raise FunctionError("JSON_OBJECT takes keys and values in turn", position=arguments[0].position)
    for key in arguments[1::2]:
        if not (isinstance(key, Literal) and isinstance(key.value, str)):
            raise FunctionError("the keys of JSON_OBJECT must be string literals", position=key.position)
    return Signature(_constructed(arguments), STRING.with_nullable(False))


def _json_array(arguments: Arguments) -> Signature:
    _keyword(arguments[0], ("NULL", "ABSENT"), "the behaviour ON NULL")
    return Signature(_constructed(arguments), STRING.with_nullable(False))


def _constructed(arguments: Arguments) -> tuple[DataType, ...]:
    for item in arguments:
        if _as_json(item.type) is None:
            raise FunctionError(
                f"the keys of a JSON object are texts, not as those of {item.type.name()}", position=item.position
            )
    return tuple(STRING if isinstance(item.type, NullType) else item.type for item in arguments)


def _as_json(given: DataType) -> DataType | None:
    """A type whose values JSON can say: all but those with a map whose keys are no texts."""
    match given:
        case MapType(key=key, value=value):
            fits = is_text(key) and _as_json(value) is not None
        case ArrayType(element=element):
            fits = _as_json(element) is not None
        case RowType(fields=fields):
            fits = all(_as_json(field.type) is not None for field in fields)
        case _:
            return any_type(given)
    return given if fits else None


FUNCTIONS: tuple[FunctionDefinition, ...] = (
    FunctionDefinition(
        "IS JSON",
        _is_json,
        "value IS JSON [VALUE | SCALAR | ARRAY | OBJECT]",
        "Whether the string is JSON (of that kind); FALSE of NULL.",
        (1, 2),
    ),
    FunctionDefinition(
        "JSON_EXISTS", _json_exists, "JSON_EXISTS(json, path […] ON ERROR)", "Whether the path finds something.", (2, 3)
    ),
    FunctionDefinition(
        "JSON_VALUE",
        _json_value,
        "JSON_VALUE(json, path [RETURNING type] […] ON EMPTY […] ON ERROR)",
        "The scalar that the path finds.",
        (2, 7),
    ),
    FunctionDefinition(
        "JSON_QUERY",
        _json_query,
        "JSON_QUERY(json, path [… WRAPPER] […] ON EMPTY […] ON ERROR)",
        "The object or array that the path finds, as JSON text.",
        (2, 6),
    ),
    FunctionDefinition(
        "JSON_OBJECT",
        _json_object,
        "JSON_OBJECT([KEY] key VALUE value, … [NULL | ABSENT ON NULL])",
        "A JSON object as text, in the order of its keys.",
        (1, None),
    ),
    FunctionDefinition(
        "JSON_ARRAY", _json_array, "JSON_ARRAY(value, … [NULL | ABSENT ON NULL])", "A JSON array as text.", (1, None)
    ),
    function(
        "JSON(string)", (text,), gives(STRING), "Text that is JSON, as a value in JSON_OBJECT or JSON_ARRAY alone."
    ),
    function("JSON_STRING(value)", (_as_json,), gives(STRING), "The value as JSON text; NULL of NULL."),
    function("JSON_QUOTE(string)", (text,), gives(STRING), "As a JSON string, in ASCII."),
    function("JSON_UNQUOTE(string)", (text,), gives(STRING), "What a JSON string says; other text unchanged."),
)

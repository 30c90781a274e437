"""Functions of text, counted in characters from 1. Source: Flink, "System Functions", String Functions."""

from __future__ import annotations

from riacho.plan.expressions import Expression, Literal
from riacho.plan.types import (
    BOOLEAN,
    BYTES,
    INT,
    MAX_LENGTH,
    STRING,
    ArrayType,
    CharType,
    DataType,
    MapType,
    NullType,
    VarcharType,
    is_bytes,
    is_text,
)
from riacho.sql.functions.coercion import common_type
from riacho.sql.functions.definition import Arguments, FunctionDefinition, FunctionError, Signature
from riacho.sql.functions.parameters import (
    any_type,
    as_bigint,
    as_int,
    binary,
    function,
    gives,
    gives_never_null,
    gives_nullable,
    nullable_if_any,
    takes,
    text,
    text_or_binary,
)


def _concatenation(arguments: Arguments) -> Signature:
    """The lengths add up: CHAR(2) || CHAR(3) is CHAR(5), anything with STRING is STRING."""
    types = [STRING if isinstance(item.type, NullType) else item.type for item in arguments]
    nullable = nullable_if_any(arguments)
    if not all(is_text(item) for item in types):
        listed = " and ".join(item.name() for item in types)
        raise FunctionError(f"|| does not take {listed}", mend="cast to STRING", position=arguments[0].position)
    length = _total_length(types)
    if all(isinstance(item, CharType) for item in types):
        return Signature(tuple(types), CharType(length).with_nullable(nullable))
    return Signature(tuple(types), VarcharType(length).with_nullable(nullable))


def _total_length(types: list[DataType]) -> int:
    return min(MAX_LENGTH, sum(getattr(item, "length", MAX_LENGTH) for item in types))


def _trim(arguments: Arguments) -> Signature:
    if len(arguments) == 1:
        raise FunctionError("TRIM needs its form spelled out", mend="TRIM(BOTH ' ' FROM string)")
    mode = arguments[0]
    if not (isinstance(mode, Literal) and mode.value in ("BOTH", "LEADING", "TRAILING")):
        raise FunctionError("TRIM removes BOTH, LEADING or TRAILING characters", position=mode.position)
    for argument in arguments[1:]:
        if text(argument.type) is None:
            raise FunctionError(f"TRIM does not take {argument.type.name()}", position=argument.position)
    kinds = tuple(STRING if isinstance(item.type, NullType) else item.type for item in arguments)
    return Signature(kinds, _varying(arguments[2]).with_nullable(nullable_if_any(arguments)))


def _varying(argument: Expression) -> DataType:
    """A text of at most the argument's length."""
    return VarcharType(_length(argument))


def _length(argument: Expression) -> int:
    return argument.type.length if isinstance(argument.type, CharType | VarcharType) else MAX_LENGTH


def _part(arguments: Arguments) -> DataType:
    """A part of the first argument."""
    return _varying(arguments[0]).with_nullable(nullable_if_any(arguments))


def _perhaps_part(arguments: Arguments) -> DataType:
    return _varying(arguments[0]).with_nullable(True)


def _as_long(arguments: Arguments) -> DataType:
    """The first argument's characters, each made another one."""
    kind = arguments[0].type
    return (kind if is_text(kind) else STRING).with_nullable(nullable_if_any(arguments))


def _overlaid(arguments: Arguments) -> DataType:
    """As long as both together."""
    length = min(MAX_LENGTH, _length(arguments[0]) + _length(arguments[1]))
    return VarcharType(length).with_nullable(nullable_if_any(arguments))


def _one_of(arguments: Arguments) -> DataType:
    """The common type of what ELT chooses from: texts alone, or bytes."""
    kind = common_type([argument.type for argument in arguments[1:]])
    if kind is None:
        raise FunctionError("ELT takes texts or bytes, not both", position=arguments[1].position)
    return (kind if is_text(kind) or is_bytes(kind) else STRING).with_nullable(True)


def _str_to_map(arguments: Arguments) -> Signature:
    if len(arguments) == 2:
        raise FunctionError("STR_TO_MAP takes both delimiters or none", position=arguments[1].position)
    return takes("STR_TO_MAP", (text,) * 3, gives_nullable(MapType(STRING, STRING)))(arguments)


FUNCTIONS: tuple[FunctionDefinition, ...] = (
    FunctionDefinition("||", _concatenation, "a || b", "Both strings in a row.", (2, None)),
    function("CHAR_LENGTH(string)", (text,), gives(INT), "The number of characters.", aliases=("CHARACTER_LENGTH",)),
    function("UPPER(string)", (text,), _as_long, "In upper case."),
    function("LOWER(string)", (text,), _as_long, "In lower case."),
    function("INITCAP(string)", (text,), _as_long, "Each word's first letter in upper case, the rest in lower."),
    function("POSITION(part IN string)", (text, text), gives(INT), "Where part first occurs; 0 if it does not."),
    function(
        "LOCATE(part, string[, start])", (text, text, as_int), gives(INT), "As POSITION, from start on.", optional=1
    ),
    function(
        "INSTR(string, part[, start[, occurrence]])",
        (text, text, as_int, as_int),
        gives(INT),
        "Where the given occurrence of part is, from start on (backwards if start is negative); 0 if nowhere.",
        optional=2,
    ),
    FunctionDefinition(
        "TRIM",
        _trim,
        "TRIM([BOTH | LEADING | TRAILING] characters FROM string)",
        "Without those characters at its ends.",
        (3, 3),
    ),
    function(
        "LTRIM(string[, characters])",
        (text, text),
        _part,
        "Without those characters at its start.",
        optional=1,
    ),
    function(
        "RTRIM(string[, characters])",
        (text, text),
        _part,
        "Without those characters at its end.",
        optional=1,
    ),
    function(
        "BTRIM(string[, characters])", (text, text), gives(STRING), "Without those characters at both ends.", optional=1
    ),
    function(
        "REPEAT(string, count)",
        (text, as_int),
        gives(STRING),
        "The string count times; empty if count is not positive.",
    ),
    function("REPLACE(string, search, replacement)", (text, text, text), gives(STRING), "Every occurrence replaced."),
    function(
        "TRANSLATE(string, from, to)",
        (text, text, text),
        gives(STRING),
        "Characters of from become those of to.",
        aliases=("TRANSLATE3",),
    ),
    function(
        "OVERLAY(string PLACING part FROM start [FOR length])",
        (text, text, as_int, as_int),
        _overlaid,
        "With length characters from start replaced by part.",
        optional=1,
    ),
    function(
        "SUBSTRING(string FROM start [FOR length])",
        (text, as_int, as_int),
        _perhaps_part,
        "Characters from start on (from the end if negative); NULL if length is negative.",
        optional=1,
        aliases=("SUBSTR",),
    ),
    function("LEFT(string, count)", (text, as_int), _perhaps_part, "The first count characters."),
    function("RIGHT(string, count)", (text, as_int), _perhaps_part, "The last count characters."),
    function("CONCAT(string, …)", (text,), gives(STRING), "All strings in a row; NULL if one is.", repeat=True),
    function(
        "CONCAT_WS(separator, string, …)",
        (text, text),
        gives(STRING),
        "All strings that are not NULL, separated.",
        repeat=True,
    ),
    function(
        "LPAD(string, length, pad)",
        (text, as_int, text),
        gives_nullable(STRING),
        "Filled up on the left, or cut, to length.",
    ),
    function(
        "RPAD(string, length, pad)",
        (text, as_int, text),
        gives_nullable(STRING),
        "Filled up on the right, or cut, to length.",
    ),
    function("REVERSE(string)", (text,), gives_nullable(STRING), "Last character first."),
    function("ASCII(string)", (text,), gives(INT), "The code of the first byte; 0 of an empty string."),
    function(
        "CHR(integer)",
        (as_bigint,),
        gives_nullable(STRING),
        "The character of that code, modulo 256; empty if negative.",
    ),
    function("ENCODE(string, charset)", (text, text), gives(BYTES), "The string's bytes in a character set."),
    function("DECODE(bytes, charset)", (binary, text), gives(STRING), "The string of bytes in a character set."),
    function("FROM_BASE64(string)", (text_or_binary,), gives(STRING), "What base 64 text decodes to, as a string."),
    function("TO_BASE64(string)", (text_or_binary,), gives(STRING), "In base 64."),
    function(
        "SPLIT_INDEX(string, delimiter, index)",
        (text, _delimiter := lambda given: as_int(given) or text(given), as_int),
        gives_nullable(STRING),
        "The part at index, from 0; NULL if there is none.",
    ),
    function(
        "SPLIT(string, delimiter)",
        (text, text),
        gives(ArrayType(STRING)),
        "All parts; the characters if the delimiter is empty.",
    ),
    FunctionDefinition(
        "STR_TO_MAP",
        _str_to_map,
        "STR_TO_MAP(string[, pairs, values])",
        "Key-value pairs; the delimiters, by default ',' and '=', are regular expressions.",
        (1, 3),
    ),
    function(
        "PARSE_URL(url, part[, key])",
        (text, text, text),
        gives_nullable(STRING),
        "A part of a URL: HOST, PATH, QUERY, REF, PROTOCOL, AUTHORITY, FILE, USERINFO.",
        optional=1,
    ),
    function("URL_ENCODE(string)", (text,), gives_nullable(STRING), "As application/x-www-form-urlencoded in UTF-8."),
    function(
        "URL_DECODE(string)",
        (text,),
        gives_nullable(STRING),
        "From application/x-www-form-urlencoded; NULL if malformed.",
    ),
    function("STARTSWITH(value, start)", (text_or_binary, text_or_binary), gives(BOOLEAN), "Whether it begins so."),
    function("ENDSWITH(value, end)", (text_or_binary, text_or_binary), gives(BOOLEAN), "Whether it ends so."),
    function(
        "ELT(index, value, …)",
        (as_int, text_or_binary),
        _one_of,
        "The value at index, from 1; NULL out of range.",
        repeat=True,
    ),
    function(
        "PRINTF(format[, value, …])",
        (text, any_type),
        gives_nullable(STRING),
        "The format filled in as Java's Formatter does; NULL where it does not fit.",
        optional=1,
        repeat=True,
    ),
    function("IS_ALPHA(string)", (text,), gives_never_null(BOOLEAN), "Whether all characters are letters."),
    function("IS_DIGIT(string)", (text,), gives_never_null(BOOLEAN), "Whether all characters are digits."),
    function("IS_DECIMAL(string)", (text,), gives_never_null(BOOLEAN), "Whether it reads as a number."),
)

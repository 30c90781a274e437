"""CREATE, ALTER and DROP FUNCTION as they are written. Source: Flink, "CREATE FUNCTION", "DROP FUNCTION"."""

from __future__ import annotations

from sqlglot import exp

from riacho.sql.grammar import Grammar
from riacho.sql.statements import CreateFunction, DropFunction

LANGUAGES = ("JAVA", "SCALA", "PYTHON")


def create_function(parser: Grammar, start: int, *, temporary: bool, system: bool) -> CreateFunction:
    """What follows CREATE [TEMPORARY [SYSTEM]] FUNCTION."""
    _require_temporary(parser, start, "CREATE", temporary=temporary, system=system)
    if_not_exists = parser.take("IF", "NOT", "EXISTS")
    name = parser.table_name()
    target, language = _implementation(parser)
    if parser.peek("WITH"):
        parser.refuse_here("options of functions are not supported")
    return CreateFunction(start, name, target, language, temporary, system, if_not_exists)


def alter_function(parser: Grammar, start: int, *, temporary: bool, system: bool) -> CreateFunction:
    """What follows ALTER [TEMPORARY [SYSTEM]] FUNCTION."""
    if system:
        parser.refuse("a system function cannot be altered", start, "drop it and create it anew")
    if_exists = parser.take("IF", "EXISTS")
    name = parser.table_name()
    target, language = _implementation(parser)
    return CreateFunction(start, name, target, language, temporary, system, False, alters=True, if_exists=if_exists)


def drop_function(parser: Grammar, start: int, *, temporary: bool, system: bool) -> DropFunction:
    """What follows DROP [TEMPORARY [SYSTEM]] FUNCTION."""
    _require_temporary(parser, start, "DROP", temporary=temporary, system=system)
    if_exists = parser.take("IF", "EXISTS")
    return DropFunction(start, parser.table_name(), temporary, system, if_exists)


def _require_temporary(parser: Grammar, start: int, verb: str, *, temporary: bool, system: bool) -> None:
    if system and not temporary:
        parser.refuse("a system function can only be temporary", start, f"write {verb} TEMPORARY SYSTEM FUNCTION")


def _implementation(parser: Grammar) -> tuple[exp.Literal, str]:
    parser.expect("AS")
    target = parser.text("the function, as 'module.function' or 'java.package.Class',")
    language = "JAVA"
    if parser.take("LANGUAGE"):
        if not any(parser.peek(word) for word in LANGUAGES):
            parser.refuse_token(f"expected {', '.join(LANGUAGES[:-1])} or {LANGUAGES[-1]}")
        language = parser.word("a language")
    if parser.peek("USING"):
        parser.refuse_here("USING JAR is not supported: there is no JVM")
    return target, language

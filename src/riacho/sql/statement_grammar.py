"""From a script's text to its statements.

Source: Flink, "SQL": CREATE, DROP, INSERT, EXPLAIN, DESCRIBE, SHOW, SET and RESET statements, statement sets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sqlglot import exp
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from riacho.sql.catalog_grammar import catalog_statement, describe, module, partition_value, show, stop, use
from riacho.sql.dialect import RiachoFlink
from riacho.sql.errors import did_you_mean
from riacho.sql.explain import DETAILS
from riacho.sql.function_grammar import alter_function, create_function, drop_function
from riacho.sql.grammar import Grammar
from riacho.sql.source import ESCAPED_TEXT, SourceText
from riacho.sql.statements import (
    CreateTable,
    Drop,
    Explain,
    Insert,
    ResetOption,
    Select,
    SetOption,
    Statement,
    StatementSet,
)
from riacho.sql.table_grammar import alter_table, alter_view, create_table, create_view, option
from riacho.sql.token_reader import SqlSyntaxError

_START_WORDS = """
    CREATE ALTER DROP REPLACE INSERT EXECUTE BEGIN SET RESET EXPLAIN SHOW DESCRIBE DESC USE LOAD UNLOAD STOP
    SELECT VALUES WITH
"""

_STARTS = tuple(_START_WORDS.split())
_PLAN = "a plan is made from the SQL at each start; EXPLAIN shows it"
_FOREIGN = {
    "ADD": "there are no JARs: connectors and formats are part of the package",
    "ANALYZE": "there are no statistics to gather: leave the statement out",
    "CALL": "there are no procedures",
    "COMPILE": _PLAN,
    "DELETE": "rows are deleted by what a query retracts, or by a record without a value in an upsert-kafka topic",
    "MERGE": "write INSERT INTO a table with a primary key: its rows are upserted",
    "REMOVE": "there are no JARs: connectors and formats are part of the package",
    "TRUNCATE": "delete and create the topic: riacho topic delete, riacho topic create",
    "UPDATE": "write INSERT INTO a table with a primary key: its rows are upserted",
    "UPSERT": "write INSERT INTO a table with a primary key: its rows are upserted",
}
"""Statements that a job has no use for, Flink's and UPSERT, which Flink refuses, each with what to do instead."""

_OBJECTS = ("TABLE", "VIEW", "FUNCTION", "CATALOG", "DATABASE")
"""What can be created, altered and dropped."""

_REFUSED_OBJECTS = {
    "MATERIALIZED": ("materialized tables", "CREATE TABLE … AS a query starts a job that keeps the table up to date"),
    "MODEL": ("models", "call it in a function of your own: CREATE FUNCTION … LANGUAGE PYTHON"),
    "CONNECTION": ("connections", "say in a table's WITH what it connects to"),
}

_QUOTED = "expected an option's name in single quotes"

_LONGEST_OPENING = 12
"""Words before a statement set's first INSERT, at most: EXPLAIN with all its details."""


def read_script(source: SourceText) -> Iterator[Statement]:
    """The statements, each parsed when it is asked for. Raises `SqlError`."""
    tokens = _tokens(source)
    for chunk in _statements(tokens):
        parser = RiachoFlink().parser()
        assert isinstance(parser, Grammar)
        try:
            parser.begin(chunk, source.expanded)
            statement = _statement(parser)
            parser.finish()
        except SqlSyntaxError as fault:
            raise source.error(fault.message, fault.start, fault.suggestion) from None
        except ParseError as fault:
            raise source.error(str(fault), parser.offset) from None
        except RecursionError:
            raise source.too_deep(chunk[0].start) from None
        yield replace(statement, end=chunk[-1].end + 1)


def _tokens(source: SourceText) -> list[Token]:
    text = source.expanded
    unclosed = _unclosed(text)
    if unclosed is not None:
        kind = "comment" if text.startswith("/*", unclosed) else "quotation"
        raise source.error(f"the {kind} is not closed", unclosed)
    try:
        tokens = RiachoFlink().tokenize(text)
    except TokenError as fault:
        raise source.error("this is no SQL", getattr(fault, "start", None) or 0) from None
    for token in tokens:
        if token.token_type == TokenType.NEQ and token.text == "!=":
            raise source.error("'!=' is no operator of Flink SQL", token.start, "write <>")
        if token.text == '"' and token.token_type == TokenType.UNKNOWN:
            raise source.error("double quotes mean nothing in Flink SQL", token.start, "write `name` or 'text'")
    return tokens


def _unclosed(text: str) -> int | None:
    """Where a quotation or a comment starts that never ends."""
    position, length = 0, len(text)
    while position < length:
        start = position
        end: int | None = None
        if text.startswith(("E'", "e'"), position) and (escaped := ESCAPED_TEXT.match(text, position)):
            end = escaped.end() - 1 if escaped["end"] else -1
        elif text[position] in "'`":
            end = text.find(text[position], position + 1)
        elif text.startswith(("--", "//"), position):
            newline = text.find("\n", position)
            end = length if newline < 0 else newline
        elif text.startswith("/*", position):
            close = text.find("*/", position + 2)
            end = close if close < 0 else close + 1
        if end is not None:
            if end < 0:
                return start
            position = end
        position += 1
    return None


def _statements(tokens: list[Token]) -> Iterator[list[Token]]:
    """The tokens between semicolons; a statement set, which holds some, in one piece."""
    chunk: list[Token] = []
    in_set = False
    for index, token in enumerate(tokens):
        if token.token_type == TokenType.SEMICOLON and not in_set:
            if chunk:
                yield chunk
            chunk = []
            continue
        chunk.append(token)
        if len(chunk) <= _LONGEST_OPENING:
            in_set = in_set or _opens_set([part.text.upper() for part in chunk])
        last = index + 1 == len(tokens) or tokens[index + 1].token_type == TokenType.SEMICOLON
        after_insert = len(chunk) > 1 and chunk[-2].token_type == TokenType.SEMICOLON
        if in_set and last and after_insert and token.token_type == TokenType.END:
            in_set = False
    if chunk:
        yield chunk


def _opens_set(words: list[str]) -> bool:
    """Whether these words begin a statement set: EXECUTE or EXPLAIN … STATEMENT SET BEGIN, or BEGIN STATEMENT SET."""
    if words == ["BEGIN", "STATEMENT", "SET"]:
        return True
    return words[0] in ("EXECUTE", "EXPLAIN") and words[-3:] == ["STATEMENT", "SET", "BEGIN"]


_EXECUTED = ("INSERT", "SELECT", "VALUES", "WITH", "(")
"""What begins a statement that may have an EXECUTE in front, which changes nothing."""


def _statement(parser: Grammar) -> Statement:
    start = parser.offset
    for verb in ("CREATE", "ALTER", "DROP"):
        if parser.take(verb):
            return _definition(parser, start, verb)
    if parser.take("REPLACE"):
        parser.expect("TABLE")
        return create_table(parser, start, temporary=False, replaces=True, creates=False)
    if parser.take("USE"):
        return use(parser, start)
    if parser.take("INSERT"):
        return _insert(parser, start)
    if parser.take("EXECUTE"):
        if parser.take("STATEMENT", "SET"):
            parser.expect("BEGIN")
            return _statement_set(parser, start)
        if parser.peek("PLAN"):
            parser.refuse("EXECUTE PLAN statements are not supported", start, _PLAN)
        if not any(parser.peek(word) for word in _EXECUTED):
            parser.refuse_here("EXECUTE stands before STATEMENT SET, an INSERT or a query")
        return _statement(parser)
    if parser.take("BEGIN"):
        parser.expect("STATEMENT", "SET", ";")
        return _statement_set(parser, start)
    if parser.take("SET"):
        return _set(parser, start)
    if parser.take("RESET"):
        return _reset(parser, start)
    if parser.take("EXPLAIN"):
        return _explain(parser, start)
    if parser.take("SHOW"):
        return show(parser, start)
    if parser.take("DESCRIBE") or parser.take("DESC"):
        return describe(parser, start)
    if parser.take("STOP"):
        return stop(parser, start)
    for verb in ("LOAD", "UNLOAD"):
        if parser.take(verb):
            return module(parser, start, verb)
    if any(parser.peek(word) for word in ("SELECT", "VALUES", "WITH", "TABLE", "(")):
        return Select(start, parser.query())
    _refuse_foreign(parser)
    found = parser._curr.text
    return parser.refuse(f"'{found}' begins no statement", start, did_you_mean(found, _STARTS))


def _refuse_foreign(parser: Grammar) -> None:
    """Refuse a statement that a job has no use for."""
    word = next((word for word in _FOREIGN if parser.peek(word)), None)
    if word is not None:
        parser.refuse(f"{word} statements are not supported", parser.offset, _FOREIGN[word])


def _definition(parser: Grammar, start: int, verb: str) -> Statement:
    """CREATE, ALTER and DROP of whatever has a name."""
    replaces = verb == "CREATE" and parser.take("OR", "REPLACE")
    temporary = parser.take("TEMPORARY")
    system = parser.take("SYSTEM")
    for word, (what, mend) in _REFUSED_OBJECTS.items():
        if parser.peek(word):
            parser.refuse(f"{what} are not supported", parser.offset, mend)
    kind = next((word for word in _OBJECTS if parser.peek(word)), None)
    if kind is None:
        found = None if parser.at_end else did_you_mean(parser._curr.text, _OBJECTS)
        parser.refuse_token(f"expected {', '.join(_OBJECTS[:-1])} or {_OBJECTS[-1]}", found)
    if system and kind != "FUNCTION":
        parser.refuse_token("expected FUNCTION")
    if replaces and kind not in ("TABLE", "VIEW"):
        parser.refuse_token("expected TABLE or VIEW")
    if temporary and (kind in ("CATALOG", "DATABASE") or (verb == "ALTER" and kind != "FUNCTION")):
        parser.refuse_here(f"{verb} TEMPORARY {kind} does not exist")
    parser.take(kind)
    if kind == "FUNCTION":
        read = {"CREATE": create_function, "ALTER": alter_function, "DROP": drop_function}[verb]
        return read(parser, start, temporary=temporary, system=system)
    if kind in ("CATALOG", "DATABASE"):
        return catalog_statement(parser, start, verb, kind)
    if verb == "DROP":
        return Drop(start, kind, if_exists=parser.take("IF", "EXISTS"), name=parser.table_name(), temporary=temporary)
    if verb == "ALTER":
        return alter_table(parser, start) if kind == "TABLE" else alter_view(parser, start)
    if kind == "VIEW":
        return create_view(parser, start, temporary=temporary, replace=replaces)
    return create_table(parser, start, temporary=temporary, replaces=replaces, creates=True)


def _insert(parser: Grammar, start: int) -> Insert:
    if parser.peek("OVERWRITE"):
        parser.refuse("INSERT OVERWRITE is not supported", parser.offset, "write INSERT INTO, which adds rows")
    parser.expect("INTO")
    parser.take("TABLE")
    table = parser.table_name()
    partition = parser.listed(lambda: partition_value(parser)) if parser.take("PARTITION") else []
    columns: list[exp.Identifier] = []
    if parser.peek("(") and not parser.peek("(", "SELECT") and not parser.peek("(", "VALUES"):
        columns = parser.listed(lambda: parser.identifier("a column"))
    return Insert(start, table, tuple(columns), parser.query(), tuple(partition))


def _statement_set(parser: Grammar, start: int) -> StatementSet:
    inserts = []
    while not parser.take("END"):
        if parser.at_end:
            parser.refuse_token("the statement set is not closed, expected END")
        place = parser.offset
        if not parser.take("INSERT"):
            parser.refuse_token("a statement set holds INSERT statements only, expected INSERT or END")
        inserts.append(_insert(parser, place))
        parser.expect(";")
    if not inserts:
        parser.refuse("the statement set holds no INSERT", start)
    return StatementSet(start, tuple(inserts))


def _set(parser: Grammar, start: int) -> SetOption:
    if parser.at_end:
        return SetOption(start, None)
    if not parser.at_text:
        parser.refuse_token(_QUOTED, "write SET 'name' = 'value', or SET alone to see what is set")
    return SetOption(start, option(parser))


def _reset(parser: Grammar, start: int) -> ResetOption:
    if parser.at_end:
        return ResetOption(start, None)
    if not parser.at_text:
        parser.refuse_token(_QUOTED, "write RESET 'name', or RESET alone to put back every option")
    return ResetOption(start, parser.text("an option's name"))


def _explain(parser: Grammar, start: int) -> Explain:
    details: set[str] = set()
    if not parser.take("PLAN", "FOR"):
        while detail := next((word for word in DETAILS if parser.peek(word)), None):
            if detail in details:
                parser.refuse(f"{detail} is there twice", parser.offset, "leave one of them out")
            parser.expect(detail)
            details.add(detail)
            if not parser.take(","):
                break
            if not any(parser.peek(word) for word in DETAILS):
                parser.refuse_token(f"expected {', '.join(DETAILS)}")
    return Explain(start, _explained(parser), frozenset(details))


def _explained(parser: Grammar) -> Insert | StatementSet | Select | CreateTable:
    inner = parser.offset
    if parser.peek("CREATE") or parser.peek("REPLACE"):
        made = _statement(parser)
        if not isinstance(made, CreateTable) or made.query is None:
            parser.refuse("of the CREATE statements only CREATE TABLE … AS can be explained", inner)
        return made
    if parser.take("EXECUTE") and not any(parser.peek(word) for word in ("STATEMENT", *_EXECUTED)):
        parser.refuse_here("EXECUTE stands before STATEMENT SET, an INSERT or a query")
    if parser.take("STATEMENT", "SET"):
        parser.expect("BEGIN")
        return _statement_set(parser, inner)
    if parser.take("INSERT"):
        return _insert(parser, inner)
    _refuse_foreign(parser)
    return Select(inner, parser.query())

"""From a script's text to its statements.

Source: Flink, "SQL": CREATE, DROP, INSERT, EXPLAIN, DESCRIBE, SHOW, SET and RESET statements, statement sets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlglot import exp
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from riacho.sql.dialect import RiachoFlink
from riacho.sql.errors import did_you_mean
from riacho.sql.function_grammar import alter_function, create_function, drop_function
from riacho.sql.grammar import Grammar, SqlSyntaxError
from riacho.sql.source import SourceText
from riacho.sql.statements import (
    ColumnDefinition,
    CreateTable,
    CreateView,
    Describe,
    Drop,
    Explain,
    Insert,
    OptionClause,
    ResetOption,
    Select,
    SetOption,
    Show,
    Statement,
    StatementSet,
    TableElements,
    WatermarkClause,
)

_START_WORDS = """
    CREATE ALTER DROP INSERT EXECUTE BEGIN SET RESET EXPLAIN SHOW DESCRIBE DESC SELECT VALUES WITH
"""

_STARTS = tuple(_START_WORDS.split())
_FOREIGN = {
    "ADD": "there are no JARs: connectors and formats are part of the package",
    "ANALYZE": "there are no statistics to gather: leave the statement out",
    "CALL": "there are no procedures",
    "COMPILE": "a plan is made from the SQL at each start; EXPLAIN shows it",
    "DELETE": "rows are deleted by what a query retracts, or by a record without a value in an upsert-kafka topic",
    "LOAD": "there are no modules: the functions are always there",
    "MERGE": "write INSERT INTO a table with a primary key: its rows are upserted",
    "REMOVE": "there are no JARs: connectors and formats are part of the package",
    "TRUNCATE": "delete and create the topic: riacho topic delete, riacho topic create",
    "UNLOAD": "there are no modules: the functions are always there",
    "UPDATE": "write INSERT INTO a table with a primary key: its rows are upserted",
    "USE": "the only catalog is default_catalog, the only database default_database: leave the statement out",
}
"""Statements of Flink that a job has no use for yet, each with what to do instead."""

_CREATABLE = {
    "CATALOG": "the only catalog is default_catalog: leave the statement out",
    "DATABASE": "the only database is default_database: leave the statement out",
}
_SHOWABLE = {
    "CATALOGS": "the only catalog is default_catalog",
    "COLUMNS": "write DESCRIBE and the table's name",
    "CREATE": "write DESCRIBE and the table's name to see its columns",
    "CURRENT": "the only catalog is default_catalog, the only database default_database",
    "DATABASES": "the only database is default_database",
    "FUNCTIONS": "the functions are listed in docs/sql/functions.md",
    "JARS": "there are no JARs: connectors and formats are part of the package",
    "JOBS": "riacho job list shows the jobs of a platform",
    "MODULES": "there are no modules: the functions are always there",
}

_QUOTED = "expected an option's name in single quotes"

_SET_OPENINGS = (
    ["EXECUTE", "STATEMENT", "SET", "BEGIN"],
    ["BEGIN", "STATEMENT", "SET"],
    ["EXPLAIN", "STATEMENT", "SET", "BEGIN"],
    ["EXPLAIN", "EXECUTE", "STATEMENT", "SET", "BEGIN"],
)


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
        yield statement


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
        if text[position] in "'`":
            end = text.find(text[position], position + 1)
        elif text.startswith("--", position):
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
        if len(chunk) <= max(map(len, _SET_OPENINGS)):
            in_set = in_set or [part.text.upper() for part in chunk] in _SET_OPENINGS
        last = index + 1 == len(tokens) or tokens[index + 1].token_type == TokenType.SEMICOLON
        after_insert = len(chunk) > 1 and chunk[-2].token_type == TokenType.SEMICOLON
        if in_set and last and after_insert and token.token_type == TokenType.END:
            in_set = False
    if chunk:
        yield chunk


def _statement(parser: Grammar) -> Statement:
    start = parser.offset
    if parser.take("CREATE"):
        return _create(parser, start)
    if parser.take("ALTER"):
        return _alter(parser, start)
    if parser.take("DROP"):
        return _drop(parser, start)
    if parser.take("INSERT"):
        return _insert(parser, start)
    if parser.take("EXECUTE"):
        parser.expect("STATEMENT", "SET", "BEGIN")
        return _statement_set(parser, start)
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
        return _show(parser, start)
    if parser.take("DESCRIBE") or parser.take("DESC"):
        return Describe(start, parser.table_name())
    if any(parser.peek(word) for word in ("SELECT", "VALUES", "WITH", "(")):
        return Select(start, parser.query())
    found = parser._curr.text
    if found.upper() in _FOREIGN:
        parser.refuse(f"{found.upper()} statements are not supported", start, _FOREIGN[found.upper()])
    return parser.refuse(f"'{found}' begins no statement", start, did_you_mean(found, _STARTS))


def _create(parser: Grammar, start: int) -> Statement:
    replace = parser.take("OR", "REPLACE")
    temporary = parser.take("TEMPORARY")
    system = parser.take("SYSTEM")
    if not replace and parser.take("FUNCTION"):
        return create_function(parser, start, temporary=temporary, system=system)
    if system:
        parser.refuse_token("expected FUNCTION")
    if parser.take("VIEW"):
        return _create_view(parser, start, replace)
    if not parser.peek("TABLE"):
        parser.refuse_token(
            "expected TABLE, VIEW or FUNCTION (nothing else can be created)",
            _instead(parser, _CREATABLE, ("TABLE", "VIEW", "FUNCTION")),
        )
    if replace:
        parser.refuse("CREATE OR REPLACE TABLE is not supported", start, "drop the table first")
    parser.expect("TABLE")
    if_not_exists = parser.take("IF", "NOT", "EXISTS")
    table = parser.table_name()
    if parser.peek("AS") or parser.peek("WITH") or parser.peek("LIKE"):
        parser.refuse_token("expected the columns (CREATE TABLE … AS and LIKE are not supported)")
    elements = TableElements()
    parser.listed(lambda: _table_element(parser, elements))
    comment = str(parser.text("the comment").this) if parser.take("COMMENT") else None
    if parser.peek("DISTRIBUTED"):
        parser.refuse_here("DISTRIBUTED BY is not supported")
    partitioned = parser.listed(lambda: parser.identifier("a column")) if parser.take("PARTITIONED", "BY") else []
    options = parser.listed(lambda: _option(parser)) if parser.take("WITH") else []
    if parser.peek("LIKE") or parser.peek("AS"):
        parser.refuse_here(f"CREATE TABLE … {parser._curr.text.upper()} is not supported")
    return CreateTable(
        start,
        table,
        tuple(elements.columns),
        tuple(elements.watermarks),
        tuple(elements.primary_key),
        tuple(partitioned),
        tuple(options),
        if_not_exists,
        comment,
    )


def _table_element(parser: Grammar, elements: TableElements) -> None:
    if parser.take("WATERMARK"):
        parser.expect("FOR")
        column = parser.identifier("the row time's column")
        if parser.peek("."):
            parser.refuse_here("a row time inside of a ROW is not supported")
        parser.expect("AS")
        elements.watermarks.append(WatermarkClause(column, parser.value()))
        return
    if parser.take("CONSTRAINT"):
        parser.identifier("the constraint's name")
    if parser.peek("PRIMARY") or parser.peek("UNIQUE"):
        start = parser.offset
        if parser.take("UNIQUE"):
            parser.refuse("UNIQUE constraints are not supported", start, "use PRIMARY KEY (…) NOT ENFORCED")
        parser.expect("PRIMARY", "KEY")
        columns = parser.listed(lambda: parser.identifier("a column"))
        _not_enforced(parser)
        if elements.primary_key:
            parser.refuse("a table has at most one primary key", start)
        elements.primary_key.extend(columns)
        return
    elements.columns.append(_column(parser, elements))


def _column(parser: Grammar, elements: TableElements) -> ColumnDefinition:
    name = parser.identifier("a column name")
    if parser.take("AS"):
        expression = parser.value()
        return ColumnDefinition(name, expression=expression, comment=_comment(parser))
    data_type = parser.data_type()
    metadata = parser.take("METADATA")
    key = None
    if metadata and parser.take("FROM"):
        key = str(parser.text("the metadata's key").this)
    virtual = metadata and parser.take("VIRTUAL")
    if parser.peek("CONSTRAINT"):
        parser.take("CONSTRAINT")
        parser.identifier("the constraint's name")
    if parser.take("PRIMARY"):
        parser.expect("KEY")
        _not_enforced(parser)
        if elements.primary_key:
            parser.refuse_here("a table has at most one primary key")
        elements.primary_key.append(name)
    return ColumnDefinition(
        name, data_type, metadata=metadata, metadata_key=key, virtual=virtual, comment=_comment(parser)
    )


def _not_enforced(parser: Grammar) -> None:
    if not parser.take("NOT", "ENFORCED"):
        parser.refuse_here("a primary key must be declared NOT ENFORCED, since no engine checks it")


def _comment(parser: Grammar) -> str | None:
    return str(parser.text("the comment").this) if parser.take("COMMENT") else None


def _option(parser: Grammar) -> OptionClause:
    key = parser.text("an option's name")
    parser.expect("=")
    return OptionClause(key, parser.text("the option's value"))


def _create_view(parser: Grammar, start: int, replace: bool) -> CreateView:
    if_not_exists = parser.take("IF", "NOT", "EXISTS")
    view = parser.table_name()
    columns = parser.listed(lambda: parser.identifier("a column name")) if parser.peek("(") else []
    if parser.take("COMMENT"):
        parser.text("the comment")
    parser.expect("AS")
    return CreateView(start, view, tuple(columns), parser.query(), if_not_exists, replace)


def _alter(parser: Grammar, start: int) -> Statement:
    temporary = parser.take("TEMPORARY")
    system = parser.take("SYSTEM")
    if parser.take("FUNCTION"):
        return alter_function(parser, start, temporary=temporary, system=system)
    return parser.refuse(
        "ALTER statements are not supported", start, "drop the table and create it anew; the topic stays as it is"
    )


def _drop(parser: Grammar, start: int) -> Statement:
    temporary = parser.take("TEMPORARY")
    system = parser.take("SYSTEM")
    if parser.take("FUNCTION"):
        return drop_function(parser, start, temporary=temporary, system=system)
    if system:
        parser.refuse_token("expected FUNCTION")
    if not (parser.take("TABLE") or parser.take("VIEW")):
        parser.refuse_token(
            "expected TABLE, VIEW or FUNCTION (nothing else can be dropped)",
            _instead(parser, {}, ("TABLE", "VIEW", "FUNCTION")),
        )
    kind = parser._prev.text.upper()
    if_exists = parser.take("IF", "EXISTS")
    return Drop(start, kind, parser.table_name(), if_exists)


def _insert(parser: Grammar, start: int) -> Insert:
    if parser.peek("OVERWRITE"):
        parser.refuse_here("INSERT OVERWRITE is not supported on streams")
    parser.expect("INTO")
    parser.take("TABLE")
    table = parser.table_name()
    if parser.peek("PARTITION"):
        parser.refuse_here("INSERT INTO … PARTITION is not supported")
    columns: list[exp.Identifier] = []
    if parser.peek("(") and not parser.peek("(", "SELECT") and not parser.peek("(", "VALUES"):
        columns = parser.listed(lambda: parser.identifier("a column"))
    return Insert(start, table, tuple(columns), parser.query())


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
    return SetOption(start, _option(parser))


def _reset(parser: Grammar, start: int) -> ResetOption:
    if parser.at_end:
        return ResetOption(start, None)
    if not parser.at_text:
        parser.refuse_token(_QUOTED, "write RESET 'name', or RESET alone to put back every option")
    return ResetOption(start, parser.text("an option's name"))


def _show(parser: Grammar, start: int) -> Show:
    if not (parser.take("TABLES") or parser.take("VIEWS")):
        parser.refuse_token(
            "expected TABLES or VIEWS (nothing else can be shown)", _instead(parser, _SHOWABLE, ("TABLES", "VIEWS"))
        )
    kind = parser._prev.text.upper()
    if any(parser.peek(word) for word in ("FROM", "IN", "LIKE", "NOT")):
        found = parser._curr.text.upper()
        parser.refuse(f"SHOW {kind} … {found} is not supported", parser.offset, f"write SHOW {kind}, which lists all")
    return Show(start, kind)


def _instead(parser: Grammar, known: Mapping[str, str], words: Sequence[str]) -> str | None:
    """What to do instead of what stands here, or the word that is meant."""
    if parser.at_end:
        return None
    found = parser._curr.text.upper()
    return known.get(found) or known.get(f"{found}S") or did_you_mean(found, words)


def _explain(parser: Grammar, start: int) -> Explain:
    parser.take("PLAN", "FOR")
    while parser.take("ESTIMATED_COST") or parser.take("CHANGELOG_MODE") or parser.take("PLAN_ADVICE"):
        parser.take(",")  # details that the tree shows anyway, or has none of
    inner = parser.offset
    if parser.take("STATEMENT", "SET"):
        parser.expect("BEGIN")
        return Explain(start, _statement_set(parser, inner))
    if parser.take("INSERT"):
        return Explain(start, _insert(parser, inner))
    if parser.take("EXECUTE"):
        parser.expect("STATEMENT", "SET", "BEGIN")
        return Explain(start, _statement_set(parser, inner))
    return Explain(start, Select(inner, parser.query()))

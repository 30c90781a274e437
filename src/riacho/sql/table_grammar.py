"""Tables and views as statements write them. Source: Flink, "CREATE", "ALTER" and "DROP" statements."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from sqlglot import exp

from riacho.sql.grammar import Grammar
from riacho.sql.statements import (
    AlterTable,
    AlterView,
    ColumnDefinition,
    CreateTable,
    CreateView,
    LikeClause,
    OptionClause,
    PlacedColumn,
    TableDefinition,
    TableElements,
    WatermarkClause,
)

FEATURES = ("ALL", "CONSTRAINTS", "DISTRIBUTION", "GENERATED", "METADATA", "OPTIONS", "PARTITIONS", "WATERMARKS")
"""What LIKE may take from the other table."""

OVERWRITABLE = frozenset({"GENERATED", "METADATA", "OPTIONS", "WATERMARKS"})


def create_table(parser: Grammar, start: int, *, temporary: bool, replaces: bool, creates: bool) -> CreateTable:
    """What follows CREATE [OR REPLACE] [TEMPORARY] TABLE, or REPLACE TABLE."""
    if_not_exists = parser.take("IF", "NOT", "EXISTS")
    table = parser.table_name()
    elements = TableElements()
    if parser.peek("("):
        parser.listed(lambda: _table_element(parser, elements))
    elif not any(parser.peek(word) for word in ("AS", "WITH", "LIKE", "COMMENT", "DISTRIBUTED", "PARTITIONED")):
        parser.refuse_token("expected the columns")
    for column in elements.columns:
        if column.after is not None:
            parser.refuse("FIRST and AFTER belong to ALTER TABLE", column.definition.name.meta["start"])
    comment = _comment(parser)
    if parser.peek("DISTRIBUTED"):
        _refuse_buckets(parser)
    partitioned = _names(parser) if parser.take("PARTITIONED", "BY") else []
    options = _options(parser) if parser.take("WITH") else ()
    like = _like(parser) if parser.take("LIKE") else None
    query_start = parser.offset
    query = parser.query() if parser.take("AS") else None
    if elements.selected and query is None:
        parser.refuse(f"the column '{elements.selected[0].name}' has no type", elements.selected[0].meta["start"])
    if replaces and query is None:
        word = "CREATE OR REPLACE TABLE" if creates else "REPLACE TABLE"
        parser.refuse(f"{word} needs AS and a query", start, "drop the table first, then create it")
    if query is not None:
        if temporary:
            parser.refuse("a temporary table cannot be created AS a query", start, "leave TEMPORARY out")
        if like is not None:
            parser.refuse("a table cannot be LIKE another and AS a query", query_start)
    definition = TableDefinition(
        tuple(column.definition for column in elements.columns),
        tuple(elements.watermarks),
        tuple(elements.primary_key),
        elements.constraint,
        tuple(partitioned),
        options,
        comment,
    )
    return CreateTable(
        start, table, definition, if_not_exists, temporary, replaces, creates, like, query, tuple(elements.selected)
    )


def _refuse_buckets(parser: Grammar) -> NoReturn:
    """Flink's connectors of these names refuse to write such a table: none has buckets."""
    parser.refuse(
        "no connector distributes a table into buckets",
        parser.offset,
        "leave this out: 'sink.partitioner' and the key say into which partition of a topic a row goes",
    )


def _like(parser: Grammar) -> LikeClause:
    table = parser.table_name()
    features: list[tuple[str, str]] = []
    if parser.take("("):
        while not parser.take(")"):
            place = parser.offset
            manner = next((word for word in ("INCLUDING", "EXCLUDING", "OVERWRITING") if parser.take(word)), None)
            if manner is None:
                parser.refuse_token("expected INCLUDING, EXCLUDING or OVERWRITING")
            feature = next((word for word in FEATURES if parser.take(word)), None)
            if feature is None:
                parser.refuse_token(f"expected one of {', '.join(FEATURES)}")
            if manner == "OVERWRITING" and feature not in OVERWRITABLE:
                parser.refuse(f"{feature} cannot be overwritten", place, "write INCLUDING or EXCLUDING")
            if feature in dict(features):
                parser.refuse(f"{feature} is mentioned twice", place)
            features.append((feature, manner))
    return LikeClause(table, tuple(features))


def _table_element(parser: Grammar, elements: TableElements) -> None:
    if parser.peek("WATERMARK"):
        elements.watermarks.append(_watermark(parser))
        return
    constraint = parser.identifier("the constraint's name").name if parser.take("CONSTRAINT") else None
    if parser.peek("PRIMARY") or parser.peek("UNIQUE"):
        start = parser.offset
        if parser.peek("UNIQUE"):
            _refuse_unique(parser)
        parser.expect("PRIMARY", "KEY")
        columns = _names(parser)
        _not_enforced(parser)
        _set_key(parser, elements, columns, constraint, start)
        return
    name = _column_name(parser)
    if parser.peek(",") or parser.peek(")"):
        elements.selected.append(name)
        return
    elements.columns.append(_column(parser, name, elements))


def _refuse_unique(parser: Grammar) -> NoReturn:
    parser.refuse("UNIQUE constraints are not supported", parser.offset, "use PRIMARY KEY (…) NOT ENFORCED")


def _set_key(
    parser: Grammar, elements: TableElements, columns: list[exp.Identifier], constraint: str | None, start: int
) -> None:
    if elements.primary_key:
        parser.refuse("a table has at most one primary key", start)
    elements.primary_key.extend(columns)
    elements.constraint = constraint


def _watermark(parser: Grammar) -> WatermarkClause:
    parser.expect("WATERMARK", "FOR")
    column = parser.identifier("the row time's column")
    if parser.peek("."):
        parser.refuse_here("a row time inside of a ROW is not supported")
    parser.expect("AS")
    expression, text = _written(parser, parser.value)
    return WatermarkClause(column, expression, text)


def _column(parser: Grammar, name: exp.Identifier, elements: TableElements) -> PlacedColumn:
    """What follows a column's name."""
    if parser.take("AS"):
        expression, text = _written(parser, parser.value)
        computed = ColumnDefinition(name, expression=expression, text=text, comment=_comment(parser))
        return PlacedColumn(computed, _place(parser))
    data_type = parser.data_type()
    metadata = parser.take("METADATA")
    key = str(parser.text("the metadata's key").this) if metadata and parser.take("FROM") else None
    virtual = metadata and parser.take("VIRTUAL")
    start = parser.offset
    constraint = parser.identifier("the constraint's name").name if parser.take("CONSTRAINT") else None
    if parser.take("PRIMARY"):
        parser.expect("KEY")
        _not_enforced(parser)
        _set_key(parser, elements, [name], constraint, start)
    elif parser.peek("UNIQUE"):
        _refuse_unique(parser)
    stored = ColumnDefinition(
        name, data_type, metadata=metadata, metadata_key=key, virtual=virtual, comment=_comment(parser)
    )
    return PlacedColumn(stored, _place(parser))


def _place(parser: Grammar) -> str | None:
    """FIRST or AFTER column, which ALTER TABLE knows."""
    if parser.take("FIRST"):
        return ""
    return parser.identifier("a column").name if parser.take("AFTER") else None


def _written(parser: Grammar, read: Callable[[], exp.Expr]) -> tuple[exp.Expr, str]:
    """An expression, and its text."""
    start = parser.offset
    found = read()
    return found, parser.sql[start : parser._prev.end + 1]


def _not_enforced(parser: Grammar) -> None:
    if not parser.take("NOT", "ENFORCED"):
        parser.refuse_here("a primary key must be declared NOT ENFORCED, since no engine checks it")


def _comment(parser: Grammar) -> str | None:
    return str(parser.text("the comment").this) if parser.take("COMMENT") else None


def _names(parser: Grammar) -> list[exp.Identifier]:
    return parser.listed(lambda: parser.identifier("a column"))


def _column_name(parser: Grammar) -> exp.Identifier:
    name = parser.identifier("a column name")
    if parser.peek("."):
        mend = f"write the whole column: {name.name} ROW<…>"
        parser.refuse("fields inside of a column are not added, changed or dropped", parser.offset, mend)
    return name


def _options(parser: Grammar) -> tuple[OptionClause, ...]:
    return tuple(parser.listed(lambda: option(parser)))


def option(parser: Grammar) -> OptionClause:
    """`'key' = 'value'`."""
    key = parser.text("an option's name")
    parser.expect("=")
    return OptionClause(key, parser.text("the option's value"))


# ---- ALTER TABLE --------------------------------------------------------------------------------------------------


_OF_PARTITIONS = (
    ("PARTITION",),
    ("ADD", "PARTITION"),
    ("ADD", "IF", "NOT", "EXISTS", "PARTITION"),
    ("DROP", "PARTITION"),
    ("DROP", "IF", "EXISTS", "PARTITION"),
)


def alter_table(parser: Grammar, start: int) -> AlterTable:
    """What follows ALTER TABLE."""
    if_exists = parser.take("IF", "EXISTS")
    table = parser.table_name()
    if any(parser.peek(*words) for words in _OF_PARTITIONS):
        parser.refuse_here("partitions are directories: they come with their files")
    if any(parser.peek(verb, "DISTRIBUTION") for verb in ("ADD", "MODIFY", "DROP")):
        _refuse_buckets(parser)
    if parser.take("RENAME"):
        if parser.take("TO"):
            return AlterTable(start, table, "RENAME", if_exists, new_name=parser.table_name())
        names = [parser.identifier("a column")]
        parser.expect("TO")
        names.append(parser.identifier("the column's new name"))
        return AlterTable(start, table, "RENAME COLUMN", if_exists, names=tuple(names))
    if parser.take("SET"):
        options = () if parser.take("(", ")") else _options(parser)
        return AlterTable(start, table, "SET", if_exists, options=options)
    if parser.take("RESET"):
        keys = tuple(parser.listed(lambda: parser.text("an option's name")))
        return AlterTable(start, table, "RESET", if_exists, keys=keys)
    if parser.take("DROP"):
        return _drop_part(parser, start, table, if_exists)
    action = next((word for word in ("ADD", "MODIFY") if parser.take(word)), None)
    if action is None:
        parser.refuse_token("expected ADD, MODIFY, DROP, RENAME, SET or RESET")
    elements = TableElements()
    if parser.peek("("):
        parser.listed(lambda: _table_element(parser, elements))
    else:
        _table_element(parser, elements)
    if elements.selected:
        parser.refuse(f"the column '{elements.selected[0].name}' has no type", elements.selected[0].meta["start"])
    if len(elements.watermarks) > 1:
        parser.refuse("a table has at most one WATERMARK", elements.watermarks[1].column.meta["start"])
    return AlterTable(
        start,
        table,
        action,
        if_exists,
        tuple(elements.columns),
        elements.watermarks[0] if elements.watermarks else None,
        tuple(elements.primary_key),
        elements.constraint,
    )


def _drop_part(parser: Grammar, start: int, table: exp.Table, if_exists: bool) -> AlterTable:
    if parser.take("PRIMARY"):
        parser.expect("KEY")
        return AlterTable(start, table, "DROP KEY", if_exists)
    if parser.take("CONSTRAINT"):
        return AlterTable(
            start, table, "DROP CONSTRAINT", if_exists, names=(parser.identifier("the constraint's name"),)
        )
    if parser.take("WATERMARK"):
        return AlterTable(start, table, "DROP WATERMARK", if_exists)
    names = parser.listed(lambda: _column_name(parser)) if parser.peek("(") else [_column_name(parser)]
    return AlterTable(start, table, "DROP", if_exists, names=tuple(names))


# ---- views --------------------------------------------------------------------------------------------------------


def create_view(parser: Grammar, start: int, *, temporary: bool, replace: bool) -> CreateView:
    """What follows CREATE [OR REPLACE] [TEMPORARY] VIEW."""
    if_not_exists = parser.take("IF", "NOT", "EXISTS")
    view = parser.table_name()
    columns = parser.listed(lambda: parser.identifier("a column name")) if parser.peek("(") else []
    comment = _comment(parser)
    parser.expect("AS")
    query, text = _written(parser, parser.query)
    return CreateView(start, view, tuple(columns), query, if_not_exists, replace, temporary, text, comment)


def alter_view(parser: Grammar, start: int) -> AlterView:
    """What follows ALTER VIEW."""
    view = parser.table_name()
    if parser.take("RENAME", "TO"):
        return AlterView(start, view, parser.table_name())
    if not parser.take("AS"):
        parser.refuse_token("expected AS or RENAME TO")
    query, text = _written(parser, parser.query)
    return AlterView(start, view, None, query, text)

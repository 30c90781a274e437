"""CATALOG, DATABASE, MODULE, USE, SHOW, DESCRIBE and STOP as they are written.

Source: Flink, "SQL", these statements' pages.
"""

from __future__ import annotations

from sqlglot import exp

from riacho.sql.errors import did_you_mean
from riacho.sql.grammar import Grammar
from riacho.sql.statements import (
    CatalogStatement,
    Describe,
    JobStatement,
    LikePattern,
    ModuleStatement,
    OptionClause,
    Show,
)
from riacho.sql.table_grammar import option

LISTS = ("CATALOGS", "DATABASES", "TABLES", "VIEWS", "FUNCTIONS", "MODULES", "COLUMNS", "PARTITIONS", "JARS", "JOBS")
_PLACED = frozenset({"DATABASES", "TABLES", "VIEWS", "FUNCTIONS", "USER FUNCTIONS"})
"""What is in a catalog or database, which FROM may name."""
_FILTERED = _PLACED | {"CATALOGS", "COLUMNS"}
_FOLDED = frozenset({"CATALOGS", "DATABASES", "FUNCTIONS", "USER FUNCTIONS"})
"""What ILIKE can filter, as well as LIKE."""

_NO_MODELS = "there are no models"
_NO_MATERIALIZED = "there are no materialized tables: SHOW TABLES lists the tables"

_REFUSED = {
    "PROCEDURES": "there are no procedures, as in every catalog of Flink's that is in memory",
    "MODELS": _NO_MODELS,
    "CREATE MODEL": _NO_MODELS,
    "MATERIALIZED TABLES": _NO_MATERIALIZED,
    "CREATE MATERIALIZED TABLE": _NO_MATERIALIZED,
}


def catalog_statement(parser: Grammar, start: int, verb: str, kind: str) -> CatalogStatement:
    """What follows CREATE, ALTER or DROP and CATALOG or DATABASE."""
    condition = False
    if verb != "ALTER":
        condition = parser.take("IF", "NOT", "EXISTS") if verb == "CREATE" else parser.take("IF", "EXISTS")
    name = _qualified(parser, kind)
    options: list[OptionClause] = []
    keys: list[exp.Literal] = []
    comment = None
    cascade = False
    if verb == "CREATE":
        comment = str(parser.text("the comment").this) if parser.take("COMMENT") else None
        if parser.take("WITH"):
            options = parser.listed(lambda: option(parser))
    elif verb == "DROP" and kind == "DATABASE":
        cascade = parser.take("CASCADE")
        parser.take("RESTRICT")
    elif verb == "ALTER":
        if parser.take("SET"):
            options = parser.listed(lambda: option(parser))
        elif kind == "CATALOG" and parser.take("RESET"):
            keys = parser.listed(lambda: parser.text("an option's name"))
        elif kind == "CATALOG" and parser.take("COMMENT"):
            comment = str(parser.text("the comment").this)
        else:
            parser.refuse_token("expected SET" if kind == "DATABASE" else "expected SET, RESET or COMMENT")
    return CatalogStatement(start, verb, kind, name, condition, tuple(options), tuple(keys), comment, cascade)


def use(parser: Grammar, start: int) -> CatalogStatement | ModuleStatement:
    """What follows USE."""
    if parser.take("MODULES"):
        names = [parser.identifier("a module")]
        while parser.take(","):
            names.append(parser.identifier("a module"))
        return ModuleStatement(start, "USE", tuple(names))
    kind = "CATALOG" if parser.take("CATALOG") else "DATABASE"
    return CatalogStatement(start, "USE", kind, _qualified(parser, kind))


def _qualified(parser: Grammar, kind: str) -> exp.Table:
    name = parser.table_name()
    most = 1 if kind == "CATALOG" else 2
    if sum(name.args.get(part) is not None for part in ("this", "db", "catalog")) > most:
        parser.refuse(
            f"the name of a {kind.lower()} has at most {most} part{'s' * (most > 1)}", name.this.meta["start"]
        )
    return name


def module(parser: Grammar, start: int, verb: str) -> ModuleStatement:
    """What follows LOAD or UNLOAD."""
    parser.expect("MODULE")
    name = parser.identifier("a module")
    if verb == "LOAD" and parser.take("WITH"):
        parser.listed(lambda: option(parser))
    return ModuleStatement(start, verb, (name,))


def stop(parser: Grammar, start: int) -> JobStatement:
    """What follows STOP."""
    parser.expect("JOB")
    job = parser.text("the job's name")
    if parser.peek("WITH"):
        parser.refuse("there are no savepoints", parser.offset, "a stopped job keeps its state: leave this out")
    return JobStatement(start, "STOP", job)


def show(parser: Grammar, start: int) -> Show | JobStatement:
    """What follows SHOW."""
    for words, mend in _REFUSED.items():
        if parser.peek(*words.split()):
            parser.refuse(f"SHOW {words} is not supported", start, mend)
    if parser.take("CREATE"):
        kind = next((word for word in ("TABLE", "VIEW", "CATALOG") if parser.take(word)), None)
        if kind is None:
            parser.refuse_token("expected TABLE, VIEW or CATALOG")
        return Show(start, f"CREATE {kind}", parser.table_name())
    if parser.take("CURRENT"):
        kind = next((word for word in ("CATALOG", "DATABASE") if parser.take(word)), None)
        if kind is None:
            parser.refuse_token("expected CATALOG or DATABASE")
        return Show(start, f"CURRENT {kind}")
    adjective = next((word for word in ("USER", "FULL") if parser.take(word)), "")
    possible = {"USER": ("FUNCTIONS",), "FULL": ("MODULES",)}.get(adjective, LISTS)
    kind = next((word for word in possible if parser.take(word)), None)
    if kind is None:
        found = None if parser.at_end else did_you_mean(parser._curr.text, (*possible, "CREATE", "CURRENT"))
        parser.refuse_token(f"expected {', '.join(possible)}", found)
    if kind == "JOBS":
        return JobStatement(start, "SHOW")
    kind = f"{adjective} {kind}".strip()
    name = None
    if kind == "PARTITIONS":
        name = parser.table_name()
        if parser.take("PARTITION"):
            parser.listed(lambda: partition_value(parser))
    if kind in _PLACED or kind == "COLUMNS":
        if parser.take("FROM") or parser.take("IN"):
            name = parser.table_name()
        elif kind == "COLUMNS":
            parser.refuse_token("expected FROM and a table")
    return Show(start, kind, name, _pattern(parser, kind) if kind in _FILTERED else None)


def partition_value(parser: Grammar) -> tuple[exp.Identifier, exp.Expr]:
    """`column = literal`, one of those that name a partition."""
    name = parser.identifier("a column")
    parser.expect("=")
    place, value = parser.offset, parser.value()
    inner = value.this if isinstance(value, exp.Neg) else value
    if not isinstance(inner, exp.Literal | exp.Boolean | exp.Cast):
        parser.refuse("a partition's value is a literal", place)
    return name, value


def _pattern(parser: Grammar, kind: str) -> LikePattern | None:
    negated = parser.take("NOT")
    if parser.peek("ILIKE") and kind not in _FOLDED:
        parser.refuse_token(f"SHOW {kind} is filtered by LIKE", "write LIKE, which tells upper from lower case")
    folded = parser.take("ILIKE")
    if not folded and not parser.take("LIKE"):
        if negated:
            parser.refuse_token("expected LIKE or ILIKE" if kind in _FOLDED else "expected LIKE")
        return None
    return LikePattern(str(parser.text("a pattern").this), negated, folded)


def describe(parser: Grammar, start: int) -> Describe | JobStatement:
    """What follows DESCRIBE."""
    if parser.peek_before_text("JOB"):
        parser.expect("JOB")
        return JobStatement(start, "DESCRIBE", parser.text("the job's name"))
    if parser.peek_before_name("MODEL"):
        parser.refuse("DESCRIBE MODEL is not supported", start, _NO_MODELS)
    kind = next((word for word in ("CATALOG", "DATABASE", "FUNCTION") if parser.take(word)), "TABLE")
    extended = parser.take("EXTENDED")
    return Describe(start, parser.table_name(), kind, extended)

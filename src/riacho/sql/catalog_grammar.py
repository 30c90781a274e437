"""CATALOG, DATABASE, USE, SHOW and DESCRIBE as they are written. Source: Flink, "SQL", these statements' pages."""

from __future__ import annotations

from sqlglot import exp

from riacho.sql.errors import did_you_mean
from riacho.sql.grammar import Grammar
from riacho.sql.statements import CatalogStatement, Describe, LikePattern, OptionClause, Show
from riacho.sql.table_grammar import option

LISTS = ("CATALOGS", "DATABASES", "TABLES", "VIEWS", "FUNCTIONS", "MODULES", "COLUMNS", "JARS")
_PLACED = frozenset({"DATABASES", "TABLES", "VIEWS", "FUNCTIONS", "USER FUNCTIONS"})
"""What is in a catalog or database, which FROM may name."""
_FILTERED = _PLACED | {"CATALOGS", "COLUMNS"}

_REFUSED = {
    "JOBS": "riacho job list shows the jobs of a platform",
    "PARTITIONS": "partitions are directories, and are not listed",
    "PROCEDURES": "there are no procedures",
    "MODELS": "there are no models",
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


def use(parser: Grammar, start: int) -> CatalogStatement:
    """What follows USE."""
    if parser.peek("MODULES"):
        parser.refuse("there are no modules", start, "the functions are always there: leave the statement out")
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


def show(parser: Grammar, start: int) -> Show:
    """What follows SHOW."""
    for word, mend in _REFUSED.items():
        if parser.peek(word):
            parser.refuse(f"SHOW {word} is not supported", start, mend)
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
    kind = f"{adjective} {kind}".strip()
    name = None
    if kind in _PLACED or kind == "COLUMNS":
        if parser.take("FROM") or parser.take("IN"):
            name = parser.table_name()
        elif kind == "COLUMNS":
            parser.refuse_token("expected FROM and a table")
    return Show(start, kind, name, _pattern(parser) if kind in _FILTERED else None)


def _pattern(parser: Grammar) -> LikePattern | None:
    negated = parser.take("NOT")
    folded = parser.take("ILIKE")
    if not folded and not parser.take("LIKE"):
        if negated:
            parser.refuse_token("expected LIKE or ILIKE")
        return None
    return LikePattern(str(parser.text("a pattern").this), negated, folded)


def describe(parser: Grammar, start: int) -> Describe:
    """What follows DESCRIBE."""
    kind = next((word for word in ("CATALOG", "DATABASE", "FUNCTION") if parser.take(word)), "TABLE")
    extended = parser.take("EXTENDED")
    return Describe(start, parser.table_name(), kind, extended)

"""Writes the page of functions from the registry.

Run as `python -m riacho.sql.functions.documentation docs/sql/functions.md`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from riacho.sql.functions.aggregates import DEFINITIONS, AggregateDefinition, is_aggregate
from riacho.sql.functions.definition import FunctionDefinition
from riacho.sql.functions.registry import FAMILIES, is_function

FLINK_FUNCTIONS = (
    # Scalar functions
    "CURRENT_DATABASE", "GROUP_ID", "GROUPING", "GROUPING_ID", "OBJECT_OF", "OBJECT_UPDATE", "PARSE_JSON",
    "SOURCE_WATERMARK", "TRY_PARSE_JSON",
    # Aggregate functions
    "ARRAY_AGG", "AVG", "COLLECT", "COUNT", "FIRST_VALUE", "JSON_ARRAYAGG", "JSON_OBJECTAGG", "LAST_VALUE", "LISTAGG",
    "MAX", "MIN", "PERCENTILE", "STDDEV", "STDDEV_POP", "STDDEV_SAMP", "SUM", "VAR_POP", "VAR_SAMP", "VARIANCE",
    # Window functions
    "CUME_DIST", "DENSE_RANK", "LAG", "LEAD", "NTILE", "PERCENT_RANK", "RANK", "ROW_NUMBER",
)  # fmt: skip
"""System functions of Flink 2.2 that are aggregates or windows, or that were not here when this list was made."""

OF_THE_LANGUAGE = {
    **dict.fromkeys(("GROUPING", "GROUPING_ID", "GROUP_ID"), "aggregation.md"),
    **dict.fromkeys(
        ("CUME_DIST", "DENSE_RANK", "LAG", "LEAD", "NTILE", "PERCENT_RANK", "RANK", "ROW_NUMBER"), "over.md"
    ),
    "SOURCE_WATERMARK": "connectors.md",
    "CURRENT_DATABASE": "definitions.md",
}
"""Functions of Flink's page that the grammar knows by itself, and the page that tells of them."""

TITLES = {
    "comparison": "Comparison",
    "logical": "Logic",
    "arithmetic": "Arithmetic",
    "bits": "Numbers and bytes in other bases",
    "string": "Strings",
    "pattern": "Patterns and regular expressions",
    "temporal": "Dates and times",
    "conditional": "Choices",
    "conversion": "Types",
    "collection": "Rows, arrays and maps",
    "json": "JSON",
    "hashing": "Digests",
}

_HEAD = """\
# Functions

The built-in functions, with the names, types and results of Apache Flink 2.2. This page is generated from the
registry that the SQL front end uses, so what is listed exists, and what is not is an error that names the nearest
function that does. Names may be written in any case.

`CASE`, `CAST` and `TRY_CAST` are part of the language and not listed.
"""

_AGGREGATES = """\
Each with FILTER (WHERE …), and all but those that write JSON with DISTINCT. They follow retractions. See
[aggregation](aggregation.md).
"""

_DEVIATIONS = """\
## What differs from Flink

- Timestamps are kept in microseconds, so a ninth digit of the second is cut off.
- CURRENT_TIMESTAMP, PROCTIME and their like are read once per batch, not once per row.
- Regular expressions are Java's where the two engines that run them agree: look-around, back references and possessive
  quantifiers work (row by row), classes such as `\\p{javaLowerCase}` and intersections of character classes do not.
- LIKE, REGEXP and SIMILAR TO with a literal pattern run on whole columns, with a computed one row by row.
- LPAD, RPAD and REGEXP_REPLACE may be NULL, as their type says; Flink calls them NOT NULL where their arguments are.
- EXTRACT(EPOCH FROM …) of an instant counts from 1970 in UTC; Flink takes the session's local time for that of UTC.
- PRINTF knows the conversions that C and Java share.
- REPEAT, LPAD, RPAD and PRINTF fail where they would make a text of more than 16,777,216 characters; Flink makes it as
  long as memory lasts.
- CONVERT_TZ fails on an unknown zone and knows offsets such as +05:00, where Java silently takes GMT.
- JSON_VALUE … RETURNING converts a scalar of another type where it can and obeys ON ERROR where it cannot; Flink's job
  fails with a ClassCastException.
- REGEXP functions of a pattern that matches the empty string run row by row.
- Date patterns are those of Java's classes, DateTimeFormatter for timestamps and SimpleDateFormat for the rest, with
  the names and weeks of the United States. A wrong literal pattern is refused when the statement is compiled; in Flink
  TO_TIMESTAMP gives NULL by it, and the others fail at run time. Refused are also the part of the day in words (`B`)
  and zones written in full (`zzzz`). `z` writes the abbreviation of the tz database, `-03` where Java knows `BRT`.
- A literal zone of TO_TIMESTAMP_LTZ that there is not is an error; Flink gives NULL, as both do by a computed one.
- JSON_OBJECT, JSON_ARRAY and JSON_STRING also take a DATE, as its text.
- JSON paths have members, elements, ranges, `*` and `..`, but no filters.
- Digests, JSON, URLs, HEX and BIN of integers, INITCAP, TRANSLATE, PRINTF and the functions that compare array elements
  have no columnar form: they cost a few microseconds per row, or per distinct value of a batch; the others far less.
- ELEMENT may be NULL, as of an empty array; Flink calls it NOT NULL where the elements are, and then gives −1.
- GREATEST and LEAST take a NULL without a type beside other values, and give NULL; Flink refuses it.
- A REGEXP by a pattern that Java has and neither engine here fails the row; by one that is none for Java, too, it is
  FALSE, as in Flink.
- A JSON path that is none, such as `$[last]`, is an error that tells the place; Flink finds nothing by it.
"""


def page() -> str:
    """The page's text."""
    parts = [_HEAD]
    for family, definitions in FAMILIES.items():
        parts.append(f"## {TITLES[family]}\n")
        rows = ["| function | result |", "|---|---|", *map(_row, definitions)]
        parts.append("\n".join(rows) + "\n")
    parts.append("## Aggregates\n")
    parts.append(_AGGREGATES)
    parts.append("\n".join(["| function | result |", "|---|---|", *map(_row, DEFINITIONS)]) + "\n")
    parts.append("## Of the language\n")
    parts.append(", ".join(f"[`{name}`]({where})" for name, where in OF_THE_LANGUAGE.items()) + "\n")
    parts.append("## Not here yet\n")
    here = OF_THE_LANGUAGE.keys()
    missing = [
        name for name in FLINK_FUNCTIONS if name not in here and not is_aggregate(name) and not is_function(name)
    ]
    parts.append("Flink's other system functions: " + ", ".join(missing) + ".\n")
    parts.append(_DEVIATIONS)
    return "\n".join(parts)


def _row(definition: FunctionDefinition | AggregateDefinition) -> str:
    aliases = f" (also {', '.join(definition.aliases)})" if definition.aliases else ""
    syntax = definition.syntax.replace("|", "\\|")
    return f"| `{syntax}`{aliases} | {definition.description.replace('|', chr(92) + '|')} |"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")

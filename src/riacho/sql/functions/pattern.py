"""LIKE, SIMILAR TO and regular expressions (Java's). Source: Flink, "System Functions", String Functions."""

from __future__ import annotations

from riacho.plan.types import BOOLEAN, INT, STRING, ArrayType
from riacho.sql.functions.definition import FunctionDefinition
from riacho.sql.functions.parameters import as_int, function, gives, gives_nullable, text

FUNCTIONS: tuple[FunctionDefinition, ...] = (
    function(
        "LIKE(string, pattern[, escape])",
        (text, text, text),
        gives(BOOLEAN),
        "Whether the whole string matches; % stands for any characters, _ for one.",
        optional=1,
    ),
    function(
        "SIMILAR TO(string, pattern[, escape])",
        (text, text, text),
        gives(BOOLEAN),
        "Whether the whole string matches a SQL regular expression.",
        optional=1,
    ),
    function("REGEXP(string, regex)", (text, text), gives(BOOLEAN), "Whether some part matches."),
    function(
        "REGEXP_EXTRACT(string, regex[, group])",
        (text, text, as_int),
        gives_nullable(STRING),
        "A group (0: all) of the first match; NULL without one.",
        optional=1,
    ),
    function(
        "REGEXP_EXTRACT_ALL(string, regex[, group])",
        (text, text, as_int),
        gives_nullable(ArrayType(STRING)),
        "A group (1 by default) of every match.",
        optional=1,
    ),
    function(
        "REGEXP_REPLACE(string, regex, replacement)",
        (text, text, text),
        gives_nullable(STRING),
        "Every match replaced, literally.",
    ),
    function("REGEXP_COUNT(string, regex)", (text, text), gives_nullable(INT), "The number of matches."),
    function(
        "REGEXP_INSTR(string, regex)", (text, text), gives_nullable(INT), "Where the first match begins; 0 without one."
    ),
    function(
        "REGEXP_SUBSTR(string, regex)", (text, text), gives_nullable(STRING), "The first match; NULL without one."
    ),
)

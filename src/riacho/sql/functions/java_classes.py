"""Well-known Java classes of functions: what `CREATE FUNCTION name AS 'class'` finds here in their place.

There is no JVM. Published queries name a few classes that they cannot do without; each has an equivalent.
"""

from __future__ import annotations

from types import MappingProxyType

from riacho.plan.types import BIGINT
from riacho.sql.functions.definition import FunctionDefinition
from riacho.sql.functions.parameters import function, gives_never_null, text

COUNT_CHAR = "com.github.nexmark.flink.udf.CountChar"
"""Nexmark's query 14."""

JAVA_CLASSES: MappingProxyType[str, FunctionDefinition] = MappingProxyType(
    {
        COUNT_CHAR: function(
            "count_char(string, character)",
            (text, text),
            gives_never_null(BIGINT),
            "How often the character's first byte occurs in the string; 0 in NULL.",
            name=COUNT_CHAR,
        )
    }
)
"""Class to definition, whose evaluator has the class's name."""

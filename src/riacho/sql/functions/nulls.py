"""Which functions take a NULL that has no type, as Flink's do: the others want CAST(NULL AS type)."""

from __future__ import annotations

from riacho.plan.types import NullType
from riacho.sql.functions.definition import Arguments, FunctionDefinition, FunctionError

COMPARISONS = ("=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM", "BETWEEN", "IN")

CHOICES = ("COALESCE", "IFNULL", "NULLIF", "GREATEST", "LEAST")

TEXTS = ("BTRIM", "SPLIT", "URL_ENCODE", "URL_DECODE", "STARTSWITH", "ENDSWITH", "ELT", "PRINTF", "UNHEX")

PATTERNS = ("REGEXP_COUNT", "REGEXP_INSTR", "REGEXP_SUBSTR", "REGEXP_EXTRACT_ALL")

COLLECTIONS = (
    "ARRAY",
    "ARRAY_APPEND",
    "ARRAY_CONTAINS",
    "ARRAY_JOIN",
    "ARRAY_POSITION",
    "ARRAY_PREPEND",
    "ARRAY_REMOVE",
    "ARRAY_SLICE",
    "ARRAY_SORT",
    "MAP",
)

JSON = ("JSON", "JSON_OBJECT", "JSON_ARRAY", "JSON_STRING", "JSON_QUOTE", "JSON_UNQUOTE")

TAKE_BARE_NULL = frozenset(
    (
        *COMPARISONS,
        *CHOICES,
        *TEXTS,
        *PATTERNS,
        *COLLECTIONS,
        *JSON,
        "BETWEEN SYMMETRIC",
        "IS NULL",
        "IS NOT NULL",
        "TO_TIMESTAMP_LTZ",
        "TYPEOF",
    )
)
"""Asked of Flink 2.2, function by function."""

MEND = "give it one: CAST(NULL AS INT)"


WITH_BEHAVIOURS = frozenset(("JSON_EXISTS", "JSON_VALUE", "JSON_QUERY"))
"""Whose arguments after the first two say what happens when; NULL is one of these."""


def refuse_bare_null(definition: FunctionDefinition, arguments: Arguments) -> None:
    """Raise `FunctionError` for a NULL without a type where the function does not take it."""
    if definition.name in TAKE_BARE_NULL:
        return
    for argument in arguments[:2] if definition.name in WITH_BEHAVIOURS else arguments:
        if isinstance(argument.type, NullType):
            raise FunctionError(
                f"a NULL has no type as an argument of {definition.name}", mend=MEND, position=argument.position
            )

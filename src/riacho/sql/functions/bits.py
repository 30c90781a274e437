"""Numbers and bytes as text in another base. Source: Flink, "System Functions", Arithmetic Functions."""

from __future__ import annotations

from riacho.plan.types import BYTES, STRING, DataType, IntegerType
from riacho.sql.functions.definition import FunctionDefinition
from riacho.sql.functions.parameters import as_bigint, function, gives, gives_nullable, text


def _integer_or_text(given: DataType) -> DataType | None:
    return as_bigint(given) if isinstance(given, IntegerType) else text(given)


FUNCTIONS: tuple[FunctionDefinition, ...] = (
    function("BIN(integer)", (as_bigint,), gives(STRING), "The integer's 64-bit two's complement in base 2."),
    function(
        "HEX(integer or string)", (_integer_or_text,), gives(STRING), "In base 16: an integer, or a string's UTF-8."
    ),
    function("UNHEX(string)", (text,), gives_nullable(BYTES), "The bytes of a base 16 string; NULL if it is not one."),
)

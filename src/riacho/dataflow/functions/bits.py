"""Numbers and bytes as text in another base."""

from __future__ import annotations

import polars as pl

from riacho.dataflow.evaluation.invocation import Evaluate, Invocation
from riacho.plan.types import IntegerType

_WORD = (1 << 64) - 1


def _hex(call: Invocation) -> pl.Expr:
    """Integers have no Polars formatting in base 16, so they go by distinct value."""
    if isinstance(call.type(0), IntegerType):
        return call.per_distinct(lambda number: f"{number & _WORD:X}", call[0])
    return call[0].str.encode("hex").str.to_uppercase()


def _unhex(call: Invocation) -> pl.Expr:
    """Of an odd number of digits the first gives way to a zero byte, as Flink documents."""
    text = call[0]
    rest = pl.concat_str(pl.lit("00"), text.str.slice(1))
    digits = text.str.contains("^[0-9A-Fa-f]*$")
    even = pl.when(digits & (text.str.len_chars() % 2 == 1)).then(rest).otherwise(text)
    return even.str.decode("hex", strict=False)


FUNCTIONS: dict[str, Evaluate] = {
    "BIN": lambda call: call.per_distinct(lambda number: f"{number & _WORD:b}", call[0]),
    "HEX": _hex,
    "UNHEX": _unhex,
}

"""What the Java classes of functions compute that have an equivalent here, by class name."""

from __future__ import annotations

import polars as pl

from riacho.dataflow.evaluation.failures import ValueFailure
from riacho.dataflow.evaluation.invocation import Evaluate, Invocation


def _count_char(call: Invocation) -> pl.Expr:
    """Nexmark's CountChar compares bytes: of the character it takes the first one."""
    character = call.literal(1)
    if isinstance(character, str) and character and character[0].isascii():
        return call[0].str.count_matches(character[0], literal=True).fill_null(0).cast(pl.Int64)
    return call.per_row(_count_byte, nulls=True)  # no query is known that asks for this


def _count_byte(text: str | None, character: str | None) -> int:
    if text is None:
        return 0
    if not character:
        raise ValueFailure("CountChar needs a character")
    return text.encode().count(character.encode()[:1])


FUNCTIONS: dict[str, Evaluate] = {"com.github.nexmark.flink.udf.CountChar": _count_char}

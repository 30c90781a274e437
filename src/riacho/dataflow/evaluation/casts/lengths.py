"""CHAR, VARCHAR, BINARY and VARBINARY lengths: what is longer is cut, what is shorter than a fixed length is filled."""

from __future__ import annotations

import polars as pl

from riacho.plan.types import BinaryType, CharType, VarbinaryType, VarcharType


def fitted_text(text: pl.Expr, target: CharType | VarcharType) -> pl.Expr:
    """Cut to the target's characters; CHAR is filled with blanks."""
    if isinstance(target, CharType):
        text = text.str.pad_end(target.length, " ")
    return text.str.head(target.length)


def fitted_bytes(raw: pl.Expr, target: BinaryType | VarbinaryType) -> pl.Expr:
    """Cut to the target's bytes; BINARY is filled with zero bytes."""
    cut = raw.bin.head(target.length)
    if isinstance(target, VarbinaryType):
        return cut
    padding = "00" * target.length
    filled = pl.concat_str([cut.bin.encode("hex"), pl.lit(padding)]).str.head(2 * target.length)
    return filled.str.decode("hex")

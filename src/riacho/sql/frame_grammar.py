"""Frames of OVER windows as they are written. Source: Flink, "Over Aggregation"; Calcite, "Window functions".

`ROWS BETWEEN 2 PRECEDING AND CURRENT ROW`, `RANGE INTERVAL '1' HOUR PRECEDING`.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from riacho.sql.token_reader import TokenReader

Value = Callable[[], exp.Expr]
"""Reads how far a bound is from the current row."""


def frame(grammar: TokenReader, value: Value) -> exp.WindowSpec:
    """`ROWS` or `RANGE`, and its bounds; of a single one the other is the current row."""
    kind = grammar.word("ROWS or RANGE")
    place = grammar.taken
    if grammar.take("BETWEEN"):
        start, start_side = _bound(grammar, value)
        grammar.expect("AND")
        end, end_side = _bound(grammar, value)
    else:
        start, start_side = _bound(grammar, value)
        end, end_side = "CURRENT ROW", None
        if start_side == "FOLLOWING" and start != "UNBOUNDED":  # ROWS 2 FOLLOWING ends there
            start, start_side, end, end_side = end, end_side, start, start_side
    written = exp.WindowSpec(kind=kind, start=start, start_side=start_side, end=end, end_side=end_side)
    return grammar.expression(written, place)


def _bound(grammar: TokenReader, value: Value) -> tuple[exp.Expr | str, str | None]:
    """(UNBOUNDED, CURRENT ROW or an amount; PRECEDING or FOLLOWING)."""
    if grammar.take("CURRENT", "ROW"):
        return "CURRENT ROW", None
    amount: exp.Expr | str = "UNBOUNDED" if grammar.take("UNBOUNDED") else value()
    if not (grammar.take("PRECEDING") or grammar.take("FOLLOWING")):
        grammar.refuse_token("expected PRECEDING or FOLLOWING")
    return amount, grammar.taken.text.upper()

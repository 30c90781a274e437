"""Intervals and texts of code points, as they are written. Source: Calcite, "Intervals", "Literals".

`INTERVAL '1 12' DAY TO HOUR`, `(a - b) DAY` from b to a, `U&'d!00e9j!00e0' UESCAPE '!'`.
"""

from __future__ import annotations

from sqlglot import exp
from sqlglot.tokenizer_core import Token

from riacho.sql.literals import unicode_text
from riacho.sql.token_reader import TokenReader

_UNITS = ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND")


def interval(grammar: TokenReader) -> exp.Expr:
    """`INTERVAL 'amount' unit`."""
    grammar.take("INTERVAL")
    start = grammar.taken
    sign = "-" if grammar.take("-") else ""
    grammar.take("+")
    amount = grammar.text("the interval's amount")
    unit = _qualifier(grammar)
    amount.set("this", sign + str(amount.this))
    return grammar.expression(exp.Interval(this=amount, unit=exp.var(unit)), start)


def difference(grammar: TokenReader, before: exp.Expr | None) -> exp.Expr | None:
    """What a unit makes of a difference in parentheses that stands before it; None where there is no such thing."""
    if not isinstance(before, exp.Paren) or not isinstance(before.this, exp.Sub):
        return None
    if not any(grammar.peek(unit) for unit in _UNITS):
        return None
    minus, start = before.this, grammar.taken
    unit = exp.Literal(this=_qualifier(grammar), is_string=True)
    return grammar.expression(
        exp.Anonymous(this="INTERVAL FROM", expressions=[unit, minus.this, minus.expression]), start
    )


def _qualifier(grammar: TokenReader) -> str:
    unit = _unit(grammar)
    return f"{unit} TO {_unit(grammar)}" if grammar.take("TO") else unit


def _unit(grammar: TokenReader) -> str:
    unit = grammar.word("a unit (YEAR, MONTH, DAY, HOUR, MINUTE, SECOND)")
    if unit not in _UNITS:
        suggestion = f"write {unit[:-1]}" if unit.endswith("S") else None
        grammar.refuse(f"'{unit}' is no unit of an interval", grammar.taken.start, suggestion)
    if grammar.peek("("):
        grammar.listed(lambda: grammar.number("a precision"))  # how many digits are shown: no effect on the value
    return unit


def unicode_string(grammar: TokenReader, token: Token) -> exp.Literal:
    """`U&'text'`, perhaps with `UESCAPE 'character'` behind it."""
    escape = str(grammar.text("the escape character").this) if grammar.take("UESCAPE") else "\\"
    try:
        text = unicode_text(token.text, escape)
    except ValueError as error:
        grammar.refuse(str(error), token.start)
    return grammar.expression(exp.Literal(this=text, is_string=True), token)

r"""Intervals and texts of code points, as they are written. Source: Calcite, "Intervals", "Literals".

`INTERVAL '1 12' DAY TO HOUR`, `INTERVAL n DAYS`, `(a - b) DAY` from b to a, `U&'d!00e9j!00e0' UESCAPE '!'`,
`E'one\ntwo'`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp
from sqlglot.tokenizer_core import Token

from riacho.plan.types import DataType, DayTimeIntervalType, YearMonthIntervalType
from riacho.sql.errors import did_you_mean
from riacho.sql.literals import MONTHS, MOST_DIGITS, escaped_text, unicode_text
from riacho.sql.token_reader import TokenReader

_UNITS = ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND")


def interval(grammar: TokenReader, number: Callable[[], exp.Expr]) -> exp.Expr:
    """`INTERVAL 'amount' unit`, or so many units: a number, a column or an expression in parentheses."""
    grammar.take("INTERVAL")
    start = grammar.taken
    sign = "-" if grammar.take("-") else ""
    grammar.take("+")
    if not grammar.at_text:
        units = number()
        counted = exp.Neg(this=units) if sign else units
        return grammar.expression(exp.Interval(this=counted, unit=exp.var(_unit(grammar)[0])), start)
    amount = grammar.text("the interval's amount")
    unit = _qualifier(grammar, digits=True)
    amount.set("this", sign + str(amount.this))
    return grammar.expression(exp.Interval(this=amount, unit=exp.var(unit)), start)


def difference(grammar: TokenReader, before: exp.Expr | None) -> exp.Expr | None:
    """What a unit makes of a difference in parentheses that stands before it; None where there is no such thing."""
    if not isinstance(before, exp.Paren) or not isinstance(before.this, exp.Sub):
        return None
    if not any(grammar.peek(f"{unit}{plural}") for unit in _UNITS for plural in ("", "S")):
        return None
    minus, start = before.this, grammar.taken
    unit = exp.Literal(this=_qualifier(grammar), is_string=True)
    return grammar.expression(
        exp.Anonymous(this="INTERVAL FROM", expressions=[unit, minus.this, minus.expression]), start
    )


def interval_type(grammar: TokenReader) -> tuple[DataType, str | None]:
    """`INTERVAL unit` as the type of a cast, and the unit that numbers count, where it is one alone."""
    grammar.take("INTERVAL")
    units = _qualifier(grammar)
    months = units.partition(" ")[0] in MONTHS
    return YearMonthIntervalType() if months else DayTimeIntervalType(), None if " " in units else units


def _qualifier(grammar: TokenReader, *, digits: bool = False) -> str:
    """A unit, or the first TO the last. With `digits` the number of them is told too: `DAY(3) TO SECOND(3)`."""
    unit, written = _unit(grammar)
    first = unit + _written(written) if digits else unit
    if not grammar.take("TO"):
        return first
    last, written = _unit(grammar)
    return f"{first} TO {last}{_written(written) if digits else ''}"


def _written(digits: Sequence[int]) -> str:
    return f"({', '.join(map(str, digits))})" if digits else ""


def _unit(grammar: TokenReader) -> tuple[str, list[int]]:
    """A unit and how many digits it has, of a second also behind the point."""
    word = grammar.word("a unit (YEAR, MONTH, DAY, HOUR, MINUTE, SECOND)")
    unit = word.removesuffix("S")  # of several, as they are spoken of
    if unit not in _UNITS:
        grammar.refuse(f"'{word}' is no unit of an interval", grammar.taken.start, did_you_mean(word, _UNITS))
    written = grammar.listed(lambda: grammar.number("a precision")) if grammar.peek("(") else []
    digits = [int(str(number)) for number in written]
    if not all(1 <= number <= MOST_DIGITS for number in digits):
        grammar.refuse(f"a unit has 1 to {MOST_DIGITS} digits", grammar.taken.start)
    return unit, digits


def plain_string(grammar: TokenReader, token: Token) -> exp.Literal:
    """`'text'`, which may go on in the next line."""
    return grammar.expression(exp.Literal(this=token.text + _continued(grammar), is_string=True), token)


_CHARACTER_SETS = {"_LATIN1": "latin-1", "_UTF8": "utf-8", "_UTF16": "utf-16"}
"""What stands before a text that says in which characters it is, to Calcite and to Python."""

_NATIONAL = "_LATIN1"
"""The characters of `N'text'`, which to Flink are these."""


def is_character_set(grammar: TokenReader, token: Token) -> bool:
    """Whether a word before a text belongs to it: they touch, as in `_UTF8'text'`."""
    return token.text.startswith("_") and grammar.sql[token.end + 1 : token.end + 2] == "'"


def of_character_set(grammar: TokenReader) -> exp.Literal:
    """`_UTF8'text'`: the text, whose characters must be in the set."""
    name = grammar.word("a character set")
    place = grammar.taken
    if name not in _CHARACTER_SETS:
        grammar.refuse(
            f"there is no character set {name.removeprefix('_')}", place.start, did_you_mean(name, _CHARACTER_SETS)
        )
    return _encodable(grammar, str(grammar.text("a text").this), name, place)


def national_string(grammar: TokenReader, token: Token) -> exp.Literal:
    """`N'text'`."""
    return _encodable(grammar, token.text, _NATIONAL, token)


def _encodable(grammar: TokenReader, text: str, name: str, place: Token) -> exp.Literal:
    try:
        text.encode(_CHARACTER_SETS[name])
    except UnicodeEncodeError:
        found = f"'{text}' has characters that {name.removeprefix('_')} does not have"
        grammar.refuse(found, place.start, "write the text without what stands before it")
    return grammar.expression(exp.Literal(this=text, is_string=True), place)


ESCAPES = {"D": "DATE", "T": "TIME", "TS": "TIMESTAMP"}
"""Words of JDBC's literals."""


def escaped_moment(grammar: TokenReader) -> exp.Introducer:
    """`{d '2024-01-31'}`, `{t '10:30:00'}` or `{ts '2024-01-31 10:30:00'}`: what JDBC writes for any database."""
    grammar.expect("{")
    place = grammar.taken
    kind = ESCAPES[grammar.word("d, t or ts")]
    text = grammar.text("a moment")
    grammar.expect("}")
    return grammar.expression(exp.Introducer(this=exp.var(kind), expression=text), place)


def is_row(tree: exp.Expr) -> bool:
    """Whether it is `ROW(…)`, which stands for the values of a row wherever rows are written."""
    return isinstance(tree, exp.Anonymous) and tree.name.upper() == "ROW"


def hex_string(grammar: TokenReader, token: Token) -> exp.HexString:
    """`x'bytes'`, which may go on in the next line without the letter."""
    return grammar.expression(exp.HexString(this=token.text + _continued(grammar)), token)


def _continued(grammar: TokenReader) -> str:
    """The literals in the lines below the one taken last, which are parts of it."""
    text = ""
    while grammar.at_text:
        if "\n" not in grammar.sql[grammar.taken.end + 1 : grammar.offset]:
            grammar.refuse(
                "a literal goes on in a new line, not in its own", grammar.offset, "join two texts by ||, or write one"
            )
        text += str(grammar.text("a text").this)
    return text


def unicode_string(grammar: TokenReader, token: Token) -> exp.Literal:
    """`U&'text'`, perhaps with `UESCAPE 'character'` behind it."""
    escape = str(grammar.text("the escape character").this) if grammar.take("UESCAPE") else "\\"
    try:
        text = unicode_text(token.text, escape)
    except ValueError as error:
        grammar.refuse(str(error), token.start)
    return grammar.expression(exp.Literal(this=text + _continued(grammar), is_string=True), token)


def escaped_string(grammar: TokenReader, token: Token) -> exp.Literal:
    r"""`E'text'`, of which the tokens no longer tell `\\n` from `\n`: it is read as it is written."""
    try:
        text = escaped_text(grammar.sql[token.start + 2 : token.end])
    except ValueError as error:
        grammar.refuse(str(error), token.start)
    return grammar.expression(exp.Literal(this=text, is_string=True), token)

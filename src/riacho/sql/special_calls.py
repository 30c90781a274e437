"""Calls whose arguments are not just separated by commas, brought into that form.

Each function reads what stands after the name's parenthesis, up to the closing one, which the parser then takes. The
result is an ordinary call (`exp.Anonymous`) whose keywords became string literals: EXTRACT(YEAR FROM d) is
EXTRACT('YEAR', d). Source: Flink, "System (Built-in) Functions".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlglot import exp

from riacho.plan.types import STRING
from riacho.sql.grammar import TypeName

if TYPE_CHECKING:
    from riacho.sql.grammar import Grammar

_UNIT_NAMES = """
    MILLENNIUM CENTURY DECADE YEAR ISOYEAR QUARTER MONTH WEEK DOY DOW ISODOW DAY HOUR MINUTE SECOND MILLISECOND
    MICROSECOND NANOSECOND EPOCH
"""

_UNITS = tuple(_UNIT_NAMES.split())
_SQL_UNITS = {
    f"SQL_TSI_{unit}": unit for unit in ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND")
}


def _literal(text: str) -> exp.Literal:
    return exp.Literal(this=text, is_string=True)


def _unit(parser: Grammar) -> exp.Literal:
    start = parser.offset
    unit = parser.word("a time unit")
    unit = _SQL_UNITS.get(unit, unit)
    if unit not in _UNITS:
        parser.refuse(f"'{unit}' is no time unit", start, f"one of {', '.join(_UNITS)}")
    return _literal(unit)


def _call(parser: Grammar, name: str, arguments: list[exp.Expr]) -> exp.Expr:
    return parser.expression(exp.Anonymous(this=name, expressions=arguments))


def _cast(parser: Grammar, *, lenient: bool) -> exp.Expr:
    operand = parser.value()
    parser.expect("AS")
    target = parser.cast_type()
    return parser.expression((exp.TryCast if lenient else exp.Cast)(this=operand, to=target))


def _extract(parser: Grammar) -> exp.Expr:
    unit = _unit(parser)
    parser.expect("FROM")
    return _call(parser, "EXTRACT", [unit, parser.value()])


def _round_to(parser: Grammar, name: str) -> exp.Expr:
    """FLOOR(x), FLOOR(x TO DAY)."""
    operand = parser.value()
    return _call(parser, name, [operand, _unit(parser)] if parser.take("TO") else [operand])


def _with_unit(parser: Grammar, name: str) -> exp.Expr:
    """TIMESTAMPADD(unit, amount, moment), TIMESTAMPDIFF(unit, from, to)."""
    arguments: list[exp.Expr] = [_unit(parser)]
    while parser.take(","):
        arguments.append(parser.value())
    return _call(parser, name, arguments)


def _trim(parser: Grammar) -> exp.Expr:
    side = next((word for word in ("BOTH", "LEADING", "TRAILING") if parser.take(word)), None)
    removed: exp.Expr = _literal(" ")
    if side is None or not parser.peek("FROM"):
        operand = parser.value()
        if not parser.peek("FROM"):
            if side is not None:
                parser.expect("FROM")
            return _call(parser, "TRIM", [_literal("BOTH"), removed, operand])
        removed = operand
    parser.expect("FROM")
    return _call(parser, "TRIM", [_literal(side or "BOTH"), removed, parser.value()])


def _substring(parser: Grammar) -> exp.Expr:
    arguments = [parser.value()]
    if parser.take("FROM"):
        arguments.append(parser.value())
        if parser.take("FOR"):
            arguments.append(parser.value())
    while parser.take(","):
        arguments.append(parser.value())
    return _call(parser, "SUBSTRING", arguments)


def _position(parser: Grammar) -> exp.Expr:
    sought = parser._parse_bitwise()
    if sought is None:
        parser.refuse_token("expected an expression")
    parser.expect("IN")
    return _call(parser, "POSITION", [sought, parser.value()])


def _overlay(parser: Grammar) -> exp.Expr:
    arguments = [parser.value()]
    parser.expect("PLACING")
    arguments.append(parser.value())
    parser.expect("FROM")
    arguments.append(parser.value())
    if parser.take("FOR"):
        arguments.append(parser.value())
    return _call(parser, "OVERLAY", arguments)


def _behaviours(parser: Grammar, choices: tuple[str, ...], events: tuple[str, ...]) -> dict[str, tuple[str, exp.Expr]]:
    """`{choice} ON {event}` clauses: the choice and a default value per event."""
    found: dict[str, tuple[str, exp.Expr]] = {}
    while True:
        choice = next((text for text in choices if parser.take(*text.split())), None)
        if choice is None:
            return found
        default: exp.Expr = exp.Null()
        if choice == "DEFAULT":
            default = parser.value()
        parser.expect("ON")
        event = parser.word(" or ".join(events))
        if event not in events or event in found:
            parser.refuse_token(f"expected {' or '.join(events)}")
        found[event] = (choice, default)


def _json_value(parser: Grammar) -> exp.Expr:
    arguments = [parser.value()]
    parser.expect(",")
    arguments.append(parser.value())
    arguments.append(parser.type_name() if parser.take("RETURNING") else TypeName(this=STRING))
    found = _behaviours(parser, ("NULL", "ERROR", "DEFAULT"), ("EMPTY", "ERROR"))
    for event in ("EMPTY", "ERROR"):
        choice, default = found.get(event, ("NULL", exp.Null()))
        arguments += [_literal(choice), default]
    return _call(parser, "JSON_VALUE", arguments)


def _json_exists(parser: Grammar) -> exp.Expr:
    arguments = [parser.value()]
    parser.expect(",")
    arguments.append(parser.value())
    found = _behaviours(parser, ("TRUE", "FALSE", "UNKNOWN", "ERROR"), ("ERROR",))
    return _call(parser, "JSON_EXISTS", [*arguments, _literal(found.get("ERROR", ("FALSE", exp.Null()))[0])])


def _json_query(parser: Grammar) -> exp.Expr:
    arguments = [parser.value()]
    parser.expect(",")
    arguments.append(parser.value())
    target = parser.type_name() if parser.take("RETURNING") else TypeName(this=STRING)
    wrapper = "WITHOUT"
    if parser.take("WITHOUT"):
        parser.take("ARRAY")
        parser.expect("WRAPPER")
    elif parser.take("WITH"):
        wrapper = "CONDITIONAL" if parser.take("CONDITIONAL") else "UNCONDITIONAL"
        parser.take("UNCONDITIONAL")
        parser.take("ARRAY")
        parser.expect("WRAPPER")
    found = _behaviours(parser, ("NULL", "EMPTY ARRAY", "EMPTY OBJECT", "ERROR"), ("EMPTY", "ERROR"))
    choices = [_literal(found.get(event, ("NULL", exp.Null()))[0]) for event in ("EMPTY", "ERROR")]
    return _call(parser, "JSON_QUERY", [*arguments, _literal(wrapper), *choices, target])


def _on_null(parser: Grammar, default: str) -> exp.Literal:
    found = _behaviours(parser, ("NULL", "ABSENT"), ("NULL",))
    return _literal(found.get("NULL", (default, exp.Null()))[0])


def _json(parser: Grammar) -> exp.Expr:
    parser.refuse(
        "JSON can only stand in JSON_ARRAY, and as a value of JSON_OBJECT",
        parser._tokens[parser._index - 2].start,
        "write JSON_OBJECT('a' VALUE JSON('{\"b\": 1}'))",
    )


def _json_member(parser: Grammar) -> exp.Expr:
    """A value in JSON that is constructed; `JSON(text)` is text that is JSON already."""
    if not parser.take("JSON", "("):
        return parser.value()
    start = parser._tokens[parser._index - 2]
    text = parser.value()
    parser.expect(")")
    return _call(parser, "JSON", [text]).update_positions(start)


def _json_object(parser: Grammar) -> exp.Expr:
    """`[KEY] key VALUE value, …`, with clauses about NULL at the end."""
    pairs: list[exp.Expr] = []
    if not (parser.peek(")") or parser.peek("NULL", "ON") or parser.peek("ABSENT", "ON")):
        while not pairs or parser.take(","):
            parser.take("KEY")
            pairs.append(parser.value())
            parser.expect("VALUE")
            pairs.append(_json_member(parser))
    return _call(parser, "JSON_OBJECT", [_on_null(parser, "NULL"), *pairs])


def _json_array(parser: Grammar) -> exp.Expr:
    items: list[exp.Expr] = []
    if not (parser.peek(")") or parser.peek("NULL", "ON") or parser.peek("ABSENT", "ON")):
        items.append(_json_member(parser))
        while parser.take(","):
            items.append(_json_member(parser))
    return _call(parser, "JSON_ARRAY", [_on_null(parser, "ABSENT"), *items])


def _json_object_aggregate(parser: Grammar) -> exp.Expr:
    """`[KEY] key VALUE value`, or `key : value`, with a clause about NULL."""
    if parser.peek("DISTINCT"):
        parser.refuse_here("JSON_OBJECTAGG does not take DISTINCT")
    parser.take("KEY")
    key = parser.value()
    if not parser.take(":"):
        parser.expect("VALUE")
    return _call(parser, "JSON_OBJECTAGG", [key, parser.value(), _on_null(parser, "NULL")])


def _json_array_aggregate(parser: Grammar) -> exp.Expr:
    if parser.peek("DISTINCT"):
        parser.refuse_here("JSON_ARRAYAGG does not take DISTINCT")
    value = parser.value()
    if parser.peek("ORDER BY"):
        parser.refuse_here("ORDER BY in JSON_ARRAYAGG is not supported")
    return _call(parser, "JSON_ARRAYAGG", [value, _on_null(parser, "ABSENT")])


def _positioned(parse: Callable[[Grammar], exp.Expr]) -> Callable[[Grammar], exp.Expr]:
    """The same, with the place of the function's name as the result's."""

    def parse_and_place(parser: Grammar) -> exp.Expr:
        name = parser._tokens[parser._index - 2]
        return parse(parser).update_positions(name)

    return parse_and_place


SPECIAL_CALLS: dict[str, Callable[[Grammar], exp.Expr]] = {
    name: _positioned(parse)
    for name, parse in {
        "CAST": lambda parser: _cast(parser, lenient=False),
        "TRY_CAST": lambda parser: _cast(parser, lenient=True),
        "EXTRACT": _extract,
        "FLOOR": lambda parser: _round_to(parser, "FLOOR"),
        "CEIL": lambda parser: _round_to(parser, "CEIL"),
        "CEILING": lambda parser: _round_to(parser, "CEIL"),
        "TIMESTAMPADD": lambda parser: _with_unit(parser, "TIMESTAMPADD"),
        "TIMESTAMPDIFF": lambda parser: _with_unit(parser, "TIMESTAMPDIFF"),
        "TRIM": _trim,
        "SUBSTRING": _substring,
        "POSITION": _position,
        "OVERLAY": _overlay,
        "JSON": _json,
        "JSON_VALUE": _json_value,
        "JSON_EXISTS": _json_exists,
        "JSON_QUERY": _json_query,
        "JSON_OBJECT": _json_object,
        "JSON_ARRAY": _json_array,
        "JSON_OBJECTAGG": _json_object_aggregate,
        "JSON_ARRAYAGG": _json_array_aggregate,
    }.items()
}
"""By the function's name; the parser has stepped over the opening parenthesis."""


def _constant(name: str) -> Callable[[Grammar], exp.Expr]:
    def parse(parser: Grammar) -> exp.Expr:
        return parser.expression(exp.Anonymous(this=name, expressions=[]), parser._prev)

    return parse


WITHOUT_PARENTHESES: dict[str, Callable[[Grammar], exp.Expr]] = {
    name: _constant(name)
    for name in ("CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "LOCALTIME", "LOCALTIMESTAMP")
}
"""Functions that are written as a bare word."""

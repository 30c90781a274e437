"""LIKE, SIMILAR TO and regular expressions. Literal patterns are compiled once and run on whole columns.

Row by row go: patterns that are computed, and those that only Python's engine understands (see `regex`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import polars as pl

from riacho.dataflow.evaluation.failures import ValueFailure
from riacho.dataflow.evaluation.invocation import Evaluate, Invocation
from riacho.dataflow.functions.regex import Pattern, compile_pattern, is_malformed

_NULL_TEXT = pl.lit(None, pl.String)


_ESCAPE = "\\"
"""LIKE's escape where none is written; Flink looks for it in literal patterns only if they have a `_`."""


@lru_cache(maxsize=1024)
def like_regex(pattern: str, escape: str | None) -> str:
    """The regular expression of a LIKE pattern; `_` stands for one character that ends no line, `%` for any.

    Raises `ValueFailure` for an escape character that is not one, or that escapes nothing.

    >>> like_regex("a_%", None)
    '^a[^\\\\n\\\\r](?s:.*)$'
    """
    if escape is not None and len(escape) != 1:
        raise ValueFailure(f"the escape of LIKE must be one character, not {escape!r}")
    made = ["^"]
    characters = iter(pattern)
    for character in characters:
        if character == escape:
            following = next(characters, "")
            if following not in ("_", "%", escape):
                raise ValueFailure(f"in the pattern {pattern!r} the escape {escape!r} escapes nothing")
            made.append(pl.escape_regex(following))
        elif character == "%":
            made.append("(?s:.*)")
        elif character == "_":
            made.append(r"[^\n\r]")
        else:
            made.append(pl.escape_regex(character))
    return "".join(made) + "$"


def _like(call: Invocation) -> pl.Expr:
    pattern, escape = call.literal(1), call.literal(2)
    if pattern is None or (len(call) == 3 and escape is None):
        return call.per_row(
            lambda text, given, mark=_ESCAPE: re.search(like_regex(given, mark)[:-1] + r"\Z", text) is not None
        )
    if escape is None:
        inner = pattern.strip("%")
        if "_" not in inner and "%" not in inner:
            return _without_wildcards_inside(call[0], pattern, inner)
        if "_" in pattern:
            escape = _ESCAPE
    try:
        regex = like_regex(pattern, escape)
    except ValueFailure:
        return call.per_row(lambda _, given, mark=escape: like_regex(given, mark) == "")
    return call[0].str.contains(regex)


def _without_wildcards_inside(text: pl.Expr, pattern: str, inner: str) -> pl.Expr:
    """`abc`, `abc%`, `%abc` and `%abc%` need no regular expression."""
    if not inner:
        return pl.when(text.is_not_null()).then(pl.lit(value=True)) if pattern else text == ""
    begins, ends = not pattern.startswith("%"), not pattern.endswith("%")
    if begins and ends:
        return text == inner
    if begins:
        return text.str.starts_with(inner)
    if ends:
        return text.str.ends_with(inner)
    return text.str.contains(inner, literal=True)


_SIMILAR_SPECIALS = "[]()|^-+*_%?{}"
_CHARACTER_CLASSES = {
    "ALPHA": "a-zA-Z",
    "UPPER": "A-Z",
    "LOWER": "a-z",
    "DIGIT": "0-9",
    "SPACE": " ",
    "WHITESPACE": " \\t\\n\\x0b\\f\\r",
    "ALNUM": "a-zA-Z0-9",
}
_CHARACTER_CLASS = re.compile(r"\[:([A-Z]+|[a-z]+):\]")


@lru_cache(maxsize=1024)
def similar_regex(pattern: str, escape: str | None) -> str:
    """The regular expression of a SIMILAR TO pattern: SQL's own | * + ? { } ( ) mean the same in both.

    A point stands for any character, as in Flink. Raises `ValueFailure` for a pattern that is none.

    >>> similar_regex("a[[:DIGIT:]x]%", None)
    '^(?:a[0-9x](?s:.*))$'
    """
    if escape is not None and len(escape) != 1:
        raise ValueFailure(f"the escape of SIMILAR TO must be one character, not {escape!r}")
    made = []
    place, enumerating = 0, False
    while place < len(pattern):
        character = pattern[place]
        named = _CHARACTER_CLASS.match(pattern, place) if enumerating else None
        if named is not None and named[1].upper() in _CHARACTER_CLASSES:
            made.append(_CHARACTER_CLASSES[named[1].upper()])
            place = named.end()
            continue
        if character == escape:
            place += 1
            following = pattern[place : place + 1]
            if not following or following not in _SIMILAR_SPECIALS + escape:
                raise ValueFailure(f"in the pattern {pattern!r} the escape {escape!r} escapes nothing")
            made.append(re.escape(following))
        elif character == "\\" or (character == "$" and not enumerating):
            made.append("\\" + character)
        elif enumerating:
            if character in _SIMILAR_SPECIALS and character not in "]-^":
                raise ValueFailure(f"{pattern!r} is no pattern for SIMILAR TO: {character!r} must be escaped in [ ]")
            made.append("\\&" if character == "&" else character)
            enumerating = character != "]"
        elif character == "%":
            made.append("(?s:.*)")
        elif character == "_":
            made.append(r"[^\n\r]")
        elif character == "]":
            raise ValueFailure(f"{pattern!r} is no pattern for SIMILAR TO: no '[' stands before a ']'")
        else:
            made.append(character)
            enumerating = character == "["
        place += 1
    regex = f"^(?:{''.join(made)})$"
    try:
        pl.select(pl.lit("").str.contains(regex))
    except pl.exceptions.ComputeError:
        raise ValueFailure(f"{pattern!r} is no pattern for SIMILAR TO") from None
    return regex


def _similar(call: Invocation) -> pl.Expr:
    pattern, escape = call.literal(1), call.literal(2)
    if pattern is not None and (len(call) < 3 or escape is not None):
        try:
            return call[0].str.contains(similar_regex(pattern, escape))
        except ValueFailure:
            pass  # each row fails by it
    return call.per_row(
        lambda text, given, mark=None: re.search(similar_regex(given, mark)[:-1] + r"\Z", text) is not None
    )


def _literal_pattern(call: Invocation) -> Pattern | None:
    text = call.literal(1)
    return None if text is None else compile_pattern(text)


def _or_null(function: Callable[..., Any]) -> Callable[..., Any]:
    """For a computed pattern: the function over the compiled one; NULL for a malformed one."""

    def evaluate(text: str, regex: str, *rest: Any) -> Any:
        pattern = compile_pattern(regex)
        return None if pattern is None else function(pattern.python, text, *rest)

    return evaluate


def _regexp(call: Invocation) -> pl.Expr:
    """An empty pattern is found nowhere, nor is a malformed one."""
    if call.literal(1) == "":
        return pl.when(call[0].is_not_null()).then(pl.lit(value=False))
    pattern = _literal_pattern(call)
    if pattern is not None and pattern.columnar is not None:
        return call[0].str.contains(pattern.columnar)
    return call.per_row(_is_found)


def _is_found(text: str, regex: str) -> bool:
    pattern = compile_pattern(regex)
    if pattern is None:
        if is_malformed(regex):
            return False
        raise ValueFailure(f"{regex!r} is not a regular expression that is understood")
    return bool(regex) and pattern.python.search(text) is not None


def _group_of_first(regex: re.Pattern[str], text: str, group: int = 0) -> str | None:
    match = regex.search(text)
    return match.group(group) if match is not None and 0 <= group <= regex.groups else None


def _extract(call: Invocation) -> pl.Expr:
    pattern = _literal_pattern(call)
    group = 0 if len(call) == 2 else call.literal(2)
    if pattern is not None and pattern.columnar is not None and group is not None:
        if not 0 <= group <= pattern.groups:
            return _NULL_TEXT
        return call[0].str.extract(pattern.columnar, group)
    return call.per_row(_or_null(_group_of_first))


def _extract_all(call: Invocation) -> pl.Expr:
    def groups(regex: re.Pattern[str], text: str, group: int = 1) -> list[str | None] | None:
        if not 0 <= group <= regex.groups:
            return None
        return [match.group(group) for match in regex.finditer(text)]

    return call.per_row(_or_null(groups))


def _regexp_replace(call: Invocation) -> pl.Expr:
    pattern, replacement = _literal_pattern(call), call.literal(2)
    if pattern is not None and pattern.whole_columns is not None and replacement is not None:
        return call[0].str.replace_all(pattern.whole_columns, replacement.replace("$", "$$"))

    def replaced(regex: re.Pattern[str], text: str, wanted: str) -> str:
        return regex.sub(lambda _: wanted, text)

    return call.per_row(_or_null(replaced))


def _count(call: Invocation) -> pl.Expr:
    pattern = _literal_pattern(call)
    if pattern is not None and pattern.whole_columns is not None:
        return call[0].str.count_matches(pattern.whole_columns).cast(pl.Int32)
    return call.per_row(_or_null(lambda regex, text: sum(1 for _ in regex.finditer(text))))


def _first_position(regex: re.Pattern[str], text: str) -> int:
    match = regex.search(text)
    return 0 if match is None else match.start() + 1


FUNCTIONS: dict[str, Evaluate] = {
    "LIKE": _like,
    "SIMILAR TO": _similar,
    "REGEXP": _regexp,
    "REGEXP_EXTRACT": _extract,
    "REGEXP_EXTRACT_ALL": _extract_all,
    "REGEXP_REPLACE": _regexp_replace,
    "REGEXP_COUNT": _count,
    "REGEXP_INSTR": lambda call: call.per_row(_or_null(_first_position)),
    "REGEXP_SUBSTR": _extract,
}

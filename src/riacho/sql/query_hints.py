"""Hints of a SELECT: `SELECT /*+ STATE_TTL('b' = '1 d'), BROADCAST(p) */ …`. Source: Flink, "SQL Hints".

`hints_of` gives them as they were written and checked, to whoever plans what they are about.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from riacho.sql.errors import did_you_mean, listed
from riacho.sql.option_values import boolean, count, duration, duration_ms, one_of
from riacho.sql.source import SourceText

_TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<name>`[^`]+`|[\w$.]+)|(?P<symbol>[(),=]))")


@dataclass(frozen=True, slots=True)
class Hint:
    """`NAME(item, …)` or `NAME('key' = 'value', …)`; the name is in upper case."""

    name: str
    items: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()


def read_hints(text: str, source: SourceText, start: int) -> tuple[Hint, ...]:
    """The hints of a comment's text. Raises `SqlError` at `start` where it is none."""
    tokens: list[tuple[str, str]] = []
    place, text = 0, text.lstrip("+").rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            source.fail("this is no hint", start, _USAGE)
        kind = str(match.lastgroup)
        tokens.append((kind, _unquoted(match[kind])))
        place = match.end()
    reader = _Reader(tokens, source, start)
    hints = [reader.hint()]
    while not reader.at_end:
        reader.take(",")
        hints.append(reader.hint())
    return tuple(hints)


_USAGE = "write it like /*+ OPTIONS('key' = 'value') */ or /*+ BROADCAST(table) */"


def _unquoted(token: str) -> str:
    if token.startswith("'"):
        return token[1:-1].replace("''", "'")
    return token.strip("`")


@dataclass(slots=True)
class _Reader:
    tokens: list[tuple[str, str]]
    source: SourceText
    start: int
    index: int = 0

    @property
    def at_end(self) -> bool:
        return self.index >= len(self.tokens)

    def take(self, symbol: str) -> bool:
        taken = not self.at_end and self.tokens[self.index] == ("symbol", symbol)
        self.index += taken
        return taken

    def _next(self, *kinds: str) -> str:
        if self.at_end or self.tokens[self.index][0] not in kinds:
            self.source.fail("this is no hint", self.start, _USAGE)
        self.index += 1
        return self.tokens[self.index - 1][1]

    def hint(self) -> Hint:
        name = self._next("name").upper()
        items: list[str] = []
        options: list[tuple[str, str]] = []
        if self.take("(") and not self.take(")"):
            while True:
                item = self._next("name", "text")
                if self.take("="):
                    options.append((item, self._next("name", "text")))
                else:
                    items.append(item)
                if not self.take(","):
                    break
            if not self.take(")"):
                self.source.fail("this is no hint", self.start, _USAGE)
        return Hint(name, tuple(items), tuple(options))


def hints_of(tree: exp.Expr, source: SourceText) -> tuple[Hint, ...]:
    """The hints of a SELECT. Raises `SqlError` for one that does not exist, or names a table that FROM does not."""
    node = tree.args.get("hint")
    if node is None:
        return ()
    text, start = node.meta["hint"]
    hints = read_hints(text, source, start)
    tables = _tables(tree)
    for hint in hints:
        check = _CHECKS.get(hint.name)
        if check is None:
            way = "write it behind the table's name" if hint.name == "OPTIONS" else did_you_mean(hint.name, _CHECKS)
            source.fail(f"there is no query hint {hint.name}", start, way or f"the hints are {', '.join(_CHECKS)}")
        try:
            named = check(hint)
        except ValueError as error:
            source.fail(f"the hint {hint.name}: {error}", start)
        for name in named:
            if name not in tables:
                way = did_you_mean(name, tables) or f"the tables are {listed(tables)}"
                source.fail(f"the hint {hint.name} names the table '{name}', which FROM does not", start, way)
    return hints


def _tables(tree: exp.Expr) -> list[str]:
    """The names by which the tables of FROM go."""
    clause = tree.args.get("from_")
    factors = [] if clause is None else [clause.this, *(join.this for join in tree.args.get("joins") or [])]
    return [name for factor in factors if (name := factor.alias_or_name)]


def _names(hint: Hint) -> list[str]:
    """A hint that names tables."""
    if hint.options or not hint.items:
        raise ValueError(f"write {hint.name}(table, …)")
    return list(hint.items)


def _state_ttl(hint: Hint) -> list[str]:
    if hint.items or not hint.options:
        raise ValueError("write STATE_TTL('table' = '1 d', …)")
    for _, text in hint.options:
        duration_ms(text)
    return [table for table, _ in hint.options]


_LOOKUP: dict[str, Callable[[str], str]] = {
    "table": str,
    "async": boolean,
    "output-mode": one_of("ordered", "allow_unordered"),
    "capacity": count,
    "timeout": duration,
    "retry-predicate": one_of("lookup_miss"),
    "retry-strategy": one_of("fixed_delay"),
    "fixed-delay": duration,
    "max-attempts": count,
    "shuffle": boolean,
}
_RETRY = ("retry-predicate", "retry-strategy", "fixed-delay", "max-attempts")


def _lookup(hint: Hint) -> list[str]:
    options = dict(hint.options)
    if hint.items or "table" not in options:
        raise ValueError("write LOOKUP('table' = 'name', 'option' = 'value', …)")
    for key, text in options.items():
        read = _LOOKUP.get(key)
        if read is None:
            raise ValueError(f"'{key}' is none of its options: {', '.join(_LOOKUP)}")
        read(text)
    missing = [key for key in _RETRY if key not in options]
    if 0 < len(missing) < len(_RETRY):
        raise ValueError(f"a retry needs '{missing[0]}' as well: {', '.join(_RETRY)} go together")
    return [options["table"]]


_CHECKS: dict[str, Callable[[Hint], list[str]]] = {
    "STATE_TTL": _state_ttl,
    "LOOKUP": _lookup,
    # How a join is run: Flink takes these in batch, and leaves them aside in a stream.
    "BROADCAST": _names,
    "SHUFFLE_HASH": _names,
    "SHUFFLE_MERGE": _names,
    "NEST_LOOP": _names,
    "MULTI_JOIN": _names,
}
"""Every query hint: what it names; a `ValueError` where it is written wrongly or not possible."""

"""A script's text: its variables filled in, and every place of the result traced back to the file."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NoReturn

from sqlglot import exp

from riacho.plan.expressions import Position
from riacho.sql.errors import SqlError, did_you_mean

_VARIABLE = r"\$\{(?P<name>[^}\n]*)\}"
_ESCAPED = r"(?<![\w$])[eE]'"
_OUTSIDE = re.compile(
    rf"(?P<comment>(?:--|//)[^\n]*|/\*(?!\+).*?\*/)|(?P<quote>{_ESCAPED}|['`])|{_VARIABLE}", re.DOTALL
)
_QUOTED = {
    **{quote: re.compile(rf"(?P<quote>{quote})|{_VARIABLE}") for quote in "'`"},
    **dict.fromkeys(("E'", "e'"), re.compile(rf"\\.|''|(?P<quote>')|{_VARIABLE}", re.DOTALL)),
}

ESCAPED_TEXT = re.compile(rf"{_ESCAPED}(?:[^'\\]|\\.|'')*+(?P<end>'?)", re.DOTALL)
"""`E'…'`, in which a backslash takes the next character with it."""


@dataclass(frozen=True, slots=True)
class SourceText:
    """The text as written, the text with `${NAME}` replaced, and the map from the second to the first.

    `pieces` are (start in `expanded`, start in `original`, is a replaced variable), ascending. `lines` are the places
    in `original` at which its lines begin: every literal asks for its own.
    """

    original: str
    expanded: str
    file: str
    pieces: tuple[tuple[int, int, bool], ...]
    lines: tuple[int, ...]

    @staticmethod
    def read(text: str, file: str | None, variables: Mapping[str, str]) -> SourceText:
        """Fill in the variables. Raises `SqlError` for one that is not set.

        >>> SourceText.read("SELECT ${N}", "q.sql", {"N": "7"}).expanded
        'SELECT 7'
        """
        name = file or "<statement>"
        text = text.removeprefix("\ufeff")  # the mark that editors of Windows put before a file is no part of it
        lines = (0, *(match.end() for match in re.finditer("\n", text)))
        pieces: list[tuple[int, int, bool]] = []
        parts: list[str] = []
        length = position = 0
        for match in _variables(text):
            parts.append(text[position : match.start()])
            pieces.append((length, position, False))
            length += len(parts[-1])
            variable = match["name"]
            plain = SourceText(text, text, name, ((0, 0, False),), lines)
            if variable not in variables:
                plain.fail(
                    f"variable '{variable}' is not set",
                    match.start(),
                    did_you_mean(variable, variables) or f"set it in the environment, or with --set {variable}=VALUE",
                )
            value = variables[variable]
            try:
                value.encode()
            except UnicodeEncodeError:  # of the environment: Python has put surrogates in the place of such bytes
                plain.fail(f"variable '{variable}' is not UTF-8", match.start())
            parts.append(value)
            pieces.append((length, match.start(), True))
            length += len(parts[-1])
            position = match.end()
        parts.append(text[position:])
        pieces.append((length, position, False))
        return SourceText(text, "".join(parts), name, tuple(pieces), lines)

    def position(self, offset: int) -> Position:
        """Line and column, in the text as written, of a place in the expanded text."""
        index = bisect.bisect_right(self.pieces, offset, key=lambda piece: piece[0]) - 1
        start, origin, replaced = self.pieces[max(index, 0)]
        place = origin if replaced else origin + offset - start
        place = min(max(place, 0), len(self.original))
        line = bisect.bisect_right(self.lines, place)
        return Position(line, place - self.lines[line - 1] + 1)

    def error(self, what: str, at: Place, suggestion: str | None = None) -> SqlError:
        """The error to raise for something wrong at a place of the expanded text."""
        found = self.locate(at)
        lines = self.original.split("\n")
        return SqlError(
            what,
            file=self.file,
            line=found.line,
            column=found.column,
            source_line=lines[found.line - 1].rstrip("\r"),
            suggestion=suggestion,
        )

    def fail(self, what: str, at: Place, suggestion: str | None = None) -> NoReturn:
        """Raise the `SqlError`."""
        raise self.error(what, at, suggestion)

    def too_deep(self, at: Place) -> SqlError:
        """The error for a statement that nests deeper than the parser and the passes follow."""
        return self.error("the statement is nested too deeply", at, "name its parts: CREATE VIEW … AS SELECT …")

    def locate(self, at: Place) -> Position:
        """The position of an offset, of a parsed expression, or of one already known."""
        if isinstance(at, Position):
            return at
        if isinstance(at, int):
            return self.position(at)
        return self.position(start_of(at))


def variable_names(text: str) -> set[str]:
    r"""The names that a script wants filled in.

    >>> sorted(variable_names("SELECT '${A}', ${B} -- ${C}"))
    ['A', 'B']
    >>> variable_names(r"SELECT E'\'', ${A} -- ${C}")
    {'A'}
    """
    return {match["name"] for match in _variables(text)}


def _variables(text: str) -> Iterator[re.Match[str]]:
    """The `${NAME}`s of a text; in quotations too, in comments not."""
    pattern, position = _OUTSIDE, 0
    while match := pattern.search(text, position):
        position = match.end()
        if match["name"] is not None:
            yield match
        elif match["quote"] is not None:
            pattern = _QUOTED[match["quote"]] if pattern is _OUTSIDE else _OUTSIDE


Place = int | Position | exp.Expr
"""An offset in the expanded text, a position in the file, or a parsed expression."""


def start_of(tree: exp.Expr) -> int:
    """The offset at which a parsed expression begins: its own token's, or that of its first part."""
    unplaced = []
    node = tree
    while "start" not in node.meta:
        unplaced.append(node)
        first = next(iter(node.iter_expressions()), None)
        if first is None:
            starts = [part.meta["start"] for part in tree.walk() if "start" in part.meta]
            return min(starts, default=0)
        node = first
    start = int(node.meta["start"])
    for passed in unplaced:
        passed.meta["start"] = start  # a chain of operators is walked once, not once per operator
    return start

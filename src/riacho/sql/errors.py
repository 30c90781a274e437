"""The one error of the SQL front end: what is wrong, where in the text, and what was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from riacho.errors import UsageError

LONGEST_LINE = 100
"""Characters of a source line that are shown: a script on a command line is one long line."""


class SqlError(UsageError):
    """A statement is wrong: message, file, line and column (from 1), the source line with a caret, a suggestion."""

    def __init__(
        self,
        what: str,
        *,
        file: str,
        line: int,
        column: int,
        source_line: str,
        suggestion: str | None = None,
    ) -> None:
        shown, at = _around(source_line, column - 1)
        # The caret stands under the character also where tabs precede it.
        margin = "".join("\t" if character == "\t" else " " for character in shown[:at])
        where = f"{file}:{line}:{column}"
        super().__init__(what, where=f"{where}\n    {shown}\n    {margin}^", mend=suggestion)
        self.file = file
        self.line = line
        self.column = column
        self.source_line = source_line
        self.suggestion = suggestion


def _around(line: str, place: int) -> tuple[str, int]:
    """As much of a line around a place as is seen without wrapping, and the place in that."""
    if len(line) <= LONGEST_LINE:
        return line, place
    start = max(0, min(place - LONGEST_LINE * 2 // 3, len(line) - LONGEST_LINE))
    end = start + LONGEST_LINE
    before, after = "… " if start else "", " …" if end < len(line) else ""
    return before + line[start:end] + after, place - start + len(before)


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that a person who wrote `name` most likely meant, or None.

    >>> nearest("pricee", ["price", "bidder"])
    'price'
    >>> nearest("AUCTION", ["auction"])
    'auction'
    """
    by_folded = {candidate.casefold(): candidate for candidate in sorted(candidates)}
    found = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None


def did_you_mean(name: str, candidates: Iterable[str]) -> str | None:
    """A suggestion that names the nearest candidate, or None where none is near."""
    found = nearest(name, candidates)
    return None if found is None else f"did you mean '{found}'?"


def listed(names: Iterable[str], limit: int = 12) -> str:
    """Names for a message: all of them when they are few.

    >>> listed(["a", "b"])
    'a, b'
    """
    everything = list(names)
    if len(everything) <= limit:
        return ", ".join(everything)
    return ", ".join(everything[:limit]) + f", … ({len(everything) - limit} more)"

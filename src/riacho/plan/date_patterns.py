"""Java date patterns (`yyyy-MM-dd HH:mm:ss.SSS`): their parts, and what is refused in them.

Flink hands a pattern to one of two classes: `DateTimeFormatter`, for timestamps and what becomes one, or
`SimpleDateFormat`, for texts that stay texts and for dates. They share most letters, and mean some differently.

Source: Java 17, both classes, "Patterns for Formatting and Parsing".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache

from riacho.errors import UsageError


class Style(Enum):
    """The class that a pattern is for."""

    FORMATTER = "DateTimeFormatter"
    SIMPLE = "SimpleDateFormat"


@dataclass(frozen=True, slots=True)
class Token:
    """A run of one pattern letter, literal text (`letter` empty), or the `[` or `]` of an optional section.

    `pad` is the least width that a formatter's letters `p` before it ask for.
    """

    letter: str
    text: str
    pad: int = 0


Tokens = tuple[Token, ...]

_UP_TO = ((1, "WFa"), (2, "dwHhKkms"), (3, "D"), (4, "z"), (5, "GMLQqEeXxZ"), (9, "S"), (19, "uyYnANg"))
_COUNTS: dict[str, frozenset[int]] = {
    **{letter: frozenset(range(1, most + 1)) for most, letters in _UP_TO for letter in letters},
    "c": frozenset((1, 3, 4, 5)),
    "V": frozenset((2,)),
    "v": frozenset((1, 4)),
    "O": frozenset((1, 4)),
}
"""How often each letter of a formatter may stand in a row."""

_SIMPLE_LETTERS = frozenset("GyYMLwWDdFEuaHkKhmsSzZX")
_MOST_SIMPLE_X = 3

_ZONES = frozenset("VvzOXxZ")
_SECTIONS = frozenset("[]")
_RESERVED = frozenset("#{}")

_FULL = 4
_NARROW = 5
"""So many letters stand for the first letter of a name, by which it cannot be told when it is read."""

_QUOTE = "what stands for itself is put between apostrophes, which SQL writes twice: ''T''"


@lru_cache(maxsize=256)
def written_parts(pattern: str, style: Style) -> Tokens:
    """The parts by which timestamps without a zone are written. Raises `UsageError`.

    >>> [part.text for part in written_parts("yyyy'T'HH[ XXX]", Style.FORMATTER)]
    ['yyyy', 'T', 'HH']
    """
    sections: list[list[Token]] = [[]]
    for part in _checked(pattern, style):
        if part.letter == "[":
            sections.append([])
        elif part.letter == "]":
            _end_section(sections)
        else:
            sections[-1].append(part)
    while len(sections) > 1:
        _end_section(sections)
    (whole,) = sections
    for part in whole:
        if style is Style.FORMATTER and part.letter in _ZONES:
            raise UsageError(f"the date pattern {part.text!r} writes a zone, and a timestamp has none", mend=_QUOTE)
        if part.letter == "z" and len(part.text) >= _FULL:
            raise UsageError("the names of zones are not written in full", mend="write z for the abbreviation")
    return tuple(whole)


def _end_section(sections: list[list[Token]]) -> None:
    """An optional section that asks for a zone writes nothing."""
    section = sections.pop()
    if not any(part.letter in _ZONES for part in section):
        sections[-1] += section


@lru_cache(maxsize=256)
def read_parts(pattern: str, style: Style) -> Tokens:
    """The parts by which a text is read. Raises `UsageError`."""
    parts = _checked(pattern, style)
    for part in parts:
        names = style is Style.FORMATTER and len(part.text) == _NARROW and part.letter in "MLEec"
        if names or part.pad:
            raise UsageError(
                f"the date pattern {'p' * part.pad + part.text!r} can be written, not read",
                mend="a pattern for reading has letters such as yyyy, MMM, MMMM, dd, EEE and HH",
            )
    return parts


def _checked(pattern: str, style: Style) -> Tokens:
    """The parts of a pattern that Java takes; those that say how wide the next one is are joined with it."""
    if style is Style.SIMPLE:
        parts = tuple(Token("", part.text) if _is_sign(part) else part for part in _runs(pattern))
        for part in parts:
            _check_simple(part)
        return parts
    found: list[Token] = []
    pad = depth = 0
    for part in _runs(pattern):
        if part.letter == "p" and not pad:
            pad = len(part.text)
            continue
        if pad and (_is_sign(part) or not part.letter):
            break
        depth += {"[": 1, "]": -1}.get(part.letter, 0)
        if depth < 0:
            raise UsageError("a date pattern has ']' without '[' before it", mend=_QUOTE)
        _check_formatter(part)
        found.append(replace(part, pad=pad))
        pad = 0
    if pad:
        raise UsageError("the date pattern letter 'p' says how wide the letters behind it are, and there are none")
    return tuple(found)


def _is_sign(part: Token) -> bool:
    return part.letter in _SECTIONS or part.letter in _RESERVED


def _check_simple(part: Token) -> None:
    if part.letter and part.letter not in _SIMPLE_LETTERS:
        raise _unknown(part, _SIMPLE_LETTERS)
    if part.letter == "X" and len(part.text) > _MOST_SIMPLE_X:
        raise UsageError(f"the date pattern {part.text!r} is too long", mend="write X, XX or XXX")


def _check_formatter(part: Token) -> None:
    if not part.letter or part.letter in _SECTIONS:
        return
    if part.letter in _RESERVED:
        raise UsageError(f"date patterns reserve {part.letter!r}", mend=_QUOTE)
    if part.letter == "B":
        raise UsageError(
            "the date pattern 'B', the part of the day in words, is not here", mend="write a for AM and PM"
        )
    counts = _COUNTS.get(part.letter)
    if counts is None:
        raise _unknown(part, frozenset(_COUNTS))
    if len(part.text) not in counts:
        *shorter, longest = (part.letter * count for count in sorted(counts))
        known = f"{', '.join(shorter)} or {longest}" if 0 < len(shorter) < _NARROW else f"at most {longest}"
        raise UsageError(f"there is no date pattern {part.text!r}", mend=f"write {longest if not shorter else known}")


def _unknown(part: Token, letters: frozenset[str]) -> UsageError:
    known = " ".join(sorted(letters, key=lambda letter: (letter.lower(), letter)))
    return UsageError(f"there is no date pattern letter {part.letter!r}", mend=f"there are {known}; {_QUOTE}")


def _runs(pattern: str) -> Iterator[Token]:
    """Runs of one letter, texts, and the signs that mean something to a formatter, each as a letter of its own."""
    index = 0
    while index < len(pattern):
        character = pattern[index]
        end = index + 1
        if character == "'":
            text, end = _quoted(pattern, end)
            yield Token("", text)
        elif character.isascii() and character.isalpha():
            while end < len(pattern) and pattern[end] == character:
                end += 1
            yield Token(character, pattern[index:end])
        else:
            yield Token(character if character in _SECTIONS or character in _RESERVED else "", character)
        index = end


def _quoted(pattern: str, start: int) -> tuple[str, int]:
    """The text behind an apostrophe, up to the next one, and where the pattern goes on; two of them are one."""
    end = pattern.find("'", start)
    if end == start:
        return "'", end + 1
    text = ""
    while end >= 0:
        text += pattern[start:end]
        if pattern[end + 1 : end + 2] != "'":
            return text, end + 1
        text, start = f"{text}'", end + 2
        end = pattern.find("'", start)
    raise UsageError("a text in a date pattern has no apostrophe at its end")

"""Java regular expressions: translated to Polars' engine where that means the same, to Python's where it does not.

Polars' engine has no look-around, back references or possessive quantifiers, and counts all of Unicode as digits and
letters where Java means ASCII. What neither engine takes is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

_CLASSES = {
    "d": "0-9",
    "w": "A-Za-z0-9_",
    "s": r" \t\n\x0B\f\r",
    "h": r" \t\x{A0}",
    "v": r"\n\x0B\f\r",
}
_ANY = r"[^\n\r\x{85}\x{2028}\x{2029}]"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern; `columnar` is its form for Polars, None where only Python's engine will do."""

    columnar: str | None
    python: re.Pattern[str]

    @property
    def groups(self) -> int:
        return self.python.groups

    @property
    def whole_columns(self) -> str | None:
        """The form for Polars where every match counts: it passes over an empty one after another, Java does not."""
        return None if self.python.search("") else self.columnar


@lru_cache(maxsize=1024)
def compile_pattern(java: str) -> Pattern | None:
    """The pattern that a Java regular expression means; None where it is malformed or not understood.

    >>> compile_pattern("(\\\\d+)").columnar
    '([0-9]+)'
    >>> compile_pattern("a(?=b)").columnar is None, compile_pattern("(") is None
    (True, True)
    """
    try:
        python = re.compile(_for_python(java), re.ASCII)
    except (re.error, OverflowError):
        return None
    return Pattern(_for_polars(java), python)


_MALFORMED = frozenset(
    {
        "missing ), unterminated subpattern",
        "unbalanced parenthesis",
        "unterminated character set",
        "bad escape (end of pattern)",
        "min repeat greater than max repeat",
    }
)
"""What Python says of patterns that are none in Java either."""
_DANGLING = "nothing to repeat"


@lru_cache(maxsize=1024)
def is_malformed(java: str) -> bool:
    """Whether a pattern that is not compiled is none for Java either, rather than one that is not understood here.

    >>> is_malformed("("), is_malformed("*a"), is_malformed("^*a")
    (True, True, False)
    """
    try:
        re.compile(_for_python(java), re.ASCII)
    except re.error as error:
        if error.msg == _DANGLING and isinstance(error.pattern, str) and error.pos is not None:
            return error.pattern[: error.pos][-1:] in ("", "(", "|")  # Java repeats a place, such as ^, too
        return error.msg in _MALFORMED
    except OverflowError:
        return False
    return False


def _for_python(java: str) -> str:
    """Python writes named groups otherwise and lacks \\h, \\Q…\\E and POSIX classes."""
    text = re.sub(r"\\Q(.*?)(?:\\E|$)", lambda quoted: re.escape(quoted.group(1)), java, flags=re.DOTALL)
    text = re.sub(r"\(\?<([A-Za-z]\w*)>", r"(?P<\1>", text)
    text = re.sub(r"\\k<(\w+)>", r"(?P=\1)", text)
    return text.replace(r"\z", r"\Z").replace(r"\h", r"[ \t\xA0]")


def _for_polars(java: str) -> str | None:
    made: list[str] = []
    depth, index = 0, 0
    while index < len(java):
        character = java[index]
        if character == "\\" and index + 1 < len(java):
            following = java[index + 1]
            index += 2
            if following in _CLASSES:
                made.append(_CLASSES[following] if depth else f"[{_CLASSES[following]}]")
            elif following.lower() in _CLASSES:
                made.append(f"[^{_CLASSES[following.lower()]}]")
            elif following in "123456789kQGZ":
                return None
            elif following in "bB":
                made.append(f"(?-u:\\{following})" if following == "b" else "\\B")
            else:
                made.append("\\" + following)
            continue
        if character == "[":
            depth += 1
        elif character == "]" and depth:
            depth -= 1
        elif character == "." and not depth:
            character = _ANY
        elif character == "+" and not depth and index and java[index - 1] in "*+?}" and not _escaped(java, index - 1):
            return None
        made.append(character)
        index += 1
    text = "".join(made)
    return text if _is_accepted(text) else None


def _escaped(text: str, index: int) -> bool:
    before = text[:index]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _is_accepted(pattern: str) -> bool:
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.PolarsError:
        return False
    return True


def java_split(text: str, regex: str, most: int = 0) -> list[str]:
    """Java's `String.split`: parts between matches, empty ones at the end left out, or `most` parts, which are kept.

    >>> java_split("a|b||", "\\\\|"), java_split("||", "\\\\|")
    (['a', 'b'], [])
    """
    pattern = compile_pattern(regex)
    if pattern is None:
        return [text]
    parts: list[str] = []
    position = 0
    for match in pattern.python.finditer(text):
        if match.end() == 0:
            continue
        if most and len(parts) == most - 1:
            break
        parts.append(text[position : match.start()])
        position = match.end()
    if not parts:
        return [text]
    parts.append(text[position:])
    while not most and parts and not parts[-1]:
        parts.pop()
    return parts

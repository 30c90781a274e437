"""SQL/JSON paths: members, elements, wildcards and deep scans, lax or strict.

Source: Flink, JSON_VALUE and JSON_QUERY, whose paths are those of Jayway JsonPath without filters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from riacho.errors import UsageError


class PathFailure(Exception):  # noqa: N818 - an outcome that ON ERROR decides about
    """A path that finds nothing, or text that is not JSON: an error for a strict path, nothing for a lax one."""


@dataclass(frozen=True, slots=True)
class Member:
    name: str


@dataclass(frozen=True, slots=True)
class Elements:
    """Elements by index, negative from the end; or a range of them."""

    indexes: tuple[int, ...] = ()
    span: slice | None = None


@dataclass(frozen=True, slots=True)
class AnyMember:
    """`*`: every member or element."""


@dataclass(frozen=True, slots=True)
class AnyDepth:
    """`..`: the value and everything inside it."""


Step = Member | Elements | AnyMember | AnyDepth

_MODE = re.compile(r"\s*(?:(lax|strict)\s+)?(\$.*)", re.DOTALL | re.IGNORECASE)
_STEP = re.compile(
    r"""(?P<deep>\.\.)(?=[\w$*\[])
      | \.?\[\s*'(?P<single>(?:[^'\\]|\\.)*)'\s*\]
      | \.?\[\s*"(?P<double>(?:[^"\\]|\\.)*)"\s*\]
      | \.?\[\s*(?P<star>\*)\s*\]
      | \.?\[\s*(?P<start>-?\d*)\s*:\s*(?P<end>-?\d*)\s*\]
      | \.?\[\s*(?P<indexes>-?\d+(?:\s*,\s*-?\d+)*)\s*\]
      | \.(?P<any>\*)
      | \.?(?P<name>[^.\[\]\s*'"?()@]+)""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class JsonPath:
    steps: tuple[Step, ...]
    strict: bool

    @property
    def many(self) -> bool:
        """Whether it may find several values."""
        return any(map(_branches, self.steps))

    def find(self, document: Any) -> Any:
        """The value at the path; all of them in a list, where it may find `many`.

        Raises `PathFailure` where a member or element is missing. Past a wildcard none is: there it may find nothing.
        """
        values = [document]
        many = False
        for step in self.steps:
            if not many:
                _demand(values[0], step)
            many = many or _branches(step)
            values = [item for value in values for item in _follow(value, step)]
        return values if many else values[0]


def _branches(step: Step) -> bool:
    """Whether the step may lead to several values."""
    if isinstance(step, Elements):
        return step.span is not None or len(step.indexes) > 1
    return isinstance(step, AnyMember | AnyDepth)


def _demand(value: Any, step: Step) -> None:
    """Raises `PathFailure` where there is nothing for a step to follow."""
    match step:
        case Member(name=name):
            if not (isinstance(value, dict) and name in value):
                raise PathFailure(f"the path finds no member {name!r}")
        case Elements():
            if not isinstance(value, list):
                raise PathFailure("the path finds no array")
            if not _branches(step) and not -len(value) <= step.indexes[0] < len(value):
                raise PathFailure(f"the path finds no element {step.indexes[0]}")


def _follow(value: Any, step: Step) -> Iterator[Any]:
    match step:
        case Member(name=name):
            if isinstance(value, dict) and name in value:
                yield value[name]
        case Elements(span=slice() as span):
            if isinstance(value, list):
                yield from value[span]
        case Elements(indexes=indexes):
            if isinstance(value, list):
                yield from (value[index] for index in indexes if -len(value) <= index < len(value))
        case AnyMember():
            if isinstance(value, dict):
                yield from value.values()
            elif isinstance(value, list):
                yield from value
        case AnyDepth():
            yield value
            if isinstance(value, dict | list):
                for inside in value.values() if isinstance(value, dict) else value:
                    yield from _follow(inside, step)


@lru_cache(maxsize=256)
def parse_path(text: str) -> JsonPath:
    """A path from its text; one that does not say `lax` is strict, as in Flink. Raises `UsageError` if malformed.

    >>> parse_path("lax $.a[0].b").find({"a": [{"b": 1}]})
    1
    """
    match = _MODE.fullmatch(text)
    if match is None:
        raise UsageError(f"{text!r} is not a JSON path", mend="a path begins with $, such as $.a[0].b")
    mode, rest = match.groups()
    steps: list[Step] = []
    rest = rest.rstrip()
    position = 1
    while position < len(rest):
        found = _STEP.match(rest, position)
        if found is None:
            raise UsageError(f"{text!r} is not a JSON path that is understood, from {rest[position:]!r} on")
        steps.append(_step(found))
        position = found.end()
    return JsonPath(tuple(steps), mode is None or mode.lower() == "strict")


def _step(found: re.Match[str]) -> Step:
    parts = found.groupdict()
    if parts["deep"]:
        return AnyDepth()
    if parts["star"] or parts["any"]:
        return AnyMember()
    if parts["indexes"] is not None:
        return Elements(tuple(int(index) for index in parts["indexes"].split(",")))
    if parts["start"] is not None:
        return Elements(span=slice(int(parts["start"] or 0), int(parts["end"]) if parts["end"] else None))
    for quoted in ("single", "double"):
        if parts[quoted] is not None:
            return Member(re.sub(r"\\(.)", r"\1", parts[quoted]))
    return Member(parts["name"])

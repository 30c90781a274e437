"""Options by name, as CREATE TABLE … WITH gives them: checked, with the nearest valid name where one is unknown."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from riacho.errors import UsageError

T = TypeVar("T")


class OptionError(UsageError):
    """An option of a table that is unknown, missing or has a wrong value."""


@dataclass(frozen=True, slots=True)
class Option(Generic[T]):
    """One option: its key, how its value is read, and its value where it is absent.

    `parse` raises `ValueError` with what is allowed ("true or false").
    """

    key: str
    parse: Callable[[str], T]
    default: T


def text(value: str) -> str:
    """The value as it is written."""
    return value


def boolean(value: str) -> bool:
    """
    >>> boolean("TRUE")
    True
    """
    lowered = value.strip().lower()
    if lowered not in ("true", "false"):
        raise ValueError("true or false")
    return lowered == "true"


def integer(value: str) -> int:
    """A whole number."""
    try:
        return int(value.strip())
    except ValueError:
        raise ValueError("a whole number") from None


def positive(value: str) -> int:
    """A whole number of at least 1."""
    number = integer(value)
    if number < 1:
        raise ValueError("a whole number of at least 1")
    return number


def one_of(*allowed: str) -> Callable[[str], str]:
    """One of these words, in whatever case; the result is as it is written here.

    >>> one_of("SQL", "ISO-8601")("sql")
    'SQL'
    """
    words = {word.lower(): word for word in allowed}

    def parse(value: str) -> str:
        if value.strip().lower() not in words:
            raise ValueError(", ".join(f"'{word}'" for word in allowed[:-1]) + f" or '{allowed[-1]}'")
        return words[value.strip().lower()]

    return parse


_UNITS_MS: Mapping[str, float] = {
    **dict.fromkeys(("ns", "nano", "nanos", "nanosecond", "nanoseconds"), 1e-6),
    **dict.fromkeys(("us", "µs", "micro", "micros", "microsecond", "microseconds"), 1e-3),
    **dict.fromkeys(("", "ms", "milli", "millis", "millisecond", "milliseconds"), 1),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1000),
    **dict.fromkeys(("min", "m", "minute", "minutes"), 60_000),
    **dict.fromkeys(("h", "hour", "hours"), 3_600_000),
    **dict.fromkeys(("d", "day", "days"), 86_400_000),
}


def duration(value: str) -> int:
    """Milliseconds of a Flink duration; a bare number is milliseconds.

    >>> duration("5 minutes"), duration("10s"), duration("250")
    (300000, 10000, 250)
    """
    matched = re.fullmatch(r"\s*(\d+)\s*([a-zµ]*)\s*", value.lower())
    if matched is None or matched[2] not in _UNITS_MS:
        raise ValueError("a duration such as '500 ms', '10 s' or '5 min'")
    return int(int(matched[1]) * _UNITS_MS[matched[2]])


def memory_size(value: str) -> int:
    """Bytes of a size such as `128MB`.

    >>> memory_size("128MB"), memory_size("1 kb")
    (134217728, 1024)
    """
    number = value.strip().rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
    unit = value.strip()[len(number) :].strip().lower()
    powers = {"": 0, "b": 0, "k": 10, "kb": 10, "m": 20, "mb": 20, "g": 30, "gb": 30}
    if not number.isdecimal() or unit not in powers:
        raise ValueError("a size such as '128MB'")
    return int(number) << powers[unit]


def items(value: str) -> tuple[str, ...]:
    """A list separated by semicolons.

    >>> items("id; city")
    ('id', 'city')
    """
    return tuple(part.strip() for part in value.split(";") if part.strip())


def nearest_option(key: str, names: Iterable[str]) -> str | None:
    """The name that someone who wrote `key` most likely meant.

    >>> nearest_option("topik", ["format", "topic"])
    'topic'
    """
    return next(iter(difflib.get_close_matches(key, sorted(names), 1, 0.5)), None)


class Options:
    """The options of one table, taken one by one; what nobody has taken in the end is unknown.

    `owner` names the table in messages. A scope (`within`) sees keys under a prefix and shares the account.
    """

    def __init__(self, owner: str, values: Mapping[str, str], *, where: str | None = None) -> None:
        self.owner = owner
        self.where = where
        self._values = dict(values)
        self._prefix = ""
        self._known: set[str] = set()
        self._open: set[str] = set()

    def within(self, prefix: str) -> Options:
        """The options whose keys start with `prefix`, without it."""
        scope = Options(self.owner, {}, where=self.where)
        scope._values = self._values
        scope._known = self._known
        scope._open = self._open
        scope._prefix = self._prefix + prefix
        return scope

    def has(self, option: Option[T]) -> bool:
        """Whether the option is set, to whatever value."""
        return self._prefix + option.key in self._values

    def get(self, option: Option[T]) -> T:
        """The option's value or its default. Raises `OptionError` for a value that is not allowed."""
        key = self._prefix + option.key
        self._known.add(key)
        value = self._values.get(key)
        if value is None:
            return option.default
        try:
            return option.parse(value)
        except ValueError as error:
            raise self.wrong(option, f"must be {error}") from None

    def require(self, option: Option[T | None], meaning: str) -> T:
        """As `get`, of an option that has no default. Raises `OptionError` where it is not set."""
        value = self.get(option)
        if value is None:
            raise OptionError(
                f"{self.owner} lacks the option '{self._prefix}{option.key}': {meaning}", where=self.where
            )
        return value

    def wrong(self, option: Option[T], complaint: str) -> OptionError:
        """The error for a value: `complaint` says what it must be."""
        key = self._prefix + option.key
        return OptionError(
            f"{self.owner}: option '{key}' is '{self._values.get(key)}', but {complaint}", where=self.where
        )

    def error(self, what: str, *, mend: str | None = None) -> OptionError:
        """An error about the table's options together."""
        return OptionError(f"{self.owner}: {what}", where=self.where, mend=mend)

    def matching(self, prefix: str) -> dict[str, str]:
        """All options under a prefix whose names are not ours to check (`properties.`), without it."""
        full = self._prefix + prefix
        self._open.add(full)
        return {key[len(full) :]: value for key, value in self._values.items() if key.startswith(full)}

    def finish(self, also: Iterable[str] = ()) -> None:
        """Check that every option was known; `also` names valid ones that were not read. Raises `OptionError`."""
        known = self._known | set(also)
        for key in sorted(self._values):
            if key in known or any(key.startswith(prefix) for prefix in self._open):
                continue
            nearest = nearest_option(key, known)
            mend = f"did you mean '{nearest}'?" if nearest else "valid ones: " + ", ".join(sorted(known))
            raise OptionError(f"{self.owner} has an unknown option '{key}'", where=self.where, mend=mend)

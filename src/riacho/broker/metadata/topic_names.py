"""Which names a topic may have (Kafka's rules)."""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST_NAME = 249
_LEGAL = re.compile(r"[a-zA-Z0-9._-]+")


def problem_with_name(name: str) -> str | None:
    """What is wrong with a topic's name, in Kafka's words; None where nothing is.

    >>> problem_with_name("flights.late")
    >>> problem_with_name("..")
    "Topic name is invalid: '..' is not allowed"
    """
    if not name:
        return "Topic name is invalid: the empty string is not allowed"
    if name in (".", ".."):
        return f"Topic name is invalid: '{name}' is not allowed"
    if len(name) > LONGEST_NAME:
        return f"Topic name is invalid: the length of '{name}' is longer than the max allowed length {LONGEST_NAME}"
    if not _LEGAL.fullmatch(name):
        return (
            f"Topic name is invalid: '{name}' contains one or more characters other than "
            "ASCII alphanumerics, '.', '_' and '-'"
        )
    return None


def colliding_name(name: str, names: Iterable[str]) -> str | None:
    """A topic whose metrics would have the same name, as Kafka writes '.' and '_' alike there.

    >>> colliding_name("a.b", ["c", "a_b"])
    'a_b'
    """
    unified = name.replace(".", "_")
    return next((other for other in names if other != name and other.replace(".", "_") == unified), None)

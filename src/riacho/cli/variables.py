"""`--set NAME=VALUE`: what fills `${NAME}` in a script."""

from __future__ import annotations

import re
from collections.abc import Iterable

from riacho.errors import UsageError

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def parse_variables(assignments: Iterable[str]) -> dict[str, str]:
    """The assignments by name; the last one of a name holds. Raises `UsageError`.

    >>> parse_variables(["TOPIC=bids", "FILTER=price = 3"])
    {'TOPIC': 'bids', 'FILTER': 'price = 3'}
    """
    variables = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        if not equals or NAME.fullmatch(name) is None:
            raise UsageError(f"--set {text}: this is no assignment", mend="write --set NAME=VALUE")
        variables[name] = value
    return variables

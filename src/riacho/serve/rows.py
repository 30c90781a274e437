"""Rows of a view that pass a few simple conditions: `column:operator:value`."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from riacho.errors import UsageError

MAX_ROWS = 10_000
"""Of one answer: what a person or a script looks through, and no way to copy a view."""

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison of a column with a value: as numbers where the column holds numbers, else as text."""

    column: str
    operator: str
    value: str

    @staticmethod
    def parse(text: str) -> Condition:
        """Raises `UsageError` for what is no condition.

        >>> Condition.parse("event_time:ge:2013-02-08 14:00:00").value
        '2013-02-08 14:00:00'
        """
        parts = text.split(":", 2)
        if len(parts) != 3 or parts[1] not in OPERATORS:
            raise UsageError(
                f"{text!r} is no condition",
                mend=f"write column:operator:value, the operator one of {', '.join(OPERATORS)}",
            )
        return Condition(*parts)

    def holds(self, row: dict[str, Any]) -> bool:
        """Whether the row's column compares so; an absent or null column never does."""
        actual = row.get(self.column)
        if actual is None:
            return False
        if isinstance(actual, bool):
            return OPERATORS[self.operator](str(actual).lower(), self.value)
        if isinstance(actual, int | float):
            return OPERATORS[self.operator](actual, float(self.value))
        return OPERATORS[self.operator](str(actual), self.value)


def matching(values: Iterable[bytes], conditions: Sequence[Condition], limit: int) -> list[dict[str, Any]]:
    """The JSON objects among the values for which every condition holds, at most `limit`.

    Raises `UsageError` where a number is compared with what is none.
    """
    found: list[dict[str, Any]] = []
    for value in values:
        if len(found) >= min(limit, MAX_ROWS):
            break
        try:
            row = json.loads(value)
        except ValueError as error:
            raise UsageError(f"the view holds values that are no JSON: {value[:60]!r}") from error
        try:
            if isinstance(row, dict) and all(condition.holds(row) for condition in conditions):
                found.append(row)
        except ValueError as error:
            raise UsageError(f"a condition compares a number with text: {error}") from error
    return found

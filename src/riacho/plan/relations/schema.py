"""The fields of a relation: names, types and time attributes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from riacho.plan.expressions import Column
from riacho.plan.types import DataType


class TimeAttribute(Enum):
    """A field that carries time itself: event time, or the moment at which the row is processed (PROCTIME())."""

    ROWTIME = "ROWTIME"
    PROCTIME = "PROCTIME"


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a relation; `time` marks a time attribute."""

    name: str
    type: DataType
    time: TimeAttribute | None = None

    def __str__(self) -> str:
        return f"{self.name} {self.type}" + (f" *{self.time.value}*" if self.time else "")


@dataclass(frozen=True, slots=True)
class Schema:
    """The fields of a relation, in order.

    >>> from riacho.plan.types import BIGINT, STRING
    >>> schema = Schema((Field("id", BIGINT), Field("city", STRING)))
    >>> schema.index("city"), str(schema.column("id").type)
    (1, 'BIGINT')
    """

    fields: tuple[Field, ...]

    def __post_init__(self) -> None:
        names = self.names
        assert len(set(names)) == len(names), f"field names must be unique: {names}"

    def __len__(self) -> int:
        return len(self.fields)

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    def __getitem__(self, index: int) -> Field:
        return self.fields[index]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(item.name for item in self.fields)

    def index(self, name: str) -> int:
        """The position of a field. Raises `KeyError` for an unknown name."""
        for position, item in enumerate(self.fields):
            if item.name == name:
                return position
        raise KeyError(name)

    def column(self, key: int | str) -> Column:
        """The expression that reads a field, by index or by name."""
        index = key if isinstance(key, int) else self.index(key)
        return Column(self.fields[index].type, index, self.fields[index].name)


def unique_names(names: list[str]) -> list[str]:
    """The names with later duplicates numbered, as Calcite does.

    >>> unique_names(["id", "id", "id0"])
    ['id', 'id0', 'id00']
    """
    seen: set[str] = set()
    result = []
    for name in names:
        candidate, number = name, 0
        while candidate in seen:
            candidate = f"{name}{number}"
            number += 1
        seen.add(candidate)
        result.append(candidate)
    return result

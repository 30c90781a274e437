"""Orders of rows, as ORDER BY gives them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of an order: a field of the relation. NULL is the lowest value unless the text says otherwise."""

    column: int
    descending: bool = False
    nulls_first: bool = True

    def described(self, name: str) -> str:
        """The key as EXPLAIN shows it.

        >>> SortKey(0, descending=True, nulls_first=False).described("price")
        'price DESC'
        """
        text = f"{name} {'DESC' if self.descending else 'ASC'}"
        if self.nulls_first == self.descending:
            text += f" NULLS {'FIRST' if self.nulls_first else 'LAST'}"
        return text

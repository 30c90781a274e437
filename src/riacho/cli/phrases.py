"""What commands say in the same words: how many there are."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """A number of things.

    >>> counted(1, "record"), counted(2500, "record")
    ('1 record', '2,500 records')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"

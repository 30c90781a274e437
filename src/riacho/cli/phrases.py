"""What commands say in the same words: how many there are, and what somebody may have meant."""

from __future__ import annotations

from collections.abc import Collection


def counted(count: int, noun: str) -> str:
    """A number of things.

    >>> counted(1, "record"), counted(2500, "record")
    ('1 record', '2,500 records')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def nearest(name: str, names: Collection[str]) -> list[str]:
    """The few names most like this one, whatever their case; those that contain it last."""
    from difflib import get_close_matches

    by_lower = {each.lower(): each for each in names}
    near = get_close_matches(name.lower(), by_lower, n=3)
    near += [each for each in by_lower if name.lower() in each and each not in near]
    return [by_lower[each] for each in near[:3]]

"""What commands say in the same words: how many there are, and how large."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """A number of things.

    >>> counted(1, "record"), counted(2500, "record")
    ('1 record', '2,500 records')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def byte_count(count: float) -> str:
    """Bytes in the unit that makes a short number of them, as the page writes them.

    >>> byte_count(412), byte_count(1536), byte_count(5 << 30)
    ('412 B', '1.5 KiB', '5.0 GiB')
    """
    if count < 1024:
        return f"{count:.0f} B"
    for unit in ("KiB", "MiB", "GiB"):
        count /= 1024
        if count < 1024:
            return f"{count:.1f} {unit}"
    return f"{count / 1024:,.1f} TiB"

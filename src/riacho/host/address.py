"""Addresses as people write them: `HOST:PORT`, and `[HOST]:PORT` for IPv6."""

from __future__ import annotations

LAST_PORT = 65_535

WILDCARDS = frozenset({"", "0.0.0.0", "::"})
"""Hosts to listen on all addresses: none of them is one to connect to."""


def parse_address(text: str) -> tuple[str, int]:
    """Host, without brackets, and port. Raises `ValueError` for what is no address; the host may be empty.

    >>> parse_address("[::1]:9092"), parse_address(":0")
    (('::1', 9092), ('', 0))
    """
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > LAST_PORT:
        raise ValueError(f"{text!r} is no address")
    return host.removeprefix("[").removesuffix("]"), int(port)


def format_address(host: str, port: int) -> str:
    """What `parse_address` takes apart.

    >>> format_address("::1", 9092), format_address("localhost", 0)
    ('[::1]:9092', 'localhost:0')
    """
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from riacho.errors import UsageError

DEFAULT_KAFKA = "127.0.0.1:9092"
Kafka = Annotated[str, typer.Option(metavar="HOST:PORT", help="The cluster; several brokers with commas between.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def parse_pairs(texts: Iterable[str], option: str) -> dict[str, str]:
    """NAME=VALUE by name; the last one of a name holds. Raises `UsageError`.

    >>> parse_pairs(["retention.ms=-1", "cleanup.policy=compact"], "--config")
    {'retention.ms': '-1', 'cleanup.policy': 'compact'}
    """
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"{option} {text}: this sets nothing", mend=f"write {option} NAME=VALUE")
        pairs[name.strip()] = value
    return pairs

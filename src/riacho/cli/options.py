"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any

import typer

from riacho.errors import UsageError

DEFAULT_KAFKA = "127.0.0.1:9092"
Kafka = Annotated[str, typer.Option(metavar="HOST:PORT", help="The cluster; several brokers with commas between.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def checked(check: Callable[[Any], object]) -> Callable[[Any], Any]:
    """A callback for an argument that `check` may refuse: before kernels are compiled, which takes a minute."""

    def pass_on(value: Any) -> Any:
        if value is not None:
            check(value)
        return value

    return pass_on


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

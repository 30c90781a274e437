"""What commands that speak with a cluster share: that it is there, and waiting for topics."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

from riacho.client.reaching import connected
from riacho.errors import nearest

if TYPE_CHECKING:
    from riacho.client.cluster import Cluster

AWAIT_S = 0.2
"""How often it is asked whether a topic has come."""


def require_cluster(kafka: str, command: str) -> None:
    """Raise `UnreachableError` where no broker answers: what serves would wait for it, and show nothing."""
    with connected(kafka, command, mend="leave --kafka away to start a broker here"):
        return


def await_topics(cluster: Cluster, names: Iterable[str]) -> frozenset[str]:
    """Wait until there are topics of these names, and say so; the names of those that were waited for.

    A job makes the topic that it writes with its first row, and a producer with its first record.
    """
    from riacho.client.admin import Admin

    wanted = dict.fromkeys(names)
    awaited: set[str] = set()
    while True:
        found = {topic.name for topic in Admin(cluster).list_topics(internal=True)}
        missing = [name for name in wanted if name not in found]
        if not missing:
            return frozenset(awaited)
        for name in missing:
            if name not in awaited:
                awaited.add(name)
                near = " or ".join(map(repr, nearest(name, [topic for topic in found if not topic.startswith("__")])))
                hint = f"; did you mean {near}?" if near else ""
                typer.echo(f"waiting for the topic {name!r}, which does not exist yet{hint}", err=True)
        time.sleep(AWAIT_S)

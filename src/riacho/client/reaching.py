"""Reaching a cluster for a person, who may have mistyped its address or a topic's name."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from riacho.errors import UsageError, nearest

if TYPE_CHECKING:
    from riacho.client.admin import Topic
    from riacho.client.cluster import Cluster

NAMES_SHOWN = 10
"""A message lists so many topics at most: more would hide what it says."""


@contextmanager
def connected(
    kafka: str, client: str, *, mend: str = "name the cluster with --kafka HOST:PORT, or start one with `riacho up`"
) -> Iterator[Cluster]:
    """A cluster of which a broker answers. Raises `UnreachableError` at once where none does."""
    from riacho.client.cluster import Cluster
    from riacho.client.config import ClientConfig
    from riacho.client.errors import UnreachableError

    cluster = Cluster(ClientConfig(kafka, client_id=f"riacho-{client}"))
    try:
        once = threading.Event()
        once.set()  # later calls wait for a broker that restarts; a first one that fails is a wrong address
        try:
            cluster.refresh([], stop=once)
        except UnreachableError as error:
            raise UnreachableError(error.what, where=error.where, mend=mend) from error
        yield cluster
    finally:
        cluster.close()


def named_topics(cluster: Cluster, names: Iterable[str]) -> list[Topic]:
    """These topics, in this order. Raises `UsageError` that names those most like a missing one."""
    from riacho.client.admin import Admin

    found = {topic.name: topic for topic in Admin(cluster).list_topics(internal=True)}
    wanted = list(dict.fromkeys(names))
    for name in wanted:
        if name not in found:
            raise UsageError(f"there is no topic {name!r}", mend=near_topics(name, found))
    return [found[name] for name in wanted]


def near_topics(name: str, topics: Iterable[str]) -> str:
    """Which topics the user may have meant.

    >>> near_topics("filghts", ["flights", "weather"])
    "did you mean 'flights'?"
    >>> near_topics("bids", ["flights", "weather"])
    'topics: flights, weather'
    """
    shown = sorted(topic for topic in topics if not topic.startswith("__"))
    near = nearest(name, shown)
    if near:
        return f"did you mean {' or '.join(map(repr, near))}?"
    if not shown:
        return "there are no topics yet: riacho topic create NAME"
    if len(shown) <= NAMES_SHOWN:
        return f"topics: {', '.join(shown)}"
    return f"riacho topic list shows the {len(shown)} topics"

"""Which APIs there are: API key → versions and handler, gathered from the modules under `broker/apis/`.

Each of those modules has an `API_KEY`, its `VERSIONS` (first, last: what ApiVersions advertises) and a `handle`.
Produce and Fetch, whose record batches must not be copied, are served from the receive buffer and have their own
entry points (`apis.produce.serve`, `apis.fetch.serve`) in place of `handle`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from riacho.broker.request_context import RequestContext

Reply = Mapping[str, Any]
Handler = Callable[[Any, RequestContext], Reply | Awaitable[Reply]]

API_MODULES = (
    "produce",
    "fetch",
    "list_offsets",
    "metadata",
    "offset_commit",
    "offset_fetch",
    "find_coordinator",
    "join_group",
    "heartbeat",
    "leave_group",
    "sync_group",
    "describe_groups",
    "list_groups",
    "api_versions",
    "create_topics",
    "delete_topics",
    "init_producer_id",
    "offset_for_leader_epoch",
    "describe_configs",
    "create_partitions",
    "delete_groups",
    "incremental_alter_configs",
    "offset_delete",
    "describe_cluster",
    "describe_topic_partitions",
)


@dataclass(frozen=True, slots=True)
class Api:
    """One API: its key, the versions that are advertised, and who answers."""

    key: int
    name: str
    first_version: int
    last_version: int
    handle: Handler | None
    """None for Produce and Fetch."""

    def serves(self, version: int) -> bool:
        return self.first_version <= version <= self.last_version


@cache
def load_apis() -> Mapping[int, Api]:
    """Import every API's module (not its messages) and index them by API key."""
    apis: dict[int, Api] = {}
    for name in API_MODULES:
        module = import_module(f"riacho.broker.apis.{name}")
        first, last = module.VERSIONS
        api = Api(module.API_KEY, name, first, last, getattr(module, "handle", None))
        assert api.key not in apis, f"{name} and {apis[api.key].name} claim the same API key"
        apis[api.key] = api
    return apis

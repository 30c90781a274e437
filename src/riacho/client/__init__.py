"""The columnar Kafka client: connections, fetching, producing and administration.

The names below are imported when they are first used: administering a cluster loads neither Numba nor a kernel.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from riacho.client.admin import Admin, NewTopic
    from riacho.client.assignment import FetchConfig, OffsetReset
    from riacho.client.cluster import Cluster, TopicPartition
    from riacho.client.columns import BinaryColumn, HeaderColumn, ProduceColumns, RecordColumns
    from riacho.client.config import ClientConfig
    from riacho.client.errors import (
        CorruptRecordsError,
        DeliveryError,
        KafkaError,
        OffsetOutOfRangeError,
        ProtocolError,
        UnreachableError,
    )
    from riacho.client.fetcher import Fetcher
    from riacho.client.groups import CommittedOffset
    from riacho.client.offsets import EARLIEST, LATEST
    from riacho.client.producer import Producer, ProducerConfig

__all__ = [
    "EARLIEST",
    "LATEST",
    "Admin",
    "BinaryColumn",
    "ClientConfig",
    "Cluster",
    "CommittedOffset",
    "CorruptRecordsError",
    "DeliveryError",
    "FetchConfig",
    "Fetcher",
    "HeaderColumn",
    "KafkaError",
    "NewTopic",
    "OffsetOutOfRangeError",
    "OffsetReset",
    "ProduceColumns",
    "Producer",
    "ProducerConfig",
    "ProtocolError",
    "RecordColumns",
    "TopicPartition",
    "UnreachableError",
]

_MODULES = {
    "admin": ("Admin", "NewTopic"),
    "assignment": ("FetchConfig", "OffsetReset"),
    "cluster": ("Cluster", "TopicPartition"),
    "columns": ("BinaryColumn", "HeaderColumn", "ProduceColumns", "RecordColumns"),
    "config": ("ClientConfig",),
    "errors": (
        "CorruptRecordsError",
        "DeliveryError",
        "KafkaError",
        "OffsetOutOfRangeError",
        "ProtocolError",
        "UnreachableError",
    ),
    "fetcher": ("Fetcher",),
    "groups": ("CommittedOffset",),
    "offsets": ("EARLIEST", "LATEST"),
    "producer": ("Producer", "ProducerConfig"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)

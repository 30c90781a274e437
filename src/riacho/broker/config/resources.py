"""What has a configuration, numbered as in Kafka's protocol."""

from __future__ import annotations

from enum import IntEnum


class ResourceType(IntEnum):
    """The resources whose configuration is served."""

    TOPIC = 2
    BROKER = 4

"""Topics that a platform needs, made where they do not exist yet by whichever part comes first."""

from __future__ import annotations

from collections.abc import Iterable

from riacho.client.admin import Admin, NewTopic
from riacho.client.errors import KafkaError
from riacho.jobs.registry import JOBS_TOPIC, METRICS_RETENTION_MS, METRICS_TOPIC, STATUS_TOPIC


def create_registry(admin: Admin) -> None:
    """Make the registry's topics where they do not exist. Raises `KafkaError`."""
    compacted = {"cleanup.policy": "compact"}
    short = {"cleanup.policy": "compact,delete", "retention.ms": str(METRICS_RETENTION_MS)}
    wanted = {JOBS_TOPIC: compacted, STATUS_TOPIC: compacted, METRICS_TOPIC: short}
    ensure_topics(admin, [NewTopic(name, 1, 1, configs) for name, configs in wanted.items()])


def ensure_topics(admin: Admin, topics: Iterable[NewTopic]) -> None:
    """Make those of the topics that are missing. Raises `KafkaError`."""
    present = {topic.name for topic in admin.list_topics(internal=True)}
    for topic in topics:
        if topic.name in present:
            continue
        try:
            admin.create_topics([topic])
        except KafkaError as error:
            if error.name != "TOPIC_ALREADY_EXISTS":  # another part was faster
                raise

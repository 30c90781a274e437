"""Topics and their configuration: list, create, describe, alter, delete."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any, Final, Self

from riacho.client.cluster import Broker, Cluster, TopicPartition
from riacho.client.errors import check, kafka_error
from riacho.client.groups import Groups
from riacho.client.messages import Message
from riacho.client.offsets import ListedOffset, list_offsets
from riacho.client.retry import Backoff

TOPIC: Final = 2
BROKER: Final = 4
"""What a configuration belongs to: DescribeConfigs' resource types."""

_SET: Final = 0
_DELETE: Final = 1
_DEFAULT: Final = -1
_NOT_CONTROLLER: Final = "NOT_CONTROLLER"
_SEE_TOPICS: Final = "riacho topic list shows the topics"


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition of a topic, by the nodes that keep it."""

    index: int
    leader: int
    leader_epoch: int
    replicas: tuple[int, ...]
    in_sync: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as Metadata describes it."""

    name: str
    id: str | None
    internal: bool
    partitions: tuple[Partition, ...]


@dataclass(frozen=True, slots=True)
class NewTopic:
    """A topic to be made; -1 leaves a number to the broker's configuration."""

    name: str
    partitions: int = _DEFAULT
    replication_factor: int = _DEFAULT
    configs: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """One configuration value. `source` is DescribeConfigs' number; 5 is Kafka's default."""

    name: str
    value: str | None
    read_only: bool
    source: int
    documentation: str | None

    @property
    def is_default(self) -> bool:
        return self.source == 5


class Admin:
    """Administers a cluster. Every method raises `KafkaError` where the broker refuses.

    Groups and their offsets are under `groups`.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.groups = Groups(cluster)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cluster.close()

    def brokers(self) -> list[Broker]:
        """The brokers, by their node ids."""
        self._cluster.refresh([])
        return [self._cluster.brokers[node] for node in sorted(self._cluster.brokers)]

    def list_topics(self, *, internal: bool = False) -> list[Topic]:
        """All topics by name; with `internal` also those of the broker itself."""
        topics = [_topic(topic) for topic in self._metadata(None)]
        return sorted((topic for topic in topics if internal or not topic.internal), key=lambda topic: topic.name)

    def describe_topics(self, names: Iterable[str]) -> list[Topic]:
        """These topics, in this order."""
        found = {topic.name: topic for topic in self._metadata(names)}
        for name, topic in found.items():
            check(topic.error_code, f"the topic {name!r} cannot be described", mend=_SEE_TOPICS)
        return [_topic(found[name]) for name in found]

    def create_topics(self, topics: Iterable[NewTopic], *, validate_only: bool = False) -> None:
        """Make topics, and wait until they have leaders."""
        wanted = list(topics)
        response = self._call_controller(
            "CreateTopics",
            "topics",
            topics=[
                {
                    "name": topic.name,
                    "num_partitions": topic.partitions,
                    "replication_factor": topic.replication_factor,
                    "assignments": [],
                    "configs": [{"name": name, "value": value} for name, value in (topic.configs or {}).items()],
                }
                for topic in wanted
            ],
            timeout=self._timeout(),
            validate_only=validate_only,
        )
        for topic in response.topics:
            check(topic.error_code, topic.error_message or "the topic cannot be created", where=topic.name)
        if not validate_only:
            for new in wanted:
                self._cluster.partitions(new.name, create=True)

    def delete_topics(self, names: Iterable[str]) -> None:
        """Delete topics and their records."""
        response = self._call_controller(
            "DeleteTopics",
            "responses",
            topics=[{"name": name, "topic_id": None} for name in names],
            timeout=self._timeout(),
        )
        for topic in response.responses:
            check(
                topic.error_code,
                topic.error_message or "the topic cannot be deleted",
                where=topic.name,
                mend=_SEE_TOPICS,
            )

    def create_partitions(self, topic: str, count: int) -> None:
        """Raise a topic's number of partitions to `count`."""
        response = self._call_controller(
            "CreatePartitions",
            "results",
            topics=[{"name": topic, "count": count, "assignments": None}],
            timeout=self._timeout(),
            validate_only=False,
        )
        for result in response.results:
            check(result.error_code, result.error_message or "partitions cannot be added", where=result.name)
        self._cluster.refresh([topic])

    def describe_configs(
        self, name: str, *, resource: int = TOPIC, keys: Iterable[str] | None = None
    ) -> dict[str, Config]:
        """The configuration of a topic, or of a broker by its id, by name."""
        response = self._cluster.call(
            "DescribeConfigs",
            node=int(name) if resource == BROKER else None,
            resources=[
                {
                    "resource_type": resource,
                    "resource_name": name,
                    "configuration_keys": None if keys is None else list(keys),
                }
            ],
            include_synonyms=False,
            include_documentation=True,
        )
        (result,) = response.results
        check(result.error_code, result.error_message, where=name)
        return {
            config.name: Config(
                config.name,
                config.value,
                config.read_only,
                config.config_source,
                config.documentation,
            )
            for config in result.configs
        }

    def alter_configs(
        self, name: str, changes: Mapping[str, str | None], *, resource: int = TOPIC, validate_only: bool = False
    ) -> None:
        """Set configuration values; None puts a value back to its default. The others stay."""
        response = self._cluster.call(
            "IncrementalAlterConfigs",
            node=int(name) if resource == BROKER else None,
            resources=[
                {
                    "resource_type": resource,
                    "resource_name": name,
                    "configs": [
                        {
                            "name": key,
                            "config_operation": _DELETE if value is None else _SET,
                            "value": value,
                        }
                        for key, value in changes.items()
                    ],
                }
            ],
            validate_only=validate_only,
        )
        for result in response.responses:
            check(result.error_code, result.error_message, where=name)

    def list_offsets(
        self, timestamps: Mapping[TopicPartition, int], *, read_committed: bool = False
    ) -> dict[TopicPartition, ListedOffset]:
        """Offsets by time, or `EARLIEST` and `LATEST`: see `offsets.list_offsets`."""
        return list_offsets(self._cluster, timestamps, read_committed=read_committed)

    def _timeout(self) -> timedelta:
        return timedelta(milliseconds=self._cluster.config.request_timeout_ms)

    def _metadata(self, names: Iterable[str] | None) -> list[Message]:
        topics = None if names is None else [{"topic_id": None, "name": name} for name in names]
        response = self._cluster.call(
            "Metadata",
            topics=topics,
            allow_auto_topic_creation=False,
            include_cluster_authorized_operations=False,
            include_topic_authorized_operations=False,
        )
        return list(response.topics)

    def _call_controller(self, api_name: str, results: str, **content: Any) -> Message:
        """Call the controller; ask who it is again where another has become it."""
        backoff = Backoff(self._cluster.config)
        while True:
            self._cluster.refresh([])
            controller = self._cluster.controller
            response = self._cluster.call(api_name, node=controller if controller >= 0 else None, **content)
            codes = [int(result.error_code) for result in getattr(response, results)]
            moved = any(code and kafka_error(code).name == _NOT_CONTROLLER for code in codes)
            if not moved or not self._cluster.pause(backoff):
                return response


def _topic(topic: Message) -> Topic:
    return Topic(
        topic.name,
        str(topic.topic_id) if getattr(topic, "topic_id", None) is not None else None,
        topic.is_internal,
        tuple(
            Partition(
                partition.partition_index,
                partition.leader_id,
                partition.leader_epoch,
                tuple(partition.replica_nodes),
                tuple(partition.isr_nodes),
            )
            for partition in sorted(topic.partitions, key=lambda partition: partition.partition_index)
        ),
    )

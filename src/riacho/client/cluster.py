"""Who leads what: a cluster's brokers and partitions, and calls to the right one of them."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from riacho.client.config import ClientConfig
from riacho.client.connection import Connection
from riacho.client.errors import KafkaError, ProtocolError, UnreachableError, kafka_error
from riacho.client.messages import Message
from riacho.client.retry import Backoff
from riacho.client.waiting import Waiting
from riacho.errors import RiachoError
from riacho.host.kio import ErrorCode

NO_LEADER = -1
LEADERSHIP_ERRORS = frozenset({"FENCED_LEADER_EPOCH", "UNKNOWN_LEADER_EPOCH"})
"""Errors that fresh metadata resolves, though Kafka does not call the first of them retriable."""


class TopicPartition(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}"


class Leader(NamedTuple):
    """The broker that leads a partition (`NO_LEADER`: none just now), and since which epoch."""

    node: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker of the cluster, by its advertised address."""

    node: int
    host: str
    port: int
    rack: str | None = None


class Cluster:
    """A cluster as its brokers describe it, refreshed on demand. May be used by several threads.

    Calls go over one connection per broker; fetching and producing open their own with `connect`.
    """

    def __init__(self, config: ClientConfig) -> None:
        self.config = config
        self.id: str | None = None
        self.controller = NO_LEADER
        self.brokers: dict[int, Broker] = {}
        self.topic_ids: Mapping[str, str] = {}
        """The id of each topic that is known, where the cluster gives them (Kafka 2.8 and later): a topic that is made
        anew under its name has another one. Replaced, never changed.
        """
        self._leaders: dict[str, dict[int, Leader]] = {}
        self._connections: dict[int | None, Connection] = {}
        self._lock = threading.Lock()
        """Guards what is known of the cluster."""
        self._calling = threading.Lock()
        """Guards the connections, and is held while one of them is used."""
        self._closed = threading.Event()

    def close(self) -> None:
        """Close the connections; calls that wait to try again end with an error."""
        self._closed.set()
        with self._calling:
            for connection in self._connections.values():
                connection.close()
            self._connections.clear()

    def refresh(
        self, topics: Iterable[str] | None, *, create: bool = False, stop: threading.Event | None = None
    ) -> dict[str, int]:
        """Ask for the brokers and these topics (None: all), once; the error code of each topic that has one.

        With `create` the broker may make a missing topic, if its `auto.create.topics.enable` says so.
        """
        asked = None if topics is None else [{"topic_id": None, "name": topic} for topic in topics]
        response = self.call(
            "Metadata",
            stop=stop,
            topics=asked,
            allow_auto_topic_creation=create,
            include_cluster_authorized_operations=False,
            include_topic_authorized_operations=False,
        )
        errors: dict[str, int] = {}
        with self._lock:
            self.id = response.cluster_id
            self.controller = response.controller_id
            self.brokers = {
                broker.node_id: Broker(broker.node_id, broker.host, broker.port, broker.rack)
                for broker in response.brokers
            }
            if topics is None:
                self._leaders = {}
            identities = {} if topics is None else dict(self.topic_ids)
            for topic in response.topics:
                identity = getattr(topic, "topic_id", None)
                if topic.error_code:
                    errors[topic.name] = int(topic.error_code)
                    self._leaders.pop(topic.name, None)
                    identities.pop(topic.name, None)
                else:
                    if identity is not None:
                        identities[topic.name] = str(identity)
                    self._leaders[topic.name] = {
                        partition.partition_index: Leader(partition.leader_id, partition.leader_epoch)
                        for partition in topic.partitions
                    }
            if identities != self.topic_ids:
                self.topic_ids = identities
        return errors

    def topics(self) -> dict[str, dict[int, Leader]]:
        """The topics known from the last `refresh`, with their partitions' leaders."""
        with self._lock:
            return dict(self._leaders)

    def leader(self, partition: TopicPartition) -> Leader | None:
        """What the last refresh said of a partition; None where it did not know it."""
        with self._lock:
            return self._leaders.get(partition.topic, {}).get(partition.partition)

    def partitions(self, topic: str, *, create: bool = False, timeout_ms: float | None = None) -> dict[int, Leader]:
        """The partitions of a topic, asked for where they are not known. Raises `KafkaError`.

        With `create` a topic that is missing is waited for, as the broker may be making it: until `timeout_ms`, by
        default the API time-out.
        """
        backoff = Backoff(self.config, timeout_ms)
        while True:
            with self._lock:
                known = self._leaders.get(topic)
            if known is not None:
                return known
            code = self.refresh([topic], create=create).get(topic, 0)
            if code:
                error = kafka_error(code, f"the topic {topic!r} cannot be used", where=topic)
                if not (create and error.retriable and self.pause(backoff)):
                    raise error

    def require(self, partition: TopicPartition) -> None:
        """Raise `KafkaError` unless the partition exists."""
        partitions = self.partitions(partition.topic)
        if partition.partition not in partitions:
            raise KafkaError(
                "UNKNOWN_TOPIC_OR_PARTITION",
                3,
                f"the topic has {len(partitions)} partitions",
                where=str(partition),
            )

    def pause(self, backoff: Backoff, stop: threading.Event | None = None) -> bool:
        """Wait before trying again: false once the deadline has passed, or `stop` is set (by default: `close`)."""
        return backoff.pause(self._closed if stop is None else stop)

    def connect(self, node: int) -> Connection:
        """A new connection to a broker, for the caller alone."""
        with self._lock:
            broker = self.brokers.get(node)
        if broker is None:
            raise UnreachableError(f"broker {node} is not in the cluster's metadata")
        return Connection(broker.host, broker.port, self.config)

    def call(
        self, api_name: str, *, node: int | None = None, stop: threading.Event | None = None, **content: Any
    ) -> Message:
        """Call a broker, by default any; where it cannot be reached, again until the API time-out or `stop`.

        The log is told that a broker is waited for, once that takes a second or so.
        """
        backoff = Backoff(self.config)
        with Waiting(self.config) as waiting:
            while True:
                try:
                    return self._call_once(api_name, node, content, waiting)
                except UnreachableError as error:
                    waiting.failed(error)
                    if self.pause(backoff, stop):
                        continue
                    if not backoff.expired():  # told to try no longer
                        raise
                    tried = f"{error.what}; tried for {self.config.api_timeout_ms / 1000:g} s"
                    mend = "see whether the broker runs, and whether the address is its own"
                    raise UnreachableError(tried, where=error.where, mend=mend) from error

    def _call_once(self, api_name: str, node: int | None, content: dict[str, Any], waiting: Waiting) -> Message:
        with self._calling:
            try:
                return self._connection(node, waiting).call(api_name, **content)
            except (UnreachableError, ProtocolError):
                broken = self._connections.pop(node, None)
                if broken is not None:
                    broken.close()
                raise

    def call_leaders(
        self,
        partitions: Iterable[TopicPartition],
        call: Callable[[int, list[TopicPartition]], dict[TopicPartition, int]],
        stop: threading.Event | None = None,
    ) -> None:
        """Call each partition's leader until all are answered: `call(node, partitions)` returns the error codes.

        A retriable error refreshes the metadata and asks again; another raises `KafkaError`.
        """
        left = list(partitions)
        backoff = Backoff(self.config)
        for partition in left:
            self.require(partition)
        with Waiting(self.config) as waiting:
            while left:
                by_node: dict[int, list[TopicPartition]] = {}
                for partition in left:
                    leader = self.leader(partition) or Leader(NO_LEADER, -1)
                    by_node.setdefault(leader.node, []).append(partition)
                left = by_node.pop(NO_LEADER, [])
                failure: RiachoError = UnreachableError(f"{left[0]} has no leader" if left else "no leader")
                for node, group in by_node.items():
                    for partition, code in call(node, group).items():
                        failure = _refusal(partition, code)
                        left.append(partition)
                if left:
                    waiting.failed(failure)
                    if not self.pause(backoff, stop):
                        raise failure
                    self.refresh({partition.topic for partition in left}, stop=stop)

    def _connection(self, node: int | None, waiting: Waiting) -> Connection:
        """The connection for calls to this broker, or to any: made where there is none."""
        connection = self._connections.get(node)
        if connection is None:
            waiting.connecting()
            connection = self._connect_any() if node is None else self.connect(node)
            self._connections[node] = connection
        return connection

    def _connect_any(self) -> Connection:
        """A connection to a known broker, or to a bootstrap address: the first that answers."""
        with self._lock:
            known = [(broker.host, broker.port) for broker in self.brokers.values()]
        random.shuffle(known)
        failure: UnreachableError | None = None
        for host, port in dict.fromkeys(known + self.config.addresses()):
            try:
                return Connection(host, port, self.config)
            except UnreachableError as error:
                failure = error
        assert failure is not None, "an empty bootstrap list is refused before"
        raise failure


def _refusal(partition: TopicPartition, code: int) -> KafkaError:
    """Why a partition's leader refused, where asking again may help; raised where it does not."""
    if code == ErrorCode.kafka_storage_error:
        mend = "see what its log says of the partition, and make room on its disk"
        return kafka_error(code, f"the broker cannot read or write {partition}", mend=mend)
    failure = kafka_error(code, where=str(partition))
    if not (failure.retriable or failure.name in LEADERSHIP_ERRORS):
        raise failure
    return failure

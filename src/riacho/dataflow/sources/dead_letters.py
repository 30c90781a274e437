"""Dead letters to a topic: the record as it was, with the reason and its origin in the headers."""

from __future__ import annotations

from collections.abc import Sequence

from riacho.client import ProduceColumns, Producer
from riacho.dataflow.connectors.environment import ConnectorEnvironment
from riacho.dataflow.connectors.kafka import KafkaTable
from riacho.dataflow.sources.bad_records import DeadLetter

SUFFIX = ".dead-letter"
"""A topic's dead letters go to the topic of its name with this suffix, unless the table names another."""

REASON, TOPIC, PARTITION, OFFSET = "reason", "topic", "partition", "offset"
"""The headers of a dead letter; all values are text."""


class KafkaDeadLetters:
    """Produces dead letters to the cluster that their table is read from."""

    def __init__(self, table: KafkaTable, environment: ConnectorEnvironment) -> None:
        self._topic = table.dead_letter_topic
        self._cluster = table.cluster(environment)
        self._producer = Producer(self._cluster)

    def send(self, letters: Sequence[DeadLetter]) -> None:
        by_topic: dict[str, list[DeadLetter]] = {}
        for letter in letters:
            by_topic.setdefault(self._topic or letter.origin.name + SUFFIX, []).append(letter)
        for topic, some in by_topic.items():
            self._producer.produce(
                topic,
                ProduceColumns.from_values(
                    [letter.origin.value for letter in some],
                    keys=[letter.origin.key for letter in some],
                    headers=[_headers(letter) for letter in some],
                ),
            )

    def flush(self) -> None:
        self._producer.flush()

    def close(self) -> None:
        self._producer.close()
        self._cluster.close()


def _headers(letter: DeadLetter) -> list[tuple[str, bytes | None]]:
    origin = letter.origin
    return [
        (REASON, letter.reason.encode()),
        (TOPIC, origin.name.encode()),
        (PARTITION, str(origin.partition).encode()),
        (OFFSET, str(origin.position).encode()),
    ]

"""The clients of the benchmarks: librdkafka's, by confluent-kafka, as a user's service would have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from riacho.errors import RiachoError

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Producer

TIMEOUT_S = 300.0
QUEUED_KBYTES = 16_000
"""What a producer may hold that is not sent yet: more would only let it run ahead of the broker."""


def require() -> None:
    """Say early what is missing. Raises `RiachoError` without confluent-kafka."""
    try:
        import confluent_kafka  # noqa: F401 - only to see whether it is there
    except ImportError as error:
        raise RiachoError("the benchmark's clients are missing", mend="pip install confluent-kafka") from error


def producer(address: str, *, linger_ms: float) -> Producer:
    """A producer with acks=1. What it cannot deliver, `flush` raises."""
    from confluent_kafka import Producer

    return Producer(
        {
            "bootstrap.servers": address,
            "acks": 1,
            "linger.ms": linger_ms,
            "batch.size": 1_000_000,
            "queue.buffering.max.messages": 1_000_000,
            "queue.buffering.max.kbytes": QUEUED_KBYTES,
            "delivery.report.only.error": True,
            "on_delivery": _refused,
        }
    )


def _refused(error: object, message: object) -> None:
    raise RiachoError(f"a record was not acknowledged: {error}", where=str(message))


def flush(producer: Producer) -> None:
    """Wait until all is acknowledged. Raises `RiachoError` where something is not in time."""
    left = producer.flush(TIMEOUT_S)
    if left:
        raise RiachoError(f"{left} records were not acknowledged within {TIMEOUT_S:.0f} s")


def consumer(address: str, topic: str, *, offset: int) -> Consumer:
    """A consumer of a topic's one partition, from an offset on."""
    from confluent_kafka import Consumer, TopicPartition

    made = Consumer(
        {
            "bootstrap.servers": address,
            "group.id": "bench",
            "enable.auto.commit": False,
            "fetch.max.bytes": 50 << 20,
            "max.partition.fetch.bytes": 10 << 20,
            "queued.max.messages.kbytes": 256_000,
        }
    )
    made.assign([TopicPartition(topic, 0, offset)])
    return made

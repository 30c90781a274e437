"""A consumer in a process of its own, so that a test can kill it: prints its assignment whenever it changes.

Usage: member_process.py BOOTSTRAP GROUP TOPIC
"""

from __future__ import annotations

import sys

from confluent_kafka import Consumer, TopicPartition


def show(_consumer: Consumer, partitions: list[TopicPartition]) -> None:
    print("assigned", sorted(partition.partition for partition in partitions), flush=True)


def main() -> None:
    bootstrap, group, topic = sys.argv[1:]
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "session.timeout.ms": 1_000,
            "heartbeat.interval.ms": 200,
        }
    )
    consumer.subscribe([topic], on_assign=show)
    while True:
        consumer.poll(1.0)


if __name__ == "__main__":
    main()

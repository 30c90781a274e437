"""A job's process for tests, as `riacho up` would start it, looked at through its topics."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from forked import Forked

RIACHO = Path(sys.executable).with_name("riacho")
DEADLINE_S = 60.0
"""How long anything may take on a machine that does other things as well."""


def until(condition: Callable[[], Any], what: str, seconds: float = DEADLINE_S) -> Any:
    """What the condition gives once it is true."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, f"not in {seconds} s: {what}"
        time.sleep(0.02)  # topics and processes can only be looked at again
    return result


class JobProcess:
    """One `riacho run`, with its output in files."""

    def __init__(self, directory: Path, kafka: str, sql: str, *options: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.script = directory / "job.sql"
        self.script.write_text(sql)
        self._command = ["run", str(self.script), "--kafka", kafka, "--dir", str(directory), *options]
        self._process: Forked | None = None
        self._starts = 0

    def start(self, *options: str) -> JobProcess:
        """Start it and wait for its ready line."""
        self.spawn(*options)
        until(lambda: self.stdout.startswith("ready") or self.ended, f"the job is ready: {self.stderr}")
        assert self.stdout.startswith("ready"), f"the job did not start:\n{self.stderr}"
        return self

    def spawn(self, *options: str) -> JobProcess:
        """Start it, and wait for nothing."""
        assert self._process is None or self._process.returncode is not None, "it runs already"
        self._starts += 1
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = Forked([*self._command, *options], stdout=out, stderr=err)
        return self

    @property
    def _out(self) -> Path:
        return self.directory / f"stdout-{self._starts}"

    @property
    def _err(self) -> Path:
        return self.directory / f"stderr-{self._starts}"

    @property
    def stdout(self) -> str:
        return self._out.read_text()

    @property
    def stderr(self) -> str:
        return self._err.read_text()

    @property
    def ended(self) -> bool:
        assert self._process is not None
        return self._process.poll() is not None

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        assert self._process is not None
        self._process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """The exit code of a process that ends by itself."""
        assert self._process is not None
        return self._process.wait(DEADLINE_S)

    def close(self) -> None:
        if self._process is not None and not self.ended:
            self._process.kill()
            self._process.wait()

    @property
    def snapshots(self) -> list[str]:
        """Those that are complete, oldest first: one that is being written has no number yet."""
        folder = self.directory / "jobs" / "job" / "snapshots"
        return sorted(name for name in os.listdir(folder) if name.isdigit()) if folder.exists() else []


def create_topic(kafka: str, name: str, partitions: int = 1, **configs: str) -> None:
    options = {key.replace("_", "."): value for key, value in configs.items()}
    admin = AdminClient({"bootstrap.servers": kafka})
    for future in admin.create_topics([NewTopic(name, partitions, config=options)]).values():
        future.result(DEADLINE_S)


def produce(kafka: str, topic: str, values: Iterable[Any], *, partitions: int = 1) -> None:
    """Values as JSON, a partition after the other in turn; acknowledged on return."""
    producer = Producer({"bootstrap.servers": kafka, "linger.ms": 1, "enable.idempotence": True})
    for number, value in enumerate(values):
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        producer.produce(topic, content, partition=number % partitions)
    assert producer.flush(DEADLINE_S) == 0


class Reader:
    """Reads a topic from its beginning, on and on."""

    def __init__(self, kafka: str, topic: str) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": kafka,
                "group.id": "test",
                "enable.auto.commit": False,
                "allow.auto.create.topics": True,
                "topic.metadata.refresh.interval.ms": 100,
            }
        )
        partitions = until(
            lambda: self._consumer.list_topics(topic, 5).topics[topic].partitions, f"{topic} has partitions"
        )
        self._consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
        self.messages: list[Any] = []

    def read(self) -> list[Any]:
        """All messages so far."""
        while batch := self._consumer.consume(1000, timeout=0.1):
            self.messages += [message for message in batch if message.error() is None]
        return self.messages

    def values(self) -> list[Any]:
        """Their values, from JSON."""
        return [json.loads(message.value()) for message in self.read() if message.value() is not None]

    def table(self) -> dict[str, Any]:
        """What an upserted topic says now: the newest value of each key."""
        rows: dict[str, Any] = {}
        for message in self.read():
            key = message.key().decode()
            if message.value() is None:
                rows.pop(key, None)
            else:
                rows[key] = json.loads(message.value())
        return rows

    def close(self) -> None:
        self._consumer.close()


def kafka_table(name: str, columns: str, topic: str, **options: str) -> str:
    """CREATE TABLE of a topic of JSON, read from its beginning."""
    chosen: Mapping[str, str] = {
        "connector": "kafka",
        "topic": topic,
        "format": "json",
        "scan.startup.mode": "earliest-offset",
        **{key.replace("_", "."): value for key, value in options.items()},
    }
    listed = ", ".join(f"'{key}' = '{value}'" for key, value in chosen.items())
    return f"CREATE TABLE {name} ({columns}) WITH ({listed});\n"


def upsert_table(name: str, columns: str, topic: str) -> str:
    """CREATE TABLE of an upserted topic of JSON."""
    return (
        f"CREATE TABLE {name} ({columns}) WITH ('connector' = 'upsert-kafka', 'topic' = '{topic}', "
        "'key.format' = 'json', 'value.format' = 'json');\n"
    )

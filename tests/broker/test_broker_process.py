"""The broker as a process: its options, its end, and what survives a crash."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from raw_client import RawClient, batch_of, create_topic, fetch_values, produce_values

import forked
from riacho.broker.errors import ErrorCode
from running_broker import RIACHO, RunningBroker

DEADLINE_SECONDS = 60.0
StartBroker = Callable[..., RunningBroker]


class _Ended(NamedTuple):
    returncode: int
    stderr: str


def _riacho_broker(*options: str, cwd: Path) -> _Ended:
    done = forked.run("broker", *options, cwd=cwd, timeout=DEADLINE_SECONDS)
    return _Ended(done.returncode, done.stderr.decode())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_broker_in_order(broker: StartBroker, number: signal.Signals) -> None:
    own = broker(executed=True)
    with RawClient(own.bootstrap) as client:
        client.send("fetch", 11, fetch_values("nothing", 0, max_wait_ms=60_000))
        assert own._end(number) == 0
        own.wait_for_log("stopped")


def test_nothing_but_the_ready_line_is_printed(tmp_path: Path) -> None:
    command = [str(RIACHO), "broker", "--dir", str(tmp_path / "data"), "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    process.terminate()
    rest, _ = process.communicate(timeout=60)
    assert line.startswith("ready kafka=127.0.0.1:")
    assert rest == ""


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = _riacho_broker("--listen", address, cwd=tmp_path)
    assert ended.returncode == 1
    assert f"cannot listen on {address}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_directory_in_use_is_told(broker: StartBroker, tmp_path: Path) -> None:
    own = broker()
    ended = _riacho_broker("--dir", str(own.directory), "--listen", "127.0.0.1:0", cwd=tmp_path)
    assert ended.returncode == 1
    assert "another process is using this directory" in ended.stderr


def test_a_directory_that_is_not_a_log_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("Dear")
    ended = _riacho_broker("--dir", "letters", "--listen", "127.0.0.1:0", cwd=tmp_path)
    assert ended.returncode == 1
    assert "not a log of Riacho's" in ended.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--set", "num.partition=3"), "did you mean num.partitions?"),
        (("--set", "retention.ms=3"), "did you mean log.retention.ms?"),
        (("--set", "num.partitions=many"), "Not a value of type INT"),
        (("--set", "num.partitions"), "write --set NAME=VALUE"),
        (("--listen", "9092"), "write --listen HOST:PORT"),
        (("--fsync", "never"), "never"),
        (("--no-such-option",), "No such option"),
        (("--config", "absent.properties"), "cannot read the configuration"),
        (("--set", "listeners=SSL://:9093"), "one PLAINTEXT listener is served"),
        (("--set", "log.dirs=a,b"), "there is one directory"),
        (("--set", "node.id=2"), "the one node is 1"),
        (("--set", "num.partitions=0"), "Value must be at least 1"),
        (("--set", "socket.request.max.bytes=0"), "Value must be at least 1"),
        (("--set", "log.segment.bytes=10"), "Value must be at least 1048576"),
        (("--set", "log.cleanup.policy=shred"), "String must be one of: compact, delete"),
        (("--advertise", ":9092"), "clients cannot connect to every address"),
        (("--advertise", "0.0.0.0:9092"), "clients cannot connect to every address"),
        (("--set", "advertised.listeners=PLAINTEXT://:9092"), "clients cannot connect to every address"),
        (("--set", "listeners=A://:1,B://:2"), "one PLAINTEXT listener is served"),
    ],
)
def test_a_wrong_option_is_told_and_nothing_is_started(tmp_path: Path, options: tuple[str, ...], message: str) -> None:
    ended = _riacho_broker(*options, cwd=tmp_path)
    assert ended.returncode == 2, ended.stderr
    assert message in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_in_a_properties_file_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "server.properties").write_text("# comment\nnum.partitions=3\n\nlog.segment.bites=5\n")
    ended = _riacho_broker("--config", "server.properties", "--listen", "127.0.0.1:0", cwd=tmp_path)
    assert ended.returncode == 2
    assert "server.properties:4" in ended.stderr
    assert "log.segment.bytes" in ended.stderr


def test_a_properties_file_that_is_not_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "server.properties").write_bytes(b"\xff\xfe\x00")
    ended = _riacho_broker("--config", "server.properties", cwd=tmp_path)
    assert ended.returncode == 2
    assert "server.properties" in ended.stderr
    assert "it is not text" in ended.stderr


def test_the_properties_that_kafka_comes_with_are_taken(broker: StartBroker, tmp_path: Path) -> None:
    properties = tmp_path / "server.properties"
    properties.write_text(
        "process.roles=broker,controller\n"
        "node.id=1\n"
        "controller.quorum.bootstrap.servers=localhost:9093\n"
        "listeners=CLIENTS://:9092,CONTROLLER://:9093\n"
        "advertised.listeners=CLIENTS://localhost:9092,CONTROLLER://localhost:9093\n"
        "inter.broker.listener.name=CLIENTS\n"
        "controller.listener.names=CONTROLLER\n"
        "listener.security.protocol.map=CONTROLLER:PLAINTEXT,CLIENTS:PLAINTEXT,SSL:SSL\n"
        "log.dirs=/tmp/kraft-combined-logs\n"
        "offsets.topic.replication.factor=1\n"
    )
    own = broker("--config", str(properties))
    with RawClient(f"127.0.0.1:{_listening_port(own)}") as client:
        answer = client.ask("metadata", 1, {"topics": []})
    assert [(each.host, each.port) for each in answer.brokers] == [("localhost", 9092)]


def test_set_wins_over_the_file(broker: StartBroker, tmp_path: Path, topic: str) -> None:
    properties = tmp_path / "server.properties"
    properties.write_text("num.partitions=3\nmessage.max.bytes=1000\n")
    own = broker("--config", str(properties), "--set", "num.partitions=4")
    with RawClient(own.bootstrap) as client:
        client.ask("metadata", 4, {"topics": [{"name": topic}], "allow_auto_topic_creation": True})
        answer = client.ask("metadata", 4, {"topics": [{"name": topic}], "allow_auto_topic_creation": False})
        outcome = client.ask("produce", 7, produce_values(topic, batch_of(b"x" * 2000)))
    assert len(answer.topics[0].partitions) == 4
    assert outcome.responses[0].partition_responses[0].error_code == ErrorCode.message_too_large


def test_kafkas_own_properties_say_where_the_broker_lives(tmp_path: Path) -> None:
    (tmp_path / "server.properties").write_text("listeners=PLAINTEXT://127.0.0.1:0\nlog.dirs=logs\nnode.id=1\n")
    command = [str(RIACHO), "broker", "--config", "server.properties"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    process.terminate()
    process.communicate(timeout=60)
    assert line.startswith("ready kafka=127.0.0.1:")
    assert (tmp_path / "logs" / "meta.properties").exists()


def test_under_a_wildcard_a_client_is_told_the_address_that_it_reached(broker: StartBroker) -> None:
    own = broker("--listen", "0.0.0.0:0")
    for host in ("127.0.0.1", "127.0.0.2"):
        with RawClient(f"{host}:{own.port}") as client:
            answer = client.ask("metadata", 1, {"topics": []})
        assert [(each.host, each.port) for each in answer.brokers] == [(host, own.port)]


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_under_the_wildcard_of_ipv6_a_client_of_ipv4_is_told_an_address_of_ipv4(broker: StartBroker) -> None:
    own = broker("--listen", "[::]:0")
    for host in ("127.0.0.1", "::1"):
        with RawClient(f"{host}:{own.port}") as client:
            answer = client.ask("metadata", 1, {"topics": []})
        assert [each.host for each in answer.brokers] == [host]


def test_clients_are_told_the_advertised_address(broker: StartBroker) -> None:
    own = broker("--advertise", "kafka.example:1234")
    with RawClient(f"127.0.0.1:{_listening_port(own)}") as client:
        answer = client.ask("metadata", 1, {"topics": []})
    assert [(each.host, each.port) for each in answer.brokers] == [("kafka.example", 1234)]


def _listening_port(own: RunningBroker) -> int:
    own.wait_for_log("serving ")
    return int(own.log_text().rpartition(" at ")[2].split()[0].rpartition(":")[2])


@pytest.mark.parametrize("fsync", ["acks", "kafka"])
def test_nothing_acknowledged_is_lost_by_kill_9(broker: StartBroker, topic: str, fsync: str) -> None:
    own = broker("--fsync", fsync, "--set", "num.partitions=4")
    acknowledged: set[bytes] = set()

    def note(error: object, message: object) -> None:
        if error is None:
            acknowledged.add(message.value())  # type: ignore[attr-defined]

    producer = Producer(
        {
            "bootstrap.servers": own.bootstrap,
            "enable.idempotence": True,
            "message.timeout.ms": 30_000,
            "reconnect.backoff.max.ms": 100,
        }
    )
    sent = 0
    for kills in range(3):
        while len(acknowledged) < (kills + 1) * 2000:
            if len(producer) > 10_000:
                producer.poll(0.01)
                continue
            producer.produce(topic, b"%d" % sent, on_delivery=note)
            sent += 1
            producer.poll(0)
        own.kill()
        own.start()
    assert producer.flush(30) == 0
    values = _everything(own, topic, partitions=4)
    assert len(acknowledged) == sent
    assert sorted(values) == sorted(acknowledged), "each record is there exactly once"


def _everything(own: RunningBroker, topic: str, partitions: int) -> list[bytes]:
    consumer = Consumer({"bootstrap.servers": own.bootstrap, "group.id": "all", "enable.partition.eof": True})
    consumer.assign([TopicPartition(topic, index, 0) for index in range(partitions)])
    values: list[bytes] = []
    ended = 0
    while ended < partitions:
        message = consumer.poll(DEADLINE_SECONDS)
        assert message is not None, "the records stopped coming"
        if message.error():
            ended += 1
        else:
            values.append(message.value())
    consumer.close()
    return values


@pytest.mark.parametrize("stop", ["kill", "terminate"])
def test_topics_ids_and_settings_survive(broker: StartBroker, topic: str, stop: str) -> None:
    own = broker()
    request = {
        "topics": [{"topic_id": None, "name": topic}],
        "allow_auto_topic_creation": False,
        "include_topic_authorized_operations": False,
    }
    with RawClient(own.bootstrap) as client:
        create_topic(client, topic, partitions=3, retention_ms="1234")
        before = client.ask("metadata", 12, request)
    getattr(own, stop)()
    own.start()
    with RawClient(own.bootstrap) as client:
        after = client.ask("metadata", 12, request)
        resources = [{"resource_type": 2, "resource_name": topic, "configuration_keys": ("retention.ms",)}]
        configs = client.ask("describe_configs", 1, {"resources": resources, "include_synonyms": False})
    assert after.cluster_id == before.cluster_id
    assert after.topics[0].topic_id == before.topics[0].topic_id
    assert len(after.topics[0].partitions) == 3
    assert configs.results[0].configs[0].value == "1234"


def test_leader_epochs_rise_at_every_start(broker: StartBroker, topic: str) -> None:
    own = broker()
    epochs = []
    for _ in range(3):
        with RawClient(own.bootstrap) as client:
            client.ask("metadata", 4, {"topics": [{"name": topic}], "allow_auto_topic_creation": True})
            request = {"topics": [{"name": topic}], "allow_auto_topic_creation": False}
            batch = produce_values(topic, batch_of(b"x"))
            assert client.ask("produce", 7, batch).responses[0].partition_responses[0].error_code == 0
            epochs.append(client.ask("metadata", 7, request).topics[0].partitions[0].leader_epoch)
        own.kill()
        own.start()
    assert epochs == sorted(set(epochs))
    with RawClient(own.bootstrap) as client:
        asked = {"partition": 0, "current_leader_epoch": -1, "leader_epoch": epochs[1]}
        values = {"replica_id": -1, "topics": [{"topic": topic, "partitions": [asked]}]}
        end = client.ask("offset_for_leader_epoch", 3, values).topics[0].partitions[0]
    assert (end.leader_epoch, end.end_offset) == (epochs[1], 2)


def test_no_producer_id_is_given_twice(broker: StartBroker) -> None:
    own = broker()
    given = []
    for _ in range(3):
        with RawClient(own.bootstrap) as client:
            values = {"transactional_id": None, "transaction_timeout": 1000}
            given += [client.ask("init_producer_id", 1, values).producer_id for _ in range(3)]
        own.kill()
        own.start()
    assert len(set(given)) == len(given)


def test_a_topic_deleted_before_a_crash_stays_deleted(broker: StartBroker, topic: str) -> None:
    own = broker()
    with RawClient(own.bootstrap) as client:
        create_topic(client, topic)
        client.ask("produce", 7, produce_values(topic, batch_of(b"x")))
        client.ask("delete_topics", 1, {"topic_names": [topic], "timeout": 1000})
    own.kill()
    own.start()
    with RawClient(own.bootstrap) as client:
        answer = client.ask("metadata", 1, {"topics": None})
    assert [each.name for each in answer.topics] == []
    assert not list(own.directory.glob(f"{topic}-*"))


def test_the_broker_imports_neither_numba_nor_polars(broker: StartBroker, topic: str) -> None:
    own = broker(executed=True)
    Producer({"bootstrap.servers": own.bootstrap}).list_topics(timeout=DEADLINE_SECONDS)
    maps = Path(f"/proc/{own.pid}/maps").read_text()
    assert "uvloop" in maps
    assert not [name for name in ("polars", "numba", "llvmlite", "numpy", "duckdb") if name in maps]


def test_segments_past_their_retention_are_deleted(broker: StartBroker, topic: str) -> None:
    own = broker("--set", "log.retention.check.interval.ms=50")
    earliest = {"partition_index": 0, "current_leader_epoch": -1, "timestamp": -2}
    asked = {"replica_id": -1, "isolation_level": 0, "topics": [{"name": topic, "partitions": [earliest]}]}
    with RawClient(own.bootstrap) as client:
        create_topic(client, topic, segment_bytes="1048576", retention_ms="1000")
        for _ in range(3):
            old = batch_of(b"x" * 700_000, timestamp_ms=1_000_000_000_000)
            assert client.ask("produce", 7, produce_values(topic, old)).responses[0]
        deadline = time.monotonic() + DEADLINE_SECONDS
        while client.ask("list_offsets", 5, asked).topics[0].partitions[0].offset == 0:
            assert time.monotonic() < deadline, "nothing was deleted"


def test_partitions_without_metadata_are_not_touched(broker: StartBroker, topic: str, tmp_path: Path) -> None:
    own = broker()
    with RawClient(own.bootstrap) as client:
        create_topic(client, topic)
        client.ask("produce", 7, produce_values(topic, batch_of(b"x")))
    own.terminate()
    shutil.rmtree(own.directory / "metadata")
    ended = _riacho_broker("--dir", str(own.directory), "--listen", "127.0.0.1:0", cwd=tmp_path)
    assert ended.returncode == 1
    assert "no metadata" in ended.stderr
    assert (own.directory / f"{topic}-0").exists()


def test_a_directory_below_a_file_is_told_with_how_to_mend_it(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("a file")
    for directory in ("notes", "notes/data"):
        ended = _riacho_broker("--dir", directory, "--listen", "127.0.0.1:0", cwd=tmp_path)
        assert ended.returncode == 1
        assert "the data directory cannot be used" in ended.stderr
        assert "at notes" in ended.stderr
        assert "there is a file where a directory is to be" in ended.stderr
        assert "Traceback" not in ended.stderr

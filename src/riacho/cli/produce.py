"""`riacho produce`: write lines, JSON lines or a file to a topic."""

from __future__ import annotations

import errno
import os
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from riacho.cli.ending import interrupted_by_signals
from riacho.cli.options import DEFAULT_KAFKA, Kafka, checked, parse_pairs
from riacho.cli.phrases import counted
from riacho.client.reaching import connected, near_topics
from riacho.errors import RiachoError, UsageError

if TYPE_CHECKING:
    from riacho.cli.record_lines import RecordParser
    from riacho.client.cluster import Cluster

app = typer.Typer()

INTERRUPTED_FLUSH_MS = 1_000
"""How long an interrupted command still waits for what it has sent."""


class Acks(Enum):
    """When a broker answers."""

    ALL = "all"
    LEADER = "1"
    NONE = "0"


class Compression(Enum):
    """Kafka's codecs."""

    NONE = "none"
    GZIP = "gzip"
    SNAPPY = "snappy"
    LZ4 = "lz4"
    ZSTD = "zstd"


def _check_file(path: Path) -> None:
    """Not by opening it: whoever writes into a pipe would see it closed."""
    if str(path) != "-" and not path.exists():
        raise UsageError(f"cannot read the file: {os.strerror(errno.ENOENT)}", where=str(path))


@app.command()
def produce(
    topic: Annotated[str, typer.Argument(metavar="TOPIC", help="Where to write; made where brokers allow it.")],
    kafka: Kafka = DEFAULT_KAFKA,
    file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", callback=checked(_check_file), help="Read this file instead of standard input."),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Each line is a record: JSON with key, value, headers, partition, timestamp."),
    ] = False,
    key: Annotated[
        str | None, typer.Option(metavar="FIELD", help="Each line is a JSON object, and this field of it the key.")
    ] = None,
    key_separator: Annotated[
        str | None, typer.Option(metavar="TEXT", help=r"Each line is a key, this text (\t: a tab) and a value.")
    ] = None,
    null: Annotated[
        str | None, typer.Option(metavar="TEXT", help="A value or key of just this text is written as null.")
    ] = None,
    headers: Annotated[
        list[str] | None, typer.Option("--header", metavar="NAME=VALUE", help="A header of every record. Repeatable.")
    ] = None,
    partition: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, help="Where all records go: by default where their keys' hashes say."),
    ] = None,
    compression: Annotated[Compression, typer.Option(help="How batches are compressed.")] = Compression.NONE,
    acks: Annotated[
        Acks, typer.Option(help="all: wait until records are durable. 1: until they are written. 0: do not wait.")
    ] = Acks.ALL,
) -> None:
    """Write records to a topic: a line is a value.

    \b
        echo hello | riacho produce greetings
        riacho produce bids --file bids.jsonl --key auction
        riacho produce users --key-separator : < users.txt

    With --json a line is a whole record; only the value must be there, and null is a tombstone. Bytes that are no
    text stand as key_base64 and value_base64. This is what riacho consume --json prints:

    \b
        {"key": "7", "value": "text", "partition": 0}
        {"value": "text", "headers": {"source": "web"}}
        {"value": {"a": 1}, "timestamp": "2013-02-08T12:00Z"}

    A line that is wrong ends the command: the lines before it are written, and it says how many they are.
    """
    from riacho.cli.record_progress import progress_bar
    from riacho.cli.record_writing import RecordWriter, open_input
    from riacho.client.errors import DeliveryError
    from riacho.client.producer import Producer, ProducerConfig

    shared = parse_pairs(headers or (), "--header")
    parser = _parser(as_json=as_json, key=key, key_separator=key_separator, null=null, headers=shared)
    config = ProducerConfig(acks=-1 if acks is Acks.ALL else int(acks.value), compression=compression.value)
    with open_input(file) as source, connected(kafka, "produce") as cluster, interrupted_by_signals():
        _note_new_topic(cluster, topic)
        with Producer(cluster, config) as producer:
            writer = RecordWriter(producer, topic, parser, source.name, headers=shared, partition=partition)
            try:
                with progress_bar(f"writing {topic}", source.size, wanted=not source.terminal) as progress:
                    for lines in source.lines():
                        writer.write(lines)
                        progress.show(source.bytes_read, producer.acknowledged)
                    producer.flush()
            except KeyboardInterrupt:
                raise RiachoError(f"interrupted; {writer.settle(INTERRUPTED_FLUSH_MS)}") from None
            except DeliveryError as error:
                what = f"{error.what}; {writer.settle(0)}"
                raise RiachoError(what, where=error.where, mend=error.mend) from error
    verb = "sent" if acks is Acks.NONE else "wrote"
    typer.echo(f"{verb} {counted(producer.acknowledged, 'record')} to {topic}", err=True)


def _parser(
    *, as_json: bool, key: str | None, key_separator: str | None, null: str | None, headers: dict[str, str]
) -> RecordParser:
    """What makes records of lines. Raises `UsageError` where options contradict each other."""
    from riacho.cli.record_lines import PlainLines
    from riacho.host import SystemClock

    given = {"--json": as_json, "--key": key is not None, "--key-separator": key_separator is not None}
    chosen = [option for option, wanted in given.items() if wanted]
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)} contradict each other: each says where the key is", mend="give one")
    if null is not None and (as_json or key is not None):
        raise UsageError(f"--null says what stands for null in plain lines, not with {chosen[0]}")
    if as_json:
        from riacho.cli.json_records import JsonRecords

        return JsonRecords(SystemClock(), headers)
    if key is not None:
        from riacho.cli.json_records import KeyedJson

        return KeyedJson(key)
    if key_separator == "":
        raise UsageError("--key-separator cannot be empty")
    separator = None if key_separator is None else key_separator.encode().replace(rb"\t", b"\t")
    return PlainLines(separator, None if null is None else null.encode())


def _note_new_topic(cluster: Cluster, topic: str) -> None:
    """Say that a topic is new, for it may be a misspelt one. Raises `UsageError` where brokers make none of that
    name, or none at all, and for a topic that is their own.
    """
    from riacho.broker.metadata.state import INTERNAL_TOPICS
    from riacho.broker.metadata.topic_names import problem_with_name
    from riacho.client.admin import BROKER, Admin

    if topic in INTERNAL_TOPICS:
        raise UsageError(f"clients may not write to {topic}: it is the brokers' own")
    admin = Admin(cluster)
    topics = [each.name for each in admin.list_topics(internal=True)]
    if topic in topics:
        return
    if (problem := problem_with_name(topic)) is not None:
        raise UsageError(problem)
    near = near_topics(topic, topics)
    setting = "auto.create.topics.enable"
    configs = admin.describe_configs(str(admin.brokers()[0].node), resource=BROKER, keys=[setting])
    if setting in configs and configs[setting].value == "false":
        raise UsageError(f"there is no topic {topic!r}, and brokers make none ({setting})", mend=near)
    typer.echo(f"{topic} is a new topic{f'; {near}' if near.startswith('did') else ''}", err=True)

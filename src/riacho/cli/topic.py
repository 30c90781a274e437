"""`riacho topic`: list, create, describe, alter and delete topics."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from riacho.cli.groups import CommandGroup
from riacho.cli.options import DEFAULT_KAFKA, AsJson, Kafka, parse_pairs
from riacho.cli.phrases import counted
from riacho.client.reaching import connected, named_topics
from riacho.errors import UsageError, nearest

if TYPE_CHECKING:
    from riacho.client.admin import Admin, Topic
    from riacho.client.cluster import TopicPartition

app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    help="List, create, describe, alter and delete topics of any Kafka cluster.",
)

Name = Annotated[str, typer.Argument(metavar="TOPIC", help="The topic's name.")]
Configs = Annotated[
    list[str] | None,
    typer.Option("--config", metavar="NAME=VALUE", help="A topic configuration under Kafka's name. Repeatable."),
]


ASKED_WRONGLY = frozenset(
    {
        "INVALID_TOPIC_EXCEPTION",
        "INVALID_PARTITIONS",
        "INVALID_REPLICATION_FACTOR",
        "INVALID_CONFIG",
        "INVALID_REQUEST",
    }
)
"""What a broker answers to a wrong request: the same one will fail again."""


@app.command("list")
def list_topics(
    kafka: Kafka = DEFAULT_KAFKA,
    internal: Annotated[
        bool, typer.Option("--internal", help="Show also those whose names begin with two underscores.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the topics with their partitions and records.

    Records are counted from first to last offset: in a compacted topic some of them are gone.

    \b
        riacho topic list
        riacho topic list --json | jq -r '.[].name'
    """
    from riacho.cli.tables import print_table

    with _admin(kafka) as admin:
        topics = [
            topic
            for topic in admin.list_topics(internal=internal)
            if internal or not (topic.internal or topic.name.startswith("__"))
        ]
        spans = _spans(admin, topics)
    listed = [
        {
            "name": topic.name,
            "partitions": len(topic.partitions),
            "records": sum(end - first for partition, (first, end) in spans.items() if partition.topic == topic.name),
            "internal": topic.internal,
        }
        for topic in topics
    ]
    if as_json:
        typer.echo(json.dumps(listed))
        return
    rows = [[str(each["name"]), str(each["partitions"]), f"{each['records']:,}"] for each in listed]
    print_table(["topic", "partitions", "records"], rows, empty="no topics: riacho topic create NAME makes one")


@app.command()
def create(
    name: Name,
    kafka: Kafka = DEFAULT_KAFKA,
    partitions: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="How many partitions: by default as the broker's num.partitions says."),
    ] = None,
    replication_factor: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="How many brokers keep each partition: by default as the broker says."),
    ] = None,
    configs: Configs = None,
    if_not_exists: Annotated[bool, typer.Option("--if-not-exists", help="Succeed where it exists already.")] = False,
) -> None:
    """Make a topic.

    \b
        riacho topic create bids --partitions 8
        riacho topic create log --config retention.ms=86400000
    """
    from riacho.client.admin import NewTopic
    from riacho.client.errors import KafkaError

    changes = parse_pairs(configs or (), "--config")
    new = NewTopic(name, partitions or -1, replication_factor or -1, changes)
    with _admin(kafka) as admin, _mistakes_told():
        try:
            with _explained_configs(admin, changes):
                admin.create_topics([new])
        except KafkaError as error:
            if error.name != "TOPIC_ALREADY_EXISTS":
                raise
            if not if_not_exists:
                mend = f"riacho topic describe {name} shows it; --if-not-exists accepts it as it is"
                raise UsageError(f"the topic {name!r} exists already", mend=mend) from error
            typer.echo(f"{name} exists already")
            return
        (made,) = admin.describe_topics([name])
    typer.echo(f"created {name} with {counted(len(made.partitions), 'partition')}")


@app.command()
def describe(name: Name, kafka: Kafka = DEFAULT_KAFKA, as_json: AsJson = False) -> None:
    """Show a topic: partitions, offsets and configuration.

    Configurations at Kafka's defaults are left out.

    \b
        riacho topic describe bids
        riacho topic describe bids --json | jq .configs
    """
    from riacho.cli.tables import print_table

    with connected(kafka, "topic") as cluster:
        from riacho.client.admin import Admin

        admin = Admin(cluster)
        (topic,) = named_topics(cluster, [name])
        spans = _spans(admin, [topic])
        configs = {
            config.name: config.value for config in admin.describe_configs(name).values() if not config.is_default
        }
    described: list[dict[str, Any]] = []
    for partition, (first, end) in zip(topic.partitions, spans.values(), strict=True):
        described.append(
            {
                "partition": partition.index,
                "first_offset": first,
                "end_offset": end,
                "records": end - first,
                "leader": partition.leader,
                "replicas": partition.replicas,
                "in_sync": partition.in_sync,
            }
        )
    if as_json:
        whole = {"name": topic.name, "id": topic.id, "internal": topic.internal}
        typer.echo(json.dumps({**whole, "partitions": described, "configs": configs}))
        return
    records = sum(each["records"] for each in described)
    typer.echo(f"{name}: {counted(len(described), 'partition')}, {counted(records, 'record')}, id {topic.id}\n")
    print_table(
        ["partition", "first offset", "end offset", "records", "leader", "replicas", "in sync"],
        [
            [
                str(each["partition"]),
                *(f"{each[column]:,}" for column in ("first_offset", "end_offset", "records")),
                str(each["leader"]),
                *(",".join(map(str, each[column])) for column in ("replicas", "in_sync")),
            ]
            for each in described
        ],
    )
    typer.echo("")
    rows = [[config, "" if value is None else value] for config, value in sorted(configs.items())]
    print_table(["configuration", "value"], rows, empty="configuration: all at its defaults")


@app.command()
def alter(
    name: Name,
    kafka: Kafka = DEFAULT_KAFKA,
    configs: Configs = None,
    deleted: Annotated[
        list[str] | None,
        typer.Option("--delete-config", metavar="NAME", help="Put a configuration back to its default. Repeatable."),
    ] = None,
    partitions: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Raise the number of partitions to this. Keys may then move to others."),
    ] = None,
) -> None:
    """Change configurations or add partitions.

    \b
        riacho topic alter bids --config retention.ms=86400000
        riacho topic alter bids --delete-config retention.ms
        riacho topic alter bids --partitions 16
    """
    changes: dict[str, str | None] = {**parse_pairs(configs or (), "--config"), **dict.fromkeys(deleted or ())}
    if not changes and partitions is None:
        raise UsageError("nothing is to be changed", mend="give --config, --delete-config or --partitions")
    with connected(kafka, "topic") as cluster, _mistakes_told():
        from riacho.client.admin import Admin

        admin = Admin(cluster)
        (topic,) = named_topics(cluster, [name])
        if partitions is not None and partitions < len(topic.partitions):
            raise UsageError(
                f"{name} has {counted(len(topic.partitions), 'partition')}: their number can only be raised",
                mend="make a new topic with fewer, and copy the records: riacho consume | riacho produce",
            )
        if changes:
            _check_names(changes, admin.describe_configs(name))
            admin.alter_configs(name, changes)
        if partitions is not None and partitions > len(topic.partitions):
            admin.create_partitions(name, partitions)
    said = [
        f"{config} is now {value}" if value is not None else f"{config} is reset" for config, value in changes.items()
    ]
    if partitions is not None:
        said.append(f"{counted(partitions, 'partition')}")
    typer.echo(f"altered {name}: {', '.join(said)}")


@app.command()
def delete(
    names: Annotated[list[str], typer.Argument(metavar="TOPIC...", help="The topics.")], kafka: Kafka = DEFAULT_KAFKA
) -> None:
    """Delete topics and all their records. Nothing asks again, and nothing brings them back.

    \b
        riacho topic delete bids bids.dead-letter
    """
    with connected(kafka, "topic") as cluster, _mistakes_told():
        from riacho.client.admin import Admin

        named_topics(cluster, names)
        Admin(cluster).delete_topics(dict.fromkeys(names))
    typer.echo(f"deleted {', '.join(dict.fromkeys(names))}")


@contextmanager
def _admin(kafka: str) -> Iterator[Admin]:
    from riacho.client.admin import Admin

    with connected(kafka, "topic") as cluster:
        yield Admin(cluster)


@contextmanager
def _mistakes_told() -> Iterator[None]:
    """Tell a wrong request as such, in the broker's words: names, numbers and values that cannot be are its to know."""
    from riacho.client.errors import KafkaError

    try:
        yield
    except KafkaError as error:
        if error.name not in ASKED_WRONGLY:
            raise
        raise UsageError(error.what, where=error.where, mend=error.mend) from error


def _spans(admin: Admin, topics: Sequence[Topic]) -> dict[TopicPartition, tuple[int, int]]:
    """First and end offset of every partition, in the order of the topics and their partitions."""
    from riacho.client.cluster import TopicPartition
    from riacho.client.offsets import EARLIEST, LATEST

    partitions = [TopicPartition(topic.name, item.index) for topic in topics for item in topic.partitions]
    first = admin.list_offsets(dict.fromkeys(partitions, EARLIEST))
    end = admin.list_offsets(dict.fromkeys(partitions, LATEST))
    return {partition: (first[partition].offset, end[partition].offset) for partition in partitions}


@contextmanager
def _explained_configs(admin: Admin, changes: Iterable[str]) -> Iterator[None]:
    """Name the configurations most like one that the broker does not know, as those of any other topic are named."""
    from riacho.client.errors import KafkaError

    try:
        yield
    except KafkaError as error:
        if error.name == "INVALID_CONFIG":
            for topic in admin.list_topics(internal=True)[:1]:
                _check_names(changes, admin.describe_configs(topic.name))
        raise


def _check_names(changes: Iterable[str], known: Collection[str]) -> None:
    """Raise `UsageError` for a configuration that topics do not have: a broker lets some of them pass."""
    for name in changes:
        if name not in known:
            near = nearest(name, known)
            mend = f"did you mean {' or '.join(map(repr, near))}?" if near else None
            raise UsageError(f"there is no topic configuration {name!r}", mend=mend)

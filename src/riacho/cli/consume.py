"""`riacho consume`: print the records of topics as lines or JSON."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated

import typer

from riacho.cli.cluster import await_topics
from riacho.cli.ending import interrupted_by_signals
from riacho.cli.options import DEFAULT_KAFKA, Kafka, checked
from riacho.cli.phrases import counted
from riacho.client.reaching import connected, named_topics
from riacho.errors import RiachoError, UsageError

if TYPE_CHECKING:
    from riacho.cli.positions import Position
    from riacho.cli.record_text import RecordFormatter
    from riacho.client.cluster import Cluster, TopicPartition
    from riacho.client.fetcher import Fetcher

app = typer.Typer()

WAIT_MS = 1_000
"""How long a fetch waits before it is asked for again; records that arrive end it at once."""


def _check_position(text: str) -> None:
    from riacho.cli.positions import parse_position

    parse_position(text)


@app.command()
def consume(
    topics: Annotated[list[str], typer.Argument(metavar="TOPIC...", help="What to read.")],
    kafka: Kafka = DEFAULT_KAFKA,
    start: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="POSITION",
            callback=checked(_check_position),
            help="earliest, latest, an offset, -N for the last N of each partition, or a time (ISO 8601; UTC).",
        ),
    ] = "earliest",
    partitions: Annotated[
        list[int] | None, typer.Option("--partition", metavar="N", min=0, help="Only this partition. Repeatable.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for more at the end, until Ctrl-C.")] = False,
    count: Annotated[
        int | None, typer.Option("--count", "-n", metavar="N", min=0, help="End after so many records.")
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print JSON lines: topic, partition, offset, timestamp, key, value, headers."),
    ] = False,
    template: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="TEXT", help=r"Of {topic} {partition} {offset} {timestamp} {key} {value} and \t."
        ),
    ] = None,
    null: Annotated[str | None, typer.Option(metavar="TEXT", help="What is printed for null. [default: null]")] = None,
) -> None:
    """Print the records of topics, a value a line, up to the end that they have now.

    \b
        riacho consume flights --count 5
        riacho consume flights --from -10 --follow
        riacho consume flights --from 2013-02-08 --json
        riacho consume users --format '{key}\\t{value}'

    With --follow a topic that does not exist yet is waited for.

    Bytes go to a pipe or a file as they are; a terminal is shown what it cannot print as \\xNN. In JSON, bytes that
    are no text stand as key_base64 and value_base64: riacho produce --json reads them again. Partitions are read
    side by side: order holds within each.
    """
    import riacho.client.fetcher  # noqa: F401 - before an interrupt is an exception, which an import may swallow
    from riacho.cli.positions import parse_position

    position = parse_position(start)
    formatter = _formatter(as_json=as_json, template=template, null=null)
    with connected(kafka, "consume") as cluster, interrupted_by_signals():
        output = Output(formatter, count)
        try:
            new = await_topics(cluster, topics) if follow else frozenset[str]()
            wanted = _partitions(cluster, topics, partitions)
            _read(cluster, position, wanted, output, follow=follow, new=new)
        except KeyboardInterrupt:
            if not follow:
                raise RiachoError(f"interrupted after {counted(output.records, 'record')}") from None


class Output:
    """Standard output, and how many records it has got of those that it is to get."""

    def __init__(self, formatter: RecordFormatter, count: int | None) -> None:
        self._formatter = formatter
        self._left = count
        self._descriptor = sys.stdout.fileno()
        self._terminal = os.isatty(self._descriptor)
        self.records = 0

    @property
    def full(self) -> bool:
        return self._left == 0

    def write(self, fetcher: Fetcher) -> None:
        """Print what the fetcher has, waiting a little. Raises `BrokenPipeError` where nobody reads any more."""
        from riacho.cli.record_text import printable

        limit = {} if self._left is None else {"max_rows": self._left}
        for records in fetcher.fetch(max_wait_ms=WAIT_MS, **limit):
            text = self._formatter(records)
            rest = memoryview(printable(text) if self._terminal else text)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            self.records += len(records)
            if self._left is not None:
                self._left -= len(records)


def _read(
    cluster: Cluster,
    position: Position,
    partitions: list[TopicPartition],
    output: Output,
    *,
    follow: bool,
    new: Collection[str],
) -> None:
    """Read the partitions from the position to their present ends, or on and on.

    What `new` topics hold has come since the command began: "the latest" of them is everything.
    """
    from riacho.cli.positions import Kind
    from riacho.cli.record_progress import progress_bar
    from riacho.client.admin import Admin
    from riacho.client.assignment import FetchConfig, OffsetReset
    from riacho.client.fetcher import Fetcher
    from riacho.client.offsets import EARLIEST, LATEST

    admin = Admin(cluster)
    first = admin.list_offsets(dict.fromkeys(partitions, EARLIEST))
    # Records of a transaction under way come once it ends: what is there now is what is there without them.
    end = admin.list_offsets(dict.fromkeys(partitions, LATEST), read_committed=True)
    spans = {partition: (first[partition].offset, end[partition].offset) for partition in partitions}
    starts = position.offsets(admin, spans)
    if position.kind is Kind.LAST:
        starts |= {partition: span[0] for partition, span in spans.items() if partition.topic in new}
    ends = {partition: span[1] for partition, span in spans.items()}
    total = None if follow else sum(ends[partition] - starts[partition] for partition in partitions)
    titled = f"reading {', '.join(dict.fromkeys(partition.topic for partition in partitions))}"
    with (
        Fetcher(cluster, FetchConfig(offset_reset=OffsetReset.EARLIEST)) as fetcher,
        progress_bar(titled, total, wanted=not os.isatty(sys.stdout.fileno())) as progress,
    ):
        fetcher.assign(starts, until=None if follow else ends)
        while not (output.full or fetcher.finished):
            output.write(fetcher)
            progress.show(output.records, output.records)


def _partitions(cluster: Cluster, topics: list[str], chosen: list[int] | None) -> list[TopicPartition]:
    """The partitions to read. Raises `UsageError` where there is no such topic or partition."""
    from riacho.client.cluster import TopicPartition

    found = []
    for topic in named_topics(cluster, topics):
        present = [partition.index for partition in topic.partitions]
        for index in present if chosen is None else dict.fromkeys(chosen):
            if index not in present:
                raise UsageError(
                    f"{topic.name} has no partition {index}",
                    mend=f"it has {counted(len(present), 'partition')}, from 0 to {max(present)}",
                )
            found.append(TopicPartition(topic.name, index))
    return found


def _formatter(*, as_json: bool, template: str | None, null: str | None) -> RecordFormatter:
    """How records are printed. Raises `UsageError` where options contradict each other."""
    from riacho.cli.record_text import TextLines, json_lines

    if as_json and (template is not None or null is not None):
        raise UsageError(f"--json contradicts {'--format' if template is not None else '--null'}", mend="give one")
    return json_lines if as_json else TextLines.of(template or "{value}", "null" if null is None else null)

"""`riacho bench`: measure the log and the SQL engine on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Measure the log and the SQL engine on this machine.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@app.command()
def log(
    megabytes: Annotated[int, typer.Option(help="Record bytes per record size.")] = 500,
    seconds: Annotated[float, typer.Option(help="How long latency is measured after its warm-up.")] = 60.0,
    fsync: Annotated[str, typer.Option(help="acks or kafka, as for riacho broker.")] = "kafka",
    as_json: AsJson = False,
) -> None:
    """Broker CPU per GB in and out, latency, start and memory, with librdkafka's clients."""
    import tempfile

    from riacho.bench import log as bench
    from riacho.cli.tables import print_table

    with tempfile.TemporaryDirectory(prefix="riacho-bench-") as directory:
        report = bench.run(Path(directory), megabytes=megabytes, latency_s=seconds, fsync=fsync)
    if as_json:
        typer.echo(json.dumps(report.to_json()))
        return
    print_table(
        ["record", "broker CPU-s/GB in", "bare", "out", "bare", "MB/s in", "out"],
        [
            [
                f"{each.record_bytes} B",
                f"{each.produce_cpu_s_per_gb:.2f}",
                f"{each.bare_receive_cpu_s_per_gb:.2f}",
                f"{each.consume_cpu_s_per_gb:.2f}",
                f"{each.bare_send_cpu_s_per_gb:.2f}",
                f"{each.produce_mb_per_s:,.0f}",
                f"{each.consume_mb_per_s:,.0f}",
            ]
            for each in report.throughput
        ],
    )
    typer.echo("bare: the system calls alone (receive, checksum, write; sendfile), in the same minute")
    typer.echo(
        f"\nproduce -> consume at {report.latency_rate} msg/s, acks=1: "
        f"p50 {report.latency_p50_ms:.2f} ms, p99 {report.latency_p99_ms:.2f} ms"
    )
    typer.echo(
        f"start to ready {report.start_s:.2f} s; resident memory idle {report.idle_rss_mb:.0f} MB, "
        f"after the load {report.loaded_rss_mb:.0f} MB"
    )


@app.command()
def sql(
    events: Annotated[int, typer.Option(help="Bids in the topic, and rows that are generated.")] = 10_000_000,
    as_json: AsJson = False,
) -> None:
    """Events per second of a filter and of a tumbling aggregate, from a topic of JSON and from datagen."""
    import tempfile

    from riacho.bench import sql as bench
    from riacho.cli.tables import print_table

    with tempfile.TemporaryDirectory(prefix="riacho-bench-") as directory:
        measured = bench.run(Path(directory), events=events, progress=_say)
    if as_json:
        typer.echo(json.dumps([each.to_json() for each in measured]))
        return
    print_table(
        ["from", "query", "events/s", "CPU-s per million"],
        [[each.source, each.query, f"{each.events_per_s:,.0f}", f"{each.cpu_s_per_million:.2f}"] for each in measured],
    )


@app.command()
def latency(
    seconds: Annotated[float, typer.Option(help="How long each query is measured after its warm-up.")] = 60.0,
    as_json: AsJson = False,
) -> None:
    """From the produce call through a running job to the consumer, at 20,000 events a second."""
    import tempfile

    from riacho.bench import latency as bench
    from riacho.cli.tables import print_table

    with tempfile.TemporaryDirectory(prefix="riacho-bench-") as directory:
        measured = bench.run(Path(directory), seconds=seconds, progress=_say)
    if as_json:
        typer.echo(json.dumps([each.to_json() for each in measured]))
        return
    print_table(
        ["query", "events/s", "p50 ms", "p99 ms", "job's CPU"],
        [
            [
                each.query,
                f"{each.rate:,}",
                f"{each.p50_ms:.1f}",
                f"{each.p99_ms:.1f}",
                f"{each.cpu_share:.0%}",
            ]
            for each in measured
        ],
    )


@app.command()
def microbatch(
    seconds: Annotated[float, typer.Option(help="How long the latency of each mode is measured.")] = 20.0,
    events: Annotated[int, typer.Option(help="Bids in the topic for the run at full speed.")] = 2_000_000,
    as_json: AsJson = False,
) -> None:
    """Latency, events per second and CPU of adaptive micro-batches, and of 10 ms, 1 s and 100 k rows."""
    import tempfile

    from riacho.bench import microbatch as bench
    from riacho.cli.tables import print_table

    with tempfile.TemporaryDirectory(prefix="riacho-bench-") as directory:
        measured = bench.run(Path(directory), seconds=seconds, events=events, progress=_say)
    if as_json:
        typer.echo(json.dumps([each.to_json() for each in measured]))
        return
    print_table(
        ["batches", "p50 ms", "p99 ms", "CPU-s per million at 20 k/s", "events/s at full speed", "CPU-s per million"],
        [
            [
                each.name,
                f"{each.p50_ms:,.1f}",
                f"{each.p99_ms:,.1f}",
                f"{each.steady_cpu_s_per_million:.2f}",
                f"{each.events_per_s:,.0f}",
                f"{each.cpu_s_per_million:.2f}",
            ]
            for each in measured
        ],
    )


def _say(text: str) -> None:
    """Show how far a benchmark is, on stderr: stdout has the result alone."""
    typer.echo(text, err=True)

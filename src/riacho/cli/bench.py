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
        ["record", "broker CPU-s/GB in", "out", "MB/s in", "out"],
        [
            [
                f"{each.record_bytes} B",
                f"{each.produce_cpu_s_per_gb:.2f}",
                f"{each.consume_cpu_s_per_gb:.2f}",
                f"{each.produce_mb_per_s:,.0f}",
                f"{each.consume_mb_per_s:,.0f}",
            ]
            for each in report.throughput
        ],
    )
    typer.echo(
        f"\nproduce -> consume at {report.latency_rate} msg/s, acks=1: "
        f"p50 {report.latency_p50_ms:.2f} ms, p99 {report.latency_p99_ms:.2f} ms"
    )
    typer.echo(
        f"start to ready {report.start_s:.2f} s; resident memory idle {report.idle_rss_mb:.0f} MB, "
        f"after the load {report.loaded_rss_mb:.0f} MB"
    )

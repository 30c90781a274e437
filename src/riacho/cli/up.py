"""`riacho up`: broker, jobs and console under one supervisor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()

Directory = Annotated[Path, typer.Option("--dir", help="Where everything is kept; made if it does not exist.")]
Listen = Annotated[str, typer.Option(metavar="HOST:PORT", help="Where the broker listens; port 0 takes a free one.")]
Http = Annotated[str, typer.Option(metavar="HOST:PORT", help="Where the console listens; port 0 takes a free one.")]
Kafka = Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Use this Kafka cluster and start no broker.")]


@app.command()
def up(
    directory: Directory = Path(".riacho"),
    listen: Listen = "127.0.0.1:9092",
    http: Http = "127.0.0.1:8080",
    kafka: Kafka = None,
) -> None:
    """Start broker, jobs and console, and restart what dies, until Ctrl-C or SIGTERM.

    Submit jobs with `riacho job submit FILE.sql`; look at http://127.0.0.1:8080.
    """
    import asyncio

    from riacho.cli.log_output import log_to_stderr
    from riacho.cli.platform import PlatformOptions, fixed_port, run_platform

    log_to_stderr()
    options = PlatformOptions(directory, fixed_port(listen), fixed_port(http), kafka)
    asyncio.run(run_platform(options, on_ready=lambda kafka, http: typer.echo(f"ready kafka={kafka} http={http}")))

"""`riacho up`: broker, jobs and console under one supervisor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from riacho.cli.cluster import require_cluster

app = typer.Typer()

Directory = Annotated[
    Path, typer.Option("--dir", metavar="DIR", help="Where everything is kept; made if it does not exist.")
]
Listen = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT", help="Where the broker listens; port 0 takes a free one. [default: 127.0.0.1:9092]"
    ),
]
Http = Annotated[str, typer.Option(metavar="HOST:PORT", help="Where the console listens; port 0 takes a free one.")]
Kafka = Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Use this Kafka cluster and start no broker.")]


@app.command()
def up(
    directory: Directory = Path(".riacho"),
    listen: Listen = None,
    http: Http = "127.0.0.1:8080",
    kafka: Kafka = None,
) -> None:
    """Start broker, jobs and page, and restart what dies, until Ctrl-C or SIGTERM.

    \b
        riacho up
        riacho up --dir /srv/riacho --listen 0.0.0.0:9092
        riacho up --kafka kafka.example.org:9092

    When all serve it prints one line: ready kafka=HOST:PORT http=HOST:PORT. Any Kafka client can use the first address,
    a browser the second. Submit jobs with riacho job submit FILE.sql; they go on when the platform starts again.
    """
    import asyncio

    from riacho.cli.log_output import log_to_stderr
    from riacho.cli.platform import PlatformOptions, broker_address, required_port, run_platform

    log_to_stderr()
    listen = broker_address(listen, kafka)
    if kafka is not None:
        require_cluster(kafka, "up")
    else:
        listen = required_port(listen, "--listen")
    options = PlatformOptions(directory, listen, required_port(http, "--http"), kafka)
    asyncio.run(run_platform(options, on_ready=lambda kafka, http: typer.echo(f"ready kafka={kafka} http={http}")))

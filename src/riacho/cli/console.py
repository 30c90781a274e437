"""`riacho console`: the page alone, on any Kafka."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def console(
    kafka: Annotated[str, typer.Option(metavar="HOST:PORT", help="The cluster to look at.")] = "127.0.0.1:9092",
    http: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where to listen; port 0 takes a free one.")
    ] = "127.0.0.1:8080",
) -> None:
    """Serve the console and its HTTP API over a Kafka cluster, until Ctrl-C or SIGTERM."""
    import asyncio

    from riacho.cli.log_output import log_to_stderr
    from riacho.console.server import ConsoleServer
    from riacho.host import SystemClock

    log_to_stderr()

    async def serve() -> None:
        server = ConsoleServer(kafka=kafka, listen=http, clock=SystemClock())
        running = asyncio.create_task(server.run())
        await server.started()
        typer.echo(f"ready kafka={kafka} http={server.address}")
        await running

    asyncio.run(serve())

"""`riacho console`: the page alone, on any Kafka."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def console(
    kafka: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="The cluster to look at; several brokers with commas between.")
    ] = "127.0.0.1:9092",
    http: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where to listen; port 0 takes a free one.")
    ] = "127.0.0.1:8080",
) -> None:
    """Serve the page and its HTTP API over a Kafka cluster, until Ctrl-C or SIGTERM.

    \b
        riacho console --kafka kafka.example.org:9092
        riacho console --http 127.0.0.1:0
    """
    import asyncio
    import signal

    from riacho.cli.log_output import log_to_stderr
    from riacho.console.server import ConsoleServer
    from riacho.host import SystemClock

    log_to_stderr()

    async def serve() -> None:
        server = ConsoleServer(kafka=kafka, listen=http, clock=SystemClock())
        for number in (signal.SIGINT, signal.SIGTERM):
            # Until uvicorn puts in its own handlers, which do the same.
            asyncio.get_running_loop().add_signal_handler(number, server.stop)
        running = asyncio.create_task(server.run())
        await server.started()
        typer.echo(f"ready kafka={kafka} http={server.address}")
        await running

    try:
        import uvloop
    except ImportError:  # there is none for this platform: asyncio's own loop serves, at a higher cost
        asyncio.run(serve())
    else:
        uvloop.run(serve())

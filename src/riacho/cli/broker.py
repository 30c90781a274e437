"""`riacho broker`: the log alone."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


class Fsync(Enum):
    """Who decides when records reach stable storage."""

    ACKS = "acks"
    KAFKA = "kafka"


@app.command()
def broker(
    directory: Annotated[
        Path | None,
        typer.Option(
            "--dir", metavar="DIR", help="Where the log is kept; made if it does not exist. [default: .riacho]"
        ),
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="The address to listen on; port 0 takes a free one. [default: 127.0.0.1:9092]",
        ),
    ] = None,
    advertise: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="The address that clients are told: by default the one listened on, or the one they reached.",
        ),
    ] = None,
    fsync: Annotated[
        Fsync,
        typer.Option(
            help="acks: answer acks=all after an fsync. kafka: leave it to flush.messages and flush.ms, as Kafka does."
        ),
    ] = Fsync.ACKS,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Properties under Kafka's names, one name=value a line.")
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="One property; wins over the file. May be repeated."),
    ] = None,
) -> None:
    """Serve Kafka's protocol from one directory, until Ctrl-C or SIGTERM.

    \b
        riacho broker
        riacho broker --listen :9092 --advertise log.org:9092
        riacho broker --set log.retention.hours=24

    When it serves it prints one line: ready kafka=HOST:PORT.
    """
    from riacho.broker.broker import NODE_ID
    from riacho.broker.config import placement
    from riacho.broker.config.settings import parse_assignment, read_properties
    from riacho.broker.serve import BrokerOptions, run
    from riacho.cli.log_output import log_to_stderr

    log_to_stderr()
    properties = read_properties(config) if config is not None else {}
    properties.update(parse_assignment(text) for text in assignments or ())
    placement.check_identity(properties, NODE_ID)
    run(
        BrokerOptions(
            directory=placement.directory_from(directory, properties),
            listen=placement.listen_address(listen, properties),
            advertise=placement.advertised_address(advertise, properties),
            sync_before_acks_all=fsync is Fsync.ACKS,
            properties=properties,
        )
    )

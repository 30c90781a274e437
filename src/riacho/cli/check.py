"""`riacho check`: compare the demo's results with DuckDB, as a part of the demo."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer()


@app.command(hidden=True)
def check(
    kafka: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where the flights are.")],
) -> None:
    """Recompute every result of the demo's jobs with DuckDB every 5 s and publish whether it is the same."""
    import signal

    from riacho.cli.log_output import log_to_stderr
    from riacho.client.admin import Admin
    from riacho.client.cluster import Cluster
    from riacho.client.config import ClientConfig
    from riacho.demo.check.checker import Checker
    from riacho.demo.topics import create_topics
    from riacho.host import SystemClock
    from riacho.jobs.topics import create_registry

    log_to_stderr()
    cluster = Cluster(ClientConfig(kafka, client_id="riacho-check"))
    try:
        create_topics(Admin(cluster))
        create_registry(Admin(cluster))
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)  # there is nothing to put in order, and a query may take seconds
        Checker(cluster, SystemClock()).follow()
    finally:
        cluster.close()

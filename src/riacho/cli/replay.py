"""`riacho replay`: publish the demo's flights, as a part of the demo."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer()


@app.command(hidden=True)
def replay(
    kafka: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where to publish.")],
    speed: Annotated[str, typer.Option(metavar="SECONDS|max", help="How long a day takes.")] = "20",
    live_from: Annotated[str, typer.Option("--from", metavar="YYYY-MM-DD", help="The day to hurry to.")] = "2013-02-08",
    days: Annotated[
        str, typer.Option(metavar="FIRST:LAST", help="Which days are published at all.")
    ] = "2013-01-01:2013-12-31",
    seed: Annotated[int, typer.Option(metavar="N", help="Decides lags and malformed events.")] = 2013,
    paused: Annotated[bool, typer.Option("--paused", help="Stand still at the day that is hurried to.")] = False,
) -> None:
    """Publish the year's events as their time comes, and submit the jobs that read them."""
    import threading

    from riacho.cli.ending import stopping_at_signals
    from riacho.cli.log_output import log_to_stderr
    from riacho.client.admin import Admin
    from riacho.client.cluster import Cluster
    from riacho.client.config import ClientConfig
    from riacho.demo.jobs import submit_jobs
    from riacho.demo.replay_options import ReplayOptions, parse_day, parse_days, parse_speed
    from riacho.demo.replayer import Replayer
    from riacho.demo.topics import create_topics
    from riacho.host import SystemClock
    from riacho.jobs.topics import create_registry

    log_to_stderr()
    stopped = threading.Event()
    clock = SystemClock()
    cluster = Cluster(ClientConfig(kafka, client_id="riacho-replay"))
    try:
        create_topics(Admin(cluster))
        create_registry(Admin(cluster))
        submit_jobs(cluster, clock)
        first, last = parse_days(days)
        options = ReplayOptions(seed, parse_speed(speed), parse_day(live_from), first, last, paused)
        with stopping_at_signals(stopped.set, "the replay goes on from what was published"):
            Replayer(cluster, clock, options).run(stopped)
    finally:
        cluster.close()

"""`riacho demo`: a platform with a year of real flights streaming through it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from riacho.cli.cluster import require_cluster
from riacho.cli.options import checked
from riacho.cli.up import Directory, Http, Kafka, Listen

app = typer.Typer()
log = logging.getLogger(__name__)


def _check_speed(text: str) -> None:
    from riacho.demo.replay_options import parse_speed

    parse_speed(text)


def _check_day(text: str) -> None:
    from riacho.demo.replay_options import parse_day

    parse_day(text)


def _check_days(text: str) -> None:
    from riacho.demo.replay_options import parse_days

    parse_days(text)


@app.command()
def demo(
    directory: Directory = Path(".riacho/demo"),
    listen: Listen = None,
    http: Http = "127.0.0.1:8080",
    kafka: Kafka = None,
    speed: Annotated[
        str,
        typer.Option(
            metavar="SECONDS|max", callback=checked(_check_speed), help="How long a day takes once the replay is live."
        ),
    ] = "20",
    live_from: Annotated[
        str,
        typer.Option(
            "--from", metavar="YYYY-MM-DD", callback=checked(_check_day), help="The day to hurry to before it plays."
        ),
    ] = "2013-02-08",
    paused: Annotated[
        bool, typer.Option("--paused", help="Stand still when that day is reached, until the page goes on.")
    ] = False,
    days: Annotated[
        str, typer.Option(metavar="FIRST:LAST", callback=checked(_check_days), help="Which days are published at all.")
    ] = "2013-01-01:2013-12-31",
    seed: Annotated[
        int, typer.Option(metavar="N", help="Decides how late each event comes, and which are malformed.")
    ] = 2013,
    check: Annotated[
        bool, typer.Option("--check", help="Replay the year at once, compare every cell with DuckDB, and exit.")
    ] = False,
    browser: Annotated[bool, typer.Option(help="Open the page where there is a display.")] = True,
) -> None:
    """Watch 336,776 real flights of 2013 stream through a log, SQL jobs and a live page.

    It hurries through January and plays the blizzard of 8 February. Pause, speed and jumps are on the page. Where a
    port is taken, the next free one is used.

    \b
        riacho demo
        riacho demo --speed 60 --from 2013-07-04
        riacho demo --check   all at once, against DuckDB
    """
    import asyncio
    import os
    import threading
    import webbrowser
    from importlib.util import find_spec

    from riacho.cli.log_output import log_to_stderr
    from riacho.cli.platform import PlatformOptions, broker_address, next_free, run_platform
    from riacho.demo.replay_options import ReplayOptions, parse_day, parse_days, parse_speed
    from riacho.host.child import ChildSpec, riacho_command

    log_to_stderr()
    listen = broker_address(listen, kafka)
    first, last = parse_days(days)
    replay_options = ReplayOptions(seed, parse_speed(speed), parse_day(live_from), first, last)
    if kafka is not None:
        require_cluster(kafka, "demo")
    own_listen = listen if kafka is not None else next_free(listen)
    own_http = next_free(http, besides=own_listen)
    for wanted, taken in ((listen, own_listen), (http, own_http)):
        if wanted != taken and not wanted.endswith(":0"):
            typer.echo(f"{wanted} is taken; using {taken}", err=True)
    chosen = PlatformOptions(directory, own_listen, own_http, kafka)

    def parts(kafka: str) -> list[ChildSpec]:
        pace = "max" if check else speed
        arguments = ["--kafka", kafka, "--speed", pace, "--from", live_from, "--days", days, "--seed", str(seed)]
        if paused and not check:
            arguments.append("--paused")
        replay = ChildSpec("replay", riacho_command("replay", *arguments))
        if check:
            return [replay]
        if find_spec("duckdb") is None:
            log.warning("the results are not compared with a batch engine: pip install 'riacho[demo]'")
            return [replay]
        return [replay, ChildSpec("check", riacho_command("check", "--kafka", kafka))]

    def announce(kafka: str, http: str) -> None:
        typer.echo(f"ready kafka={kafka} http={http}")
        typer.echo(f"the page is at http://{http}/ and any Kafka client can look at {kafka}; Ctrl-C ends it", err=True)
        if browser and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            # Some are waited for until they are closed, and meanwhile the parts want to be looked after.
            threading.Thread(target=webbrowser.open, args=[f"http://{http}/"], name="browser", daemon=True).start()

    if not check:
        asyncio.run(run_platform(chosen, on_ready=announce, more=parts))
        return
    from riacho.cli.demo_check import print_verdict, run_check

    verdict = asyncio.run(run_check(chosen, parts, replay_options))
    print_verdict(verdict)
    if not verdict.agrees:
        raise typer.Exit(1)

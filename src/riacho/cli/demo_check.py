"""The demo's check as a command: a platform that runs until the year has been compared, and the outcome as a table."""

from __future__ import annotations

import asyncio
import atexit
import gc
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import typer

from riacho.cli.platform import PlatformOptions, run_platform
from riacho.cli.tables import print_table
from riacho.demo.check.final import FinalCheck, Verdict
from riacho.errors import RiachoError
from riacho.host.child import ChildSpec

if TYPE_CHECKING:
    from riacho.demo.replay_options import ReplayOptions


async def run_check(
    options: PlatformOptions, parts: Callable[[str], Sequence[ChildSpec]], replay: ReplayOptions
) -> Verdict:
    """Replay, wait, compare. Raises `RiachoError` where it was ended before."""
    atexit.unregister(gc.freeze)  # DuckDB lists on stderr what was not collected when the process ends
    verdicts: list[Verdict] = []

    async def check(kafka: str) -> None:
        verdicts.append(await asyncio.to_thread(_check, kafka, replay))

    await run_platform(options, on_ready=lambda _kafka, _http: None, more=parts, until=check)
    if not verdicts:
        raise RiachoError("the check was ended before the replay")
    return verdicts[0]


def print_verdict(verdict: Verdict) -> None:
    """Every topic that was compared, then the account."""
    print_table(
        ["topic", "rows", "cells", "differ"],
        [[each.topic, f"{each.rows:,}", f"{each.cells:,}", f"{each.differ:,}"] for each in verdict.compared],
    )
    for each in verdict.compared:
        for example in each.examples:
            typer.echo(f"{each.topic}: {example}")
    account = verdict.account
    typer.echo(
        f"\ndepartures: {account.sent:,} sent = {account.used:,} used + {account.late:,} late + {account.dead:,} dead "
        f"+ {account.open:,} in hours still open{'' if account.balanced else ': NOT BALANCED'}"
    )
    typer.echo("the stream's answer equals the batch's" if verdict.agrees else "the stream's answer is another")


def _check(kafka: str, replay: ReplayOptions) -> Verdict:
    from riacho.client.admin import Admin
    from riacho.client.cluster import Cluster
    from riacho.client.config import ClientConfig
    from riacho.demo.topics import create_topics
    from riacho.host import SystemClock

    cluster = Cluster(ClientConfig(kafka, client_id="riacho-check"))
    try:
        create_topics(Admin(cluster))
        return FinalCheck(cluster, SystemClock(), replay).run(_show)
    finally:
        cluster.close()


def _show(state: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{state}")
        sys.stderr.flush()

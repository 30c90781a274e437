"""What `riacho bench nexmark` shows: how far it is, and its table."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from riacho.cli.tables import print_table

if TYPE_CHECKING:
    from riacho.bench.nexmark.child import Measured
    from riacho.bench.nexmark.run import Outcome, Progress


@contextmanager
def showing_progress(events: int) -> Iterator[Progress]:
    """A bar of the events of what is being done, where stderr is a terminal; else a line for each."""
    if not sys.stderr.isatty():
        said: set[str] = set()

        def say(what: str, done: int) -> None:
            del done
            if what not in said:
                said.add(what)
                typer.echo(what, err=True)

        yield say
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:16}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=events)
        doing = ""

        def show(what: str, done: int) -> None:
            nonlocal doing
            if what != doing:
                doing = what
                bar.reset(task, total=events, description=what)
            bar.update(task, completed=done)

        yield show


def print_outcomes(outcomes: Sequence[Outcome], peer: str | None) -> None:
    """A row per query that ran, then why others did not."""
    from riacho.bench.nexmark.run import geometric_mean

    titles = ["query", "M events/s", "CPU-s", "peak MB", "state MB"]
    if peer is not None:
        titles += [f"{peer}: M events/s", "CPU-s", "peak MB", "ratio"]
    rows = []
    for outcome in outcomes:
        state = None if outcome.ours is None else outcome.ours.state_mb
        row = [outcome.query, *_cells(outcome.ours), "" if state is None else f"{state:,.0f}"]
        if peer is not None:
            ratio = outcome.ratio
            row += [*_cells(outcome.peer), "" if ratio is None else f"{ratio:.2f}"]
        rows.append(row)
    print_table(titles, rows)
    mean = geometric_mean(outcomes)
    if mean is not None:
        typer.echo(f"\ngeometric mean of the ratios: {mean:.2f}")
    for outcome in outcomes:
        for engine, refused in (("riacho", outcome.refused), (peer, outcome.peer_refused)):
            if refused is not None:
                typer.echo(f"\n{outcome.query} does not run on {engine}: {refused}")


def _cells(measured: Measured | None) -> list[str]:
    if measured is None:
        return ["", "", ""]
    return [f"{measured.events_per_s / 1e6:.2f}", f"{measured.cpu_s:.1f}", f"{measured.peak_rss_mb:,.0f}"]

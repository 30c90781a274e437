"""`riacho job`: jobs inside a running platform."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from riacho.cli.groups import CommandGroup
from riacho.cli.options import DEFAULT_KAFKA, AsJson, Kafka
from riacho.cli.scripts import (
    KAFKA_VARIABLE,
    Assignments,
    PythonFiles,
    Script,
    ScriptCommand,
    python_modules,
    read_script,
    used_variables,
)
from riacho.client.reaching import connected

if TYPE_CHECKING:
    from riacho.jobs.catalog import JobCatalog

app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    help="Submit, list, show, stop, start, restart and delete jobs of a running platform.",
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The job's name; riacho job list shows them.")]


@app.command(cls=ScriptCommand)
def submit(
    file: Script,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The job's name: by default that of the file.")
    ] = None,
    kafka: Kafka = DEFAULT_KAFKA,
    assignments: Assignments = None,
    python: PythonFiles = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget the state of an earlier job of this name.")] = False,
) -> None:
    """Hand a script to the platform, which runs it.

    It is checked first, and one that starts no job is refused. A job of the same name is replaced; it goes on from its
    state where the new plan is the same. Values of ${NAME} are taken along; ${KAFKA} is the platform's own cluster.
    Where no platform takes the job up within 10 s this fails; the job stays registered for when one runs. The files of
    --py are taken along too.

    \b
        riacho job submit job.sql
        riacho job submit job.sql --name today --set DAY=8
        riacho job submit job.sql --py functions.py
    """
    from riacho.errors import UsageError
    from riacho.host import SystemClock
    from riacho.jobs.registry import JobSpec, checked_name
    from riacho.jobs.script import compile_job_script

    name = checked_name(file.path.stem if name is None else name)
    variables = used_variables(file.text, assignments)
    values = {KAFKA_VARIABLE: kafka, **variables}
    script = compile_job_script(file.text, str(file.path), values, python_modules(python))
    if not script.jobs:
        raise UsageError("the script starts no job", where=str(file.path), mend="write INSERT INTO a table SELECT …")
    functions = {path.name: read_script(path) for path in python or ()}
    with _catalog(kafka) as catalog:
        catalog.await_platform(_say_once("waiting for the platform to run jobs"))
        known = catalog.specs().get(name)
        now_ms = SystemClock().now_ms()
        spec = JobSpec(name, file.text, file.path.name, variables, submitted_ms=now_ms, fresh=fresh, python=functions)
        catalog.hand_over(spec.after(known))
    typer.echo(f"submitted {name}; riacho job list shows how it does")


@app.command("list")
def list_jobs(kafka: Kafka = DEFAULT_KAFKA, as_json: AsJson = False) -> None:
    """List the jobs: phase, rates, state, lag, and why one failed.

    \b
        riacho job list
        riacho job list --json | jq '.[] | {name, phase}'
    """
    from riacho.cli.phrases import byte_count
    from riacho.cli.tables import print_table

    with _catalog(kafka) as catalog:
        jobs = catalog.describe()
    if as_json:
        typer.echo(json.dumps(jobs))
        return
    print_table(
        ["job", "phase", "rows in/s", "rows out/s", "state", "lag", "restarts"],
        [
            [
                job["name"],
                job["phase"],
                *(
                    [
                        f"{metrics['rows_in_per_s']:,.0f}",
                        f"{metrics['rows_out_per_s']:,.0f}",
                        byte_count(metrics["state_bytes"]),
                        "" if metrics["lag"] is None else f"{metrics['lag']:,}",
                    ]
                    if (metrics := job["metrics"]) is not None
                    else [""] * 4
                ),
                str(job["restarts"]),
            ]
            for job in jobs
        ],
        empty="no job was submitted: riacho job submit FILE.sql",
    )
    for job in jobs:
        if job["error"]:
            typer.echo(f"\n{job['name']} {job['phase']}: {job['error'].splitlines()[0]}")
        _tell_if_silent(job)


@app.command()
def show(name: Name, kafka: Kafka = DEFAULT_KAFKA, as_json: AsJson = False) -> None:
    """Show a job: its operators, its SQL and why it failed.

    Each operator stands above those that it reads, with how many rows it has read and given, how many came too late,
    and how large its state is; below them, of each watermark, which partition holds it back.

    \b
        riacho job show revenue
        riacho job show revenue --json | jq .metrics.lag
    """
    from riacho.cli.operator_table import print_operators
    from riacho.cli.phrases import counted

    with _catalog(kafka) as catalog:
        catalog.known(name)
        job = catalog.describe_one(name)
    if as_json:
        typer.echo(json.dumps(job))
        return
    typer.echo(f"{name}: {job['phase']}, {counted(job['restarts'], 'restart')}")
    if job["error"]:
        typer.echo(f"\n{job['error']}")
    _tell_if_silent(job)
    if job["metrics"] is not None:
        typer.echo()
        print_operators(job["metrics"]["operators"])
        _tell_what_holds_back(job["metrics"].get("held_back_by", []), job["metrics"].get("idle_tables", []))
    typer.echo(f"\n{job['sql']}")


@app.command()
def stop(name: Name, kafka: Kafka = DEFAULT_KAFKA) -> None:
    """Stop a job; its state stays, and start goes on from it. One that is stopped already is left alone.

    \b
        riacho job stop revenue
    """
    with _catalog(kafka) as catalog:
        ran = catalog.stop(name)
    typer.echo(f"stopped {name}" if ran else f"{name} is stopped already")


@app.command()
def start(name: Name, kafka: Kafka = DEFAULT_KAFKA) -> None:
    """Start a stopped, failed or finished job again, from its state. One that runs is left alone.

    \b
        riacho job start revenue
    """
    from riacho.jobs.catalog import is_up

    with _catalog(kafka) as catalog:
        spec = catalog.known(name)
        if is_up(catalog.describe_one(name)):
            typer.echo(f"{name} runs already; riacho job restart {name} starts it anew")
            return
        catalog.hand_over(spec.started())
    typer.echo(f"starting {name}")


@app.command()
def restart(name: Name, kafka: Kafka = DEFAULT_KAFKA) -> None:
    """Stop a job and start it again from its state.

    \b
        riacho job restart revenue
    """
    with _catalog(kafka) as catalog:
        catalog.hand_over(catalog.known(name).started())
    typer.echo(f"restarting {name}")


@app.command()
def delete(name: Name, kafka: Kafka = DEFAULT_KAFKA) -> None:
    """Stop a job and forget it. The topics that it wrote stay.

    \b
        riacho job delete revenue
    """
    with _catalog(kafka) as catalog:
        catalog.known(name)
        catalog.delete(name)
    typer.echo(f"deleted {name}")


def _tell_what_holds_back(held: list[dict[str, Any]], idle: list[str]) -> None:
    """Which partitions the watermarks wait for, and for which tables none does."""
    from datetime import UTC, datetime

    told = []
    for each in held:
        if each["watermark"] is None:
            far = "no row has come yet"
        else:
            far = f"its own is {datetime.fromtimestamp(each['watermark'] / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
        told.append(f"the watermark of {each['table']} waits for {each['split']}: {far}")
    told += [f"{name} is idle: nothing came for its idle-timeout, and no watermark waits for it" for name in idle]
    if told:
        typer.echo("\n" + "\n".join(told))


def _tell_if_silent(job: dict[str, Any]) -> None:
    """Say so where a status may be all that is left of a platform that has ended."""
    if job["silent"] or job["phase"] == "submitted":
        heard = "has not been heard from lately" if job["silent"] else "was not taken up yet"
        typer.echo(f"\n{job['name']} {heard}: does its platform run? riacho up starts it", err=True)


def _say_once(text: str) -> Callable[[], None]:
    """A function that prints this on stderr when it is first called."""
    return functools.cache(lambda: typer.echo(text, err=True))


@contextmanager
def _catalog(kafka: str) -> Iterator[JobCatalog]:
    from riacho.host import SystemClock
    from riacho.jobs.catalog import JobCatalog

    with connected(kafka, "job") as cluster, JobCatalog(cluster, SystemClock()) as catalog:
        yield catalog

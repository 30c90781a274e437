"""`riacho run`: a script of Flink SQL in the foreground."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from riacho.cli.scripts import Assignments, PythonFiles, Script, ScriptCommand, all_variables, python_modules

if TYPE_CHECKING:
    from riacho.jobs.reporter import Reporter
    from riacho.jobs.script import JobContext
    from riacho.jobs.worker import Worker
    from riacho.plan.relations import Job

app = typer.Typer()

COUNTED = {
    "rows_in": "rows in",
    "rows_out": "rows out",
    "late_rows": "late",
    "skipped": "skipped",
    "dead_letters": "to dead letters",
}
ALWAYS_COUNTED = ("rows_in", "rows_out")
"""What a job's last line tells: what became of rows that are in no result only where there are some."""


@app.command(cls=ScriptCommand)
def run(
    file: Script,
    kafka: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Fills ${KAFKA}; for tables without 'properties.bootstrap.servers'."),
    ] = None,
    assignments: Assignments = None,
    python: PythonFiles = None,
    directory: Annotated[
        Path, typer.Option("--dir", metavar="DIR", help="Where snapshots are kept, under jobs/NAME.")
    ] = Path(".riacho"),
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The job's name: by default that of the file.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start without the state of an earlier run.")] = False,
    submission: Annotated[
        str | None, typer.Option(hidden=True, help="Start without the state of submissions other than this one.")
    ] = None,
) -> None:
    """Run a script until its sources end, or until Ctrl-C.

    A stopped or killed job goes on from its newest snapshot when it is run again. Jobs of a script run one after
    another; put INSERTs that shall run together into a STATEMENT SET. A script that neither starts a job nor shows
    anything is refused.

    \b
        riacho run job.sql --kafka 127.0.0.1:9092
        riacho run job.sql --set TOPIC=orders --name today
        riacho run job.sql --py functions.py
        riacho run job.sql --fresh
    """
    from riacho.cli.log_output import log_to_stderr
    from riacho.errors import UsageError
    from riacho.host import SystemClock, SystemDisk
    from riacho.jobs.registry import checked_name
    from riacho.jobs.script import JobContext, compile_job_script
    from riacho.jobs.snapshot import SnapshotStore

    log_to_stderr()
    variables = all_variables(kafka, assignments)
    script = compile_job_script(file.text, str(file.path), variables, python_modules(python))
    for result in script.results:
        typer.echo(result.text)
    if not script.jobs and not script.results:
        raise UsageError("the script starts no job", where=str(file.path), mend="write INSERT INTO a table SELECT …")
    base = checked_name(name or file.path.stem.lower())
    for number, job in enumerate(script.jobs):
        own = base if len(script.jobs) == 1 else f"{base}/{number + 1}"  # no other job's name has a slash
        folder = directory / "jobs" / own
        context = JobContext(own, SystemClock(), SystemDisk(), folder, kafka)
        snapshots = SnapshotStore(folder, disk=context.disk, clock=context.clock)
        if fresh:
            snapshots.clear()
        elif submission is not None:
            snapshots.begin(submission)
        if not _run_job(job, context):
            return


def _run_job(job: Job, context: JobContext) -> bool:
    """Run one job to its end; whether its sources ended (rather than somebody stopping it)."""
    from contextlib import ExitStack

    from riacho.cli.ending import stopping_at_signals
    from riacho.cli.job_progress import JobProgress
    from riacho.jobs.script import open_worker

    with JobProgress(context.name) as progress:
        report = _reporter(job, context)

        def observe(worker: Worker) -> None:
            progress.show(worker.measurements.current)
            if report is not None:
                report(worker)

        worker, wiring = open_worker(job, context, observe)
        with ExitStack() as ending:
            try:
                worker.connect()
                if report is not None:
                    report.begin(worker)
                # Until now there was nothing to put in order.
                ending.enter_context(
                    stopping_at_signals(worker.stop, "what came after the last snapshot will be repeated")
                )
                # What a start makes stays. To look at all of it takes the collector a third of a second, in which no
                # pass runs.
                gc.freeze()
                typer.echo(f"ready kafka={context.kafka}" if context.kafka else "ready")
                finished = worker.run()
            finally:
                wiring.close()
                if report is not None:
                    report.close()
    current = worker.measurements.current
    state = "finished" if finished else "stopped"
    counts = [f"{current[key]:,} {what}" for key, what in COUNTED.items() if current[key] or key in ALWAYS_COUNTED]
    typer.echo(f"{context.name} {state}: {', '.join(counts)}", err=True)
    return finished


def _reporter(job: Job, context: JobContext) -> Reporter | None:
    """What publishes the job's measurements where a platform runs on its cluster; None elsewhere."""
    from riacho.client.admin import Admin
    from riacho.client.cluster import Cluster
    from riacho.client.config import ClientConfig
    from riacho.jobs.registry import METRICS_TOPIC
    from riacho.jobs.reporter import Reporter
    from riacho.jobs.script import job_identity

    if context.kafka is None:
        return None
    cluster = Cluster(ClientConfig(context.kafka, client_id=f"riacho-{context.name}"))
    if METRICS_TOPIC not in {topic.name for topic in Admin(cluster).list_topics(internal=True)}:
        cluster.close()
        return None
    topics = {topic for sink in job.sinks if (topic := sink.table.option("topic")) is not None}
    script = context.name.partition("/")[0]  # the platform knows the script, whose jobs run in turn
    return Reporter(script, job_identity(job), cluster, topics, context.clock)

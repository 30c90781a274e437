"""`riacho jobs`: run the jobs that are submitted, as a part of a platform."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command(hidden=True)
def jobs(
    kafka: Annotated[str, typer.Option(metavar="HOST:PORT", help="The cluster that holds the registry of jobs.")],
    directory: Annotated[Path, typer.Option("--dir", metavar="DIR", help="Where jobs keep their state.")] = Path(
        ".riacho"
    ),
) -> None:
    """Run the submitted jobs, a process each, until Ctrl-C or SIGTERM. `riacho up` starts this."""
    import asyncio
    import signal
    from contextlib import ExitStack

    from riacho.cli.ending import end_in_time
    from riacho.cli.log_output import log_to_stderr
    from riacho.client.cluster import Cluster
    from riacho.client.config import ClientConfig
    from riacho.host import SystemClock, SystemDisk
    from riacho.jobs.supervisor import JobSupervisor

    log_to_stderr()

    async def supervise() -> None:
        cluster = Cluster(ClientConfig(kafka, client_id="riacho-jobs"))
        supervisor = JobSupervisor(cluster, kafka, directory, disk=SystemDisk(), clock=SystemClock())
        task = asyncio.create_task(supervisor.run(on_ready=lambda: typer.echo(f"ready kafka={kafka}")))
        with ExitStack() as ending:

            def stop() -> None:
                task.cancel()
                ending.callback(end_in_time("the jobs end by themselves").cancel)

            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, stop)
            try:
                await task
            except asyncio.CancelledError:
                typer.echo("stopped", err=True)
            finally:
                cluster.close()

    asyncio.run(supervise())

"""A query as a job of ours, in a process of its own: `python -m riacho.bench.nexmark.job`."""

from __future__ import annotations

import time
from typing import Any

from riacho.bench.nexmark.answers import answer, say
from riacho.errors import RiachoError
from riacho.host import SystemClock, SystemDisk
from riacho.jobs.script import JobContext, compile_job_script, open_worker
from riacho.jobs.worker import Worker


def run(request: dict[str, Any]) -> int:
    """Run the script's one job to the end of its sources; the number of events that it has read."""
    (job,) = compile_job_script(
        request["warming" if request["warm"] else "script"], "nexmark", request["variables"]
    ).jobs

    def observe(events: int) -> None:
        if not request["warm"]:
            say({"events": events, "cpu_s": time.process_time()})

    def observe_worker(worker: Worker) -> None:
        observe(worker.measurements.current["rows_in"])

    worker, wiring = open_worker(job, JobContext("nexmark", SystemClock(), SystemDisk()), observe_worker)
    try:
        observe(0)
        if not worker.run():
            raise RiachoError("the job was stopped before its sources ended")
        events = sum(source.counts.rows for source in wiring.sources.values())
        observe(events)
        return events
    finally:
        wiring.close()


if __name__ == "__main__":
    answer(run)

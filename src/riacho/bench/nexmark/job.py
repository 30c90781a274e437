"""A query as a job of ours, in a process of its own: `python -m riacho.bench.nexmark.job`."""

from __future__ import annotations

import gc
import time
from typing import Any

from riacho.bench.nexmark.answers import Ran, answer, say
from riacho.errors import RiachoError
from riacho.host import SystemClock, SystemDisk
from riacho.jobs.script import JobContext, compile_job_script, open_worker
from riacho.jobs.worker import Worker


def run(request: dict[str, Any]) -> Ran:
    """Run the script's one job to the end of its sources."""
    (job,) = compile_job_script(
        request["warming" if request["warm"] else "script"], "nexmark", request["variables"]
    ).jobs

    state_bytes = 0

    def observe(events: int) -> None:
        if not request["warm"]:
            say({"events": events, "cpu_s": time.process_time()})

    def observe_worker(worker: Worker) -> None:
        nonlocal state_bytes
        state_bytes = max(state_bytes, worker.measurements.current["state_bytes"])
        observe(worker.measurements.current["rows_in"])

    worker, wiring = open_worker(job, JobContext("nexmark", SystemClock(), SystemDisk()), observe_worker)
    gc.freeze()  # as `riacho run` does
    try:
        observe(0)
        if not worker.run():
            raise RiachoError("the job was stopped before its sources ended")
        events = sum(source.counts.rows for source in wiring.sources.values())
        observe(events)
        return Ran(events, state_bytes / 1e6)
    finally:
        wiring.close()


if __name__ == "__main__":
    answer(run)

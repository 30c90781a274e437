"""Apache Flink 2.2 on this machine: fetched, started, asked by SQL, measured, stopped.

    with Flink(directory) as flink:
        session = flink.session({"table.exec.mini-batch.enabled": "true"})
        session.execute("CREATE TABLE …")
        job = session.submit("INSERT INTO …")
        duration_ms = flink.wait(job).duration_ms
        print(flink.cpu_s(), flink.peak_rss_mb())

It needs a JDK 17 or newer, Maven and pip.
"""

from riacho.bench.peers.flink.cluster import Flink, FlinkJob, Memory
from riacho.bench.peers.flink.distribution import Distribution, FlinkMissingError, fetch
from riacho.bench.peers.flink.gateway import Column, FlinkError, Result, Session

__all__ = [
    "Column",
    "Distribution",
    "Flink",
    "FlinkError",
    "FlinkJob",
    "FlinkMissingError",
    "Memory",
    "Result",
    "Session",
    "fetch",
]

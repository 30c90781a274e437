"""Streams as dataframes: an Ibis backend over topics. Needs the extra `riacho[ibis]`.

    import riacho.ibis

    con = riacho.ibis.connect("127.0.0.1:9092")
    orders = con.topic("orders")
    by_city = orders.group_by("city").agg(revenue=orders.price.sum())
    by_city.to_polars()                                   # what the topic holds now
    job = riacho.ibis.start(by_city, into=con.table("revenue"))  # for good
    job.stop()

The same expressions run on Apache Flink and, as a batch, on DuckDB, since Ibis compiles them.
"""

from __future__ import annotations

from riacho.errors import RiachoError

try:
    import ibis  # noqa: F401 - only whether it is there
    import pyarrow  # noqa: F401
except ImportError as error:
    raise RiachoError("Ibis is not installed", mend="pip install 'riacho[ibis]'") from error

from riacho.ibis.backend import Backend
from riacho.ibis.jobs import RunningJob, jobs, start


def connect(kafka: str = "127.0.0.1:9092", *, progress: bool = True) -> Backend:
    """A session on a cluster. Raises `UnreachableError` where no broker answers.

    `progress`: show a bar on stderr while a query that takes longer than a second reads.
    """
    backend = Backend(kafka, progress=progress)
    backend.reconnect()
    return backend


__all__ = ["Backend", "RunningJob", "connect", "jobs", "start"]

"""The Flink that answers are compared with and benchmarks run against."""

from __future__ import annotations

import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from job_process import until
from processes import alive
from riacho.bench.peers.flink import Column, Flink, FlinkError
from riacho.bench.process import descendants

GENERATED = (
    "CREATE TABLE g (a BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '100000', "
    "'rows-per-second' = '1000000000')"
)
NOWHERE = "CREATE TABLE nowhere (a BIGINT, n BIGINT) WITH ('connector' = 'blackhole')"
COUNTS = "INSERT INTO nowhere SELECT MOD(a, 10), COUNT(*) FROM g GROUP BY MOD(a, 10)"

BENCHMARK = """
import sys
from pathlib import Path
from riacho.bench.peers.flink import Flink
Flink(Path(sys.argv[1]))
"""


def test_a_job_is_waited_for_and_measured(flink: Flink) -> None:
    session = flink.session({"table.exec.mini-batch.enabled": "true", "table.exec.mini-batch.allow-latency": "1 s"})
    session.set("table.exec.mini-batch.size", "1000")
    for statement in (GENERATED, NOWHERE):
        session.execute(statement)
    spent_before_s = flink.cpu_s()

    job = flink.wait(session.submit(COUNTS))

    assert job.duration_ms > 0
    assert flink.cpu_s() > spent_before_s
    assert flink.peak_rss_mb() > 0
    assert flink.state(job.id) == "FINISHED"


def test_a_query_gives_its_changes_and_their_types(flink: Flink) -> None:
    session = flink.session({"parallelism.default": "1"})

    result = session.execute("SELECT k, SUM(v) AS total FROM (VALUES ('a', 1.5), ('a', 2.25)) AS t(k, v) GROUP BY k")

    assert result.columns == (Column("k", "CHAR(1) NOT NULL"), Column("total", "DECIMAL(38, 2) NOT NULL"))
    assert result.rows == (
        ("INSERT", ("a", Decimal("1.50"))),
        ("UPDATE_BEFORE", ("a", Decimal("1.50"))),
        ("UPDATE_AFTER", ("a", Decimal("3.75"))),
    )


def test_what_flink_refuses_says_why(flink: Flink) -> None:
    session = flink.session()
    session.execute(GENERATED)

    with pytest.raises(FlinkError, match="Column 'b' not found in any table"):
        session.execute("SELECT b FROM g")


def test_a_job_that_fails_says_why(flink: Flink) -> None:
    session = flink.session()
    for statement in (GENERATED, NOWHERE):
        session.execute(statement)

    with pytest.raises(FlinkError, match="/ by zero"):
        flink.wait(session.submit("INSERT INTO nowhere SELECT a / (a - a), 1 FROM g"))


def program(pid: int) -> str:
    """The name of what a process runs; nothing where it has ended: Java is first asked for its version."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_it_ends_with_the_process_that_started_it(tmp_path: Path, ending: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", BENCHMARK, str(tmp_path)]) as process:
        until(lambda: [program(child) for child in descendants(process.pid)] == ["java"] * 3, "three of Java run")
        children = descendants(process.pid)
        process.send_signal(ending)
        process.wait()
    until(lambda: not any(map(alive, children)), "Java has ended")

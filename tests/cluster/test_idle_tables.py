"""Tables that fall silent and wake, in Riacho and in Flink over the same topics: both wait for the same ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from answers import SETTINGS, statements

from job_process import JobProcess, Reader, create_topic, kafka_table, produce, until
from riacho.bench.peers.flink import Flink
from running_broker import RunningBroker

SILENCE = "2 s"
"""Long enough for either engine to read what was produced before it calls a table idle."""

COLUMNS = "ts TIMESTAMP(3), WATERMARK FOR ts AS ts"
READ = {"scan_watermark_idle-timeout": SILENCE, "scan_watermark_emit_strategy": "on-event"}

QUERIES = """
CREATE VIEW united AS SELECT ts FROM often UNION ALL SELECT ts FROM rare;
EXECUTE STATEMENT SET BEGIN
  INSERT INTO counted SELECT window_end, COUNT(*) FROM TUMBLE(TABLE united, DESCRIPTOR(ts), INTERVAL '1' MINUTE)
    GROUP BY window_start, window_end;
  INSERT INTO beside SELECT often.ts, CAST(rare.ts AS STRING) FROM often
    LEFT JOIN rare ON 1 = 1 AND rare.ts BETWEEN often.ts AND often.ts + INTERVAL '10' SECOND;
END;
"""
OUTPUTS = {"counted": "ts TIMESTAMP(3), n BIGINT", "beside": "ts TIMESTAMP(3), partner STRING"}


@contextmanager
def in_riacho(kafka: str, script: str, directory: Path) -> Iterator[None]:
    process = JobProcess(directory, kafka, script).start()
    try:
        yield
    finally:
        process.close()


@contextmanager
def in_flink(flink: Flink, script: str) -> Iterator[None]:
    session = flink.session(SETTINGS)
    *before, running = statements(script.replace(";\n  INSERT", "; INSERT").replace(";\nEND", "; END"))
    for statement in before:
        session.execute(statement)
    job = session.submit(f"{running};")
    try:
        yield
    finally:
        flink.cancel(job)


class Answers:
    """What one engine has written."""

    def __init__(self, kafka: str, engine: str) -> None:
        self._readers = {name: Reader(kafka, f"{engine}.{name}") for name in OUTPUTS}

    def of(self, table: str) -> list[tuple[object, ...]]:
        return [tuple(value.values()) for value in self._readers[table].values()]

    def close(self) -> None:
        for reader in self._readers.values():
            reader.close()


def script(kafka: str, engine: str) -> str:
    options = {"properties_bootstrap_servers": kafka}
    read = [kafka_table(name, COLUMNS, name, **READ, **options) for name in ("often", "rare")]
    written = [kafka_table(name, columns, f"{engine}.{name}", **options) for name, columns in OUTPUTS.items()]
    return "".join([*read, *written, QUERIES])


def at(*times: str) -> list[dict[str, str]]:
    return [{"ts": f"2024-01-01 {time}"} for time in times]


@pytest.fixture
def answers(kafka: RunningBroker, flink: Flink, tmp_path: Path) -> Iterator[dict[str, Answers]]:
    """Of both engines, which run."""
    for name in ("often", "rare", *(f"{engine}.{name}" for engine in ("riacho", "flink") for name in OUTPUTS)):
        create_topic(kafka.bootstrap, name)
    both = {engine: Answers(kafka.bootstrap, engine) for engine in ("riacho", "flink")}
    with (
        in_riacho(kafka.bootstrap, script(kafka.bootstrap, "riacho"), tmp_path),
        in_flink(flink, script(kafka.bootstrap, "flink")),
    ):
        yield both
    for each in both.values():
        each.close()


def test_tables_that_are_idle_are_not_waited_for_and_their_late_rows_are_dropped_when_they_wake(
    kafka: RunningBroker, answers: dict[str, Answers]
) -> None:
    produce(kafka.bootstrap, "rare", at("00:00:00"))
    produce(kafka.bootstrap, "often", at("00:00:06", "00:01:06"))
    for engine, each in answers.items():
        until(lambda each=each: each.of("counted") and each.of("beside"), f"{engine} waits for none of them")

    produce(kafka.bootstrap, "rare", at("00:00:59", "00:01:07", "00:02:00"))

    for engine, each in answers.items():
        until(lambda each=each: len(each.of("counted")) > 1 and len(each.of("beside")) > 1, f"{engine} goes on")
        assert each.of("counted") == [("2024-01-01 00:01:00", 2), ("2024-01-01 00:02:00", 2)]
        assert each.of("beside") == [("2024-01-01 00:00:06", None), ("2024-01-01 00:01:06", "2024-01-01 00:01:07.000")]

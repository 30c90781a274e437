"""Partitioned tables of files: directories by value, read back as columns, and committed when they are complete."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from riacho.dataflow.batch import Batch, WatermarkSteps
from riacho.dataflow.columns import polars_schema
from riacho.dataflow.connectors import ConnectorEnvironment, check_table, open_sink, open_source
from riacho.dataflow.sinks.partitioned_files import PartitionedFileSink
from riacho.errors import RiachoError
from riacho.host import ManualClock
from riacho.jobs.bounded_query import run_insert
from riacho.plan.relations import Field as PlanField
from riacho.plan.relations import Scan, Sink, Values
from riacho.plan.tables import Table
from riacho.sql.errors import SqlError
from riacho.sql.session import Session

COMMIT = "'sink.partition-commit.policy.kind' = 'success-file'"
BY_TIME = (
    f"{COMMIT}, 'sink.partition-commit.trigger' = 'partition-time', 'sink.partition-commit.delay' = '1 h', "
    "'partition.time-extractor.timestamp-pattern' = '$day $hour:00:00'"
)
NOON_MS = 1_704_110_400_000


class Files:
    """A table `(day, id, hour)` partitioned by day and hour, below a directory."""

    def __init__(self, directory: Path, options: str = "", columns: str = "day STRING, id INT, hour STRING") -> None:
        self.directory = directory
        self.clock = ManualClock(NOON_MS)
        names = columns.replace("day", "`day`").replace("hour", "`hour`")
        session = Session(check_table=check_table)
        session.execute(
            f"CREATE TABLE t ({names}) PARTITIONED BY (`day`, `hour`) WITH ('connector' = 'filesystem', "
            f"'path' = '{directory}', 'format' = 'json'{', ' if options else ''}{options});"
        )
        self.session = session
        (scan,) = [step for step in [session.query("SELECT * FROM t")] if isinstance(step, Scan)]
        self.table: Table = scan.table
        self.sink = self.opened()

    def opened(self) -> PartitionedFileSink:
        fields = tuple(PlanField(column.name, column.type) for column in self.table.persisted_columns)
        sink = open_sink(Sink(Values(fields, ()), self.table), ConnectorEnvironment(clock=self.clock))
        assert isinstance(sink, PartitionedFileSink)
        return sink

    def write(self, *rows: tuple[Any, ...], watermark: int = -(2**63)) -> None:
        schema = polars_schema(Scan(self.table, tuple(c.name for c in self.table.stored_columns)).schema)
        frame = pl.DataFrame(rows, schema=schema, orient="row")
        self.sink.write(Batch(frame, np.arange(len(rows)), WatermarkSteps.still(watermark)))

    def insert(self, statement: str) -> None:
        (job,) = self.session.execute(f"INSERT INTO t {statement};").jobs
        run_insert(job, "none.invalid:9092")

    def names(self, pattern: str = "part-*") -> set[str]:
        return {str(path.parent.relative_to(self.directory)) for path in self.directory.rglob(pattern)}

    def read(self, *fields: str) -> list[tuple[Any, ...]]:
        source = open_source(Scan(self.table, fields or ("day", "id", "hour")), ConnectorEnvironment())
        rows = []
        while not source.finished:
            batch = source.poll(1000, 1 << 20, 0)
            rows += [] if batch is None else batch.frame.rows()
        return sorted(rows, key=str)


def test_an_insert_says_which_partition_its_rows_are_of(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.insert("PARTITION (`hour` = 10, `day` = '2024-01-01') VALUES (1), (2)")
    files.insert("PARTITION (`hour` = '11') (id, `day`) SELECT 3, '2024-01-02'")

    assert files.names() == {"day=2024-01-01/hour=10", "day=2024-01-02/hour=11"}
    assert files.read() == [("2024-01-01", 1, "10"), ("2024-01-01", 2, "10"), ("2024-01-02", 3, "11")]


def test_rows_are_in_the_directories_of_their_values_and_read_back(tmp_path: Path) -> None:
    files = Files(tmp_path)
    rows = [("2024-01-01", 1, "10:30"), ("2024-01-01", 2, "a/b"), (None, 3, ""), ("2024-01-01", 4, "10:30")]
    files.write(*rows)
    assert files.names() == set(), "nothing is visible before a flush"
    files.sink.flush()
    assert files.names() == {
        "day=2024-01-01/hour=10%3A30",
        "day=2024-01-01/hour=a%2Fb",
        "day=__DEFAULT_PARTITION__/hour=__DEFAULT_PARTITION__",
    }
    files.write(("2024-01-01", 5, "10:30"))
    files.sink.close()
    assert len(list((tmp_path / "day=2024-01-01/hour=10%3A30").glob("part-*"))) == 2
    read = [(day, number, None if number == 3 else hour) for day, number, hour in [*rows, ("2024-01-01", 5, "10:30")]]
    assert files.read() == sorted(read, key=str)
    assert files.read("hour") == sorted(((hour,) for _, _, hour in read), key=str)
    assert "day" not in next(tmp_path.rglob("part-*")).read_text()


def test_partitions_may_be_numbers_and_dates(tmp_path: Path) -> None:
    files = Files(tmp_path, columns="day DATE, id INT, hour INT")
    files.write((datetime.date(2024, 2, 29), 1, 7), (None, 2, -1))
    files.sink.close()
    assert files.names() == {"day=2024-02-29/hour=7", "day=__DEFAULT_PARTITION__/hour=-1"}
    assert files.read() == [(None, 2, -1), (datetime.date(2024, 2, 29), 1, 7)]


def test_what_a_kill_left_is_removed_in_every_partition(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.write(("d", 1, "1"), ("d", 2, "2"))
    files.sink.flush()
    positions = files.sink.positions()
    files.write(("d", 3, "2"), ("e", 4, "1"))
    assert files.names(".part-*") == {"day=d/hour=2", "day=e/hour=1"}
    files.sink = files.opened()
    files.sink.restore(positions)
    assert files.names(".part-*") == set()
    files.write(("d", 3, "2"))
    files.sink.close()
    assert files.read() == [("d", 1, "1"), ("d", 2, "2"), ("d", 3, "2")]


def test_a_partition_is_complete_when_the_watermark_has_passed_its_time_and_the_delay(tmp_path: Path) -> None:
    files = Files(tmp_path, BY_TIME)
    row = ("2024-01-01", 1, "12")
    files.write(row, watermark=NOON_MS + 3_599_999)
    files.sink.flush()
    assert files.names("_SUCCESS") == set()
    files.write(("2024-01-01", 2, "13"), watermark=NOON_MS + 3_600_000)
    assert files.names("_SUCCESS") == set(), "it is committed when its rows are visible"
    files.sink.flush()
    assert files.names("_SUCCESS") == {"day=2024-01-01/hour=12"}
    files.sink.finish()
    files.sink.flush()
    assert files.names("_SUCCESS") == {"day=2024-01-01/hour=12", "day=2024-01-01/hour=13"}


def test_by_the_clock_a_partition_is_complete_a_delay_after_its_first_row_also_after_a_restart(tmp_path: Path) -> None:
    files = Files(tmp_path, f"{COMMIT}, 'sink.partition-commit.delay' = '10 s'")
    files.write(("d", 1, "1"))
    files.sink.flush()
    positions = files.sink.positions()
    files.sink = files.opened()
    files.sink.restore(positions)
    files.clock.advance(9_999)
    files.sink.flush()
    assert files.names("_SUCCESS") == set()
    files.clock.advance(1)
    files.sink.flush()
    assert files.names("_SUCCESS") == {"day=d/hour=1"}


def test_a_partition_without_a_time_is_told(tmp_path: Path) -> None:
    files = Files(tmp_path, BY_TIME)
    files.write(("today", 1, "12"))
    with pytest.raises(RiachoError, match="has no time: 'today 12:00:00'"):
        files.sink.flush()


def test_a_file_outside_of_partitions_is_told(tmp_path: Path) -> None:
    files = Files(tmp_path)
    (tmp_path / "day=1").mkdir()
    (tmp_path / "day=1" / "stray").write_text('{"id": 1}\n')
    with pytest.raises(RiachoError, match="does not say what 'hour' is"):
        files.read()


def test_a_directory_that_is_no_number_is_told(tmp_path: Path) -> None:
    files = Files(tmp_path, columns="day DATE, id INT, hour INT")
    (tmp_path / "day=2024-01-01" / "hour=noon").mkdir(parents=True)
    (tmp_path / "day=2024-01-01" / "hour=noon" / "part").write_text('{"id": 1}\n')
    with pytest.raises(RiachoError, match="has no INT for 'hour'"):
        files.read()


@pytest.mark.parametrize(
    ("options", "columns", "message"),
    [
        ("'sink.partition-commit.delay' = '1 h'", "", "needs the option 'sink.partition-commit.policy.kind'"),
        ("'sink.partition-commit.policy.kind' = 'metastore,success-file'", "", "there is no metastore"),
        ("'partition.time-extractor.kind' = 'custom'", "", "must be"),
        ("", "day STRING, hour STRING", "nothing is left for the files"),
        ("", "day STRING, id INT, hour DOUBLE", "cannot be partitioned by 'hour', which is DOUBLE"),
    ],
)
def test_wrong_partitions_are_refused(tmp_path: Path, options: str, columns: str, message: str) -> None:
    with pytest.raises(SqlError) as caught:
        Files(tmp_path, options, columns or "day STRING, id INT, hour STRING")
    assert message in str(caught.value)

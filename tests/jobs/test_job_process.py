"""A job's life, seen from outside: stopped, killed, restarted, refused."""

from __future__ import annotations

import json
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import duckdb
import polars as pl
import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from job_process import DEADLINE_S, JobProcess, Reader, create_topic, kafka_table, produce, until, upsert_table
from running_broker import RunningBroker

PARTITIONS = 3

COPY = """
INSERT INTO copied SELECT id, k, amount FROM events WHERE amount >= 0;
"""

TOTALS = """
INSERT INTO totals SELECT k, COUNT(*), SUM(amount), MIN(id) FROM events GROUP BY k;
"""

StartJob = Callable[..., JobProcess]
OpenReader = Callable[..., Reader]


@pytest.fixture
def job(tmp_path: Path) -> Iterator[StartJob]:
    """Makes jobs of a test's own; they end with the test."""
    made: list[JobProcess] = []

    def make(kafka: RunningBroker, sql: str, *options: str) -> JobProcess:
        made.append(JobProcess(tmp_path / f"job-{len(made)}", kafka.bootstrap, sql, *options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def reader() -> Iterator[OpenReader]:
    opened: list[Reader] = []

    def open_reader(kafka: RunningBroker, topic: str) -> Reader:
        opened.append(Reader(kafka.bootstrap, topic))
        return opened[-1]

    yield open_reader
    for each in opened:
        each.close()


def events(first: int, count: int) -> list[dict[str, int]]:
    return [{"id": number, "k": number % 7, "amount": number * 31 % 1000} for number in range(first, first + count)]


def copy_job(topic: str, **options: str) -> str:
    return (
        kafka_table("events", "id BIGINT, k BIGINT, amount BIGINT", topic, **options)
        + kafka_table("copied", "id BIGINT, k BIGINT, amount BIGINT", f"{topic}.copied")
        + COPY
    )


def totals_job(topic: str, **options: str) -> str:
    columns = "k BIGINT, n BIGINT, total BIGINT, first_id BIGINT, PRIMARY KEY (k) NOT ENFORCED"
    return (
        kafka_table("events", "id BIGINT, k BIGINT, amount BIGINT", topic, **options)
        + upsert_table("totals", columns, f"{topic}.totals")
        + TOTALS
    )


def expected_totals(rows: list[dict[str, int]], file: Path) -> dict[str, dict[str, int]]:
    """What TOTALS makes of these rows, by DuckDB, which reads them from a file."""
    pl.DataFrame(rows).write_parquet(file)
    query = f"SELECT k, COUNT(*), SUM(amount)::BIGINT, MIN(id) FROM '{file}' GROUP BY k"
    return {
        f'{{"k":{k}}}': {"k": k, "n": n, "total": total, "first_id": first}
        for k, n, total, first in duckdb.sql(query).fetchall()
    }


def ids(values: list[Any]) -> Counter[int]:
    return Counter(value["id"] for value in values)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_job_goes_on_without_loss_or_repetition(
    kafka: RunningBroker, topic: str, job: StartJob, reader: OpenReader, ending: signal.Signals
) -> None:
    create_topic(kafka.bootstrap, topic, PARTITIONS)
    copied = reader(kafka, f"{topic}.copied")
    process = job(kafka, copy_job(topic))
    first = 0
    for _ in range(3):
        process.start()
        produce(kafka.bootstrap, topic, events(first, 2_000), partitions=PARTITIONS)
        first += 2_000
        until(lambda: len(copied.read()) > first - 1_500, "the job has begun with what came")  # noqa: B023
        assert process.end(ending) == 0
        assert process.snapshots
    process.start()
    until(lambda: len(copied.read()) >= first, "the job has copied all")
    process.end(ending)
    assert ids(copied.values()) == dict.fromkeys(range(first), 1)


def test_a_killed_job_loses_nothing_and_its_upserts_are_exact(
    kafka: RunningBroker, topic: str, job: StartJob, reader: OpenReader, tmp_path: Path
) -> None:
    create_topic(kafka.bootstrap, topic, PARTITIONS)
    totals, copied = reader(kafka, f"{topic}.totals"), reader(kafka, f"{topic}.copied")
    both = [job(kafka, totals_job(topic)), job(kafka, copy_job(topic))]
    rows = events(0, 20_000)
    done = Event()

    def feed() -> None:
        for start in range(0, len(rows), 500):
            produce(kafka.bootstrap, topic, rows[start : start + 500], partitions=PARTITIONS)
        done.set()

    feeder = Thread(target=feed)
    feeder.start()
    chance = random.Random(7)
    for turn in range(3):
        for process in both:
            process.start()
        seen = len(copied.read())
        goal = seen + chance.randrange(1, 3_000)
        until(lambda: len(copied.read()) >= goal or done.is_set(), "the job goes on")  # noqa: B023
        for process in both:
            # A stop in between gives the next kill a snapshot to fall back on.
            process.end(signal.SIGTERM if turn == 1 else signal.SIGKILL)
    feeder.join()
    for process in both:
        process.start()
    expected = expected_totals(rows, tmp_path / "rows.parquet")
    until(lambda: totals.table() == expected, "the totals are DuckDB's")
    until(lambda: len(ids(copied.values())) == len(rows), "every row was copied")
    for process in both:
        process.end()


def in_the_air(topic: str, *, rows_a_pass: int) -> str:
    """A job over `topic` and others beside it that writes departures without arrivals, and the arrivals it has seen."""
    return (
        "SET 'table.exec.mini-batch.enabled' = 'true'; SET 'table.exec.mini-batch.allow-latency' = '1 h';\n"
        f"SET 'table.exec.mini-batch.size' = '{rows_a_pass}';\n"
        + kafka_table("departures", "id BIGINT", topic)
        + kafka_table("arrivals", "id BIGINT", f"{topic}.arrivals")
        + kafka_table("seen", "id BIGINT", f"{topic}.seen")
        + upsert_table("flying", "id BIGINT, PRIMARY KEY (id) NOT ENFORCED", f"{topic}.flying")
        + "EXECUTE STATEMENT SET BEGIN INSERT INTO seen SELECT id FROM arrivals; INSERT INTO flying "
        "SELECT d.id FROM departures AS d LEFT JOIN arrivals AS a ON d.id = a.id WHERE a.id IS NULL; END;"
    )


def create_flights(kafka: RunningBroker, topic: str) -> None:
    for name in (topic, f"{topic}.arrivals", f"{topic}.flying", f"{topic}.seen"):
        create_topic(kafka.bootstrap, name)


def test_a_row_that_came_before_a_kill_and_goes_after_it_is_gone(
    kafka: RunningBroker, topic: str, job: StartJob, reader: OpenReader
) -> None:
    create_flights(kafka, topic)
    rows = [{"id": number} for number in range(3)]
    table, told = reader(kafka, f"{topic}.flying"), reader(kafka, f"{topic}.seen")
    produce(kafka.bootstrap, topic, rows)
    process = job(kafka, in_the_air(topic, rows_a_pass=3)).start()
    until(lambda: len(table.table()) == 3, "the flights are in the air")
    process.end(signal.SIGKILL)
    produce(kafka.bootstrap, f"{topic}.arrivals", rows)
    process.script.write_text(in_the_air(topic, rows_a_pass=6))
    process.start()
    until(lambda: len(told.read()) == 3, "the arrivals are read")
    assert process.end() == 0
    assert table.table() == {}


def test_a_job_that_is_killed_again_while_it_puts_back_still_ends_with_the_right_rows(
    kafka: RunningBroker, topic: str, job: StartJob, reader: OpenReader
) -> None:
    create_flights(kafka, topic)
    table, told = reader(kafka, f"{topic}.flying"), reader(kafka, f"{topic}.seen")
    early, late = ([{"id": number} for number in numbers] for numbers in (range(10), range(10, 3_010)))
    produce(kafka.bootstrap, topic, early)
    process = job(kafka, in_the_air(topic, rows_a_pass=len(early))).start()
    until(lambda: len(table.table()) == len(early), "the first flights are in the air")
    assert process.end() == 0
    process.script.write_text(in_the_air(topic, rows_a_pass=len(late)))
    process.start()
    produce(kafka.bootstrap, topic, late)
    until(lambda: len(table.table()) == 3_010, "all flights are in the air")
    process.end(signal.SIGKILL)

    kill_at_first_record(kafka, process.spawn(), f"{topic}.flying")
    written = len(table.read())
    process.start()
    until(lambda: len(table.table()) == 3_010 and len(table.read()) > written, "they are in the air again")
    process.end(signal.SIGKILL)
    produce(kafka.bootstrap, f"{topic}.arrivals", late)
    process.script.write_text(in_the_air(topic, rows_a_pass=2 * len(late)))
    for _ in range(2):
        kill_at_first_record(kafka, process.spawn(), f"{topic}.flying")
    process.start()
    until(lambda: len(ids(told.values())) == len(late), "the arrivals are read")
    assert process.end() == 0
    assert table.table() == {f'{{"id":{row["id"]}}}': row for row in early}


def kill_at_first_record(kafka: RunningBroker, process: JobProcess, topic: str) -> None:
    """Kill a job, with no time to lose, once it has written anything to the topic, which has one partition."""
    look = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "look"})
    partition = TopicPartition(topic, 0)
    _, end = look.get_watermark_offsets(partition, DEADLINE_S)
    deadline = time.monotonic() + DEADLINE_S
    while look.get_watermark_offsets(partition, DEADLINE_S)[1] == end:
        assert time.monotonic() < deadline, f"the job wrote nothing: {process.stderr}"
    process.end(signal.SIGKILL)
    look.close()


def test_repeats_come_from_after_the_last_snapshot_only(
    kafka: RunningBroker, topic: str, job: StartJob, reader: OpenReader
) -> None:
    create_topic(kafka.bootstrap, topic)
    copied = reader(kafka, f"{topic}.copied")
    process = job(kafka, copy_job(topic)).start()
    produce(kafka.bootstrap, topic, events(0, 1_000))
    until(lambda: len(copied.read()) == 1_000, "the first rows are copied")
    process.end()  # writes a snapshot
    process.start()
    produce(kafka.bootstrap, topic, events(1_000, 100))
    until(lambda: len(copied.read()) == 1_100, "more rows are copied")
    process.end(signal.SIGKILL)
    process.start()
    until(lambda: len(copied.read()) == 1_200, "those after the snapshot are copied again")
    process.end()
    counts = ids(copied.values())
    assert {number for number, count in counts.items() if count > 1} == set(range(1_000, 1_100))


def test_input_that_is_held_delays_no_snapshot_and_is_not_in_it(
    kafka: RunningBroker, topic: str, job: StartJob, reader: OpenReader
) -> None:
    create_topic(kafka.bootstrap, topic)
    copied = reader(kafka, f"{topic}.copied")
    held = (
        "SET 'table.exec.mini-batch.enabled' = 'true'; SET 'table.exec.mini-batch.allow-latency' = '1 h';\n"
        "SET 'table.exec.mini-batch.size' = '10';\n"
    )
    process = job(kafka, held + copy_job(topic)).start()
    produce(kafka.bootstrap, topic, events(0, 10))
    until(lambda: len(copied.read()) == 10, "the first ten rows are copied")
    produce(kafka.bootstrap, topic, events(10, 5))
    until(lambda: process.snapshots, "a snapshot is taken in time")
    process.end(signal.SIGKILL)
    process.start()
    produce(kafka.bootstrap, topic, events(15, 5))
    until(lambda: len(copied.read()) == 20, "what was held is copied with what came after it")
    process.end()
    assert ids(copied.values()) == dict.fromkeys(range(20), 1)


def test_a_job_that_goes_on_removes_the_hidden_file_that_a_kill_left_and_no_other(
    kafka: RunningBroker, topic: str, job: StartJob, tmp_path: Path
) -> None:
    create_topic(kafka.bootstrap, topic)
    out = tmp_path / "out"
    sql = (
        kafka_table("events", "id BIGINT", topic)
        + f"CREATE TABLE archive (id BIGINT) WITH ('connector' = 'filesystem', 'path' = '{out}', 'format' = 'json');\n"
        "INSERT INTO archive SELECT id FROM events;"
    )
    process = job(kafka, sql).start()
    produce(kafka.bootstrap, topic, events(0, 10))
    until(lambda: out.exists() and list(out.glob(".part-*.inprogress")), "the job writes")
    process.end(signal.SIGKILL)
    left = list(out.glob(".part-*.inprogress"))
    of_another = out / ".part-0123456789ab-0.inprogress"
    of_another.write_text("")

    process.start()
    assert of_another.exists()
    assert not any(path.exists() for path in left)
    until(lambda: len(list(out.glob(".part-*.inprogress"))) == 2, "the rows are written again")
    assert process.end() == 0
    assert list(out.glob(".part-*.inprogress")) == [of_another]
    written = [json.loads(line) for part in out.glob("part-*") for line in part.read_text().splitlines()]
    assert set(ids(written)) == set(range(10))


def test_changed_sql_is_refused_until_it_starts_afresh(
    kafka: RunningBroker, topic: str, job: StartJob, reader: OpenReader
) -> None:
    create_topic(kafka.bootstrap, topic)
    totals = reader(kafka, f"{topic}.totals")
    produce(kafka.bootstrap, topic, events(0, 10))
    process = job(kafka, totals_job(topic)).start()
    until(lambda: len(totals.table()) == 7, "the first run has its totals")
    process.end()
    process.script.write_text(process.script.read_text().replace("COUNT(*)", "COUNT(*) + 100"))
    process.spawn()
    assert process.wait() == 2
    assert "another query" in process.stderr
    assert "--fresh" in process.stderr
    assert "Traceback" not in process.stderr
    process.start("--fresh")
    until(lambda: {row["n"] for row in totals.table().values()} == {101, 102}, "the new query counts anew")
    process.end()


def delete_topic(kafka: str, name: str) -> None:
    admin = AdminClient({"bootstrap.servers": kafka})
    admin.delete_topics([name])[name].result(DEADLINE_S)
    until(lambda: name not in admin.list_topics(timeout=5).topics, f"{name} is gone")


def stopped_job(kafka: RunningBroker, topic: str, job: StartJob, reader: OpenReader, **options: str) -> JobProcess:
    """A job that has copied ten records of the topic and was stopped."""
    create_topic(kafka.bootstrap, topic)
    produce(kafka.bootstrap, topic, events(0, 10))
    copied = reader(kafka, f"{topic}.copied")
    process = job(kafka, copy_job(topic, **options)).start()
    until(lambda: len(copied.read()) == 10, "the records are copied")
    assert process.end() == 0
    return process


def test_a_topic_made_anew_under_its_name_is_not_gone_on_with(
    kafka: RunningBroker, topic: str, job: StartJob, reader: OpenReader
) -> None:
    process = stopped_job(kafka, topic, job, reader)
    delete_topic(kafka.bootstrap, topic)
    create_topic(kafka.bootstrap, topic)
    produce(kafka.bootstrap, topic, events(100, 20))
    process.spawn()
    assert process.wait() == 2
    assert f"the topic '{topic}' is not the one that the job has read" in process.stderr
    assert "--fresh" in process.stderr
    process.start("--fresh")
    copied = reader(kafka, f"{topic}.copied")
    until(lambda: len(copied.read()) == 30, "the new topic is read from its start")
    process.end()


def test_a_running_job_does_not_go_on_with_a_topic_made_anew(
    kafka: RunningBroker, topic: str, job: StartJob, reader: OpenReader
) -> None:
    process = stopped_job(kafka, topic, job, reader).start()
    delete_topic(kafka.bootstrap, topic)
    create_topic(kafka.bootstrap, topic)
    produce(kafka.bootstrap, topic, events(100, 20))
    assert process.wait() != 0
    assert topic in process.stderr
    assert "Traceback" not in process.stderr


def test_a_topic_that_was_deleted_since_is_missed(
    kafka: RunningBroker, topic: str, job: StartJob, reader: OpenReader
) -> None:
    process = stopped_job(kafka, topic, job, reader)
    delete_topic(kafka.bootstrap, topic)
    process.spawn()
    assert process.wait() == 2
    assert f"the topic '{topic}', which the job has read, is no longer there" in process.stderr
    assert topic not in AdminClient({"bootstrap.servers": kafka.bootstrap}).list_topics(timeout=5).topics


def test_a_topic_that_is_deleted_while_it_is_read_is_missed_and_not_made_anew(
    kafka: RunningBroker, topic: str, job: StartJob, reader: OpenReader
) -> None:
    create_topic(kafka.bootstrap, topic)
    produce(kafka.bootstrap, topic, events(0, 10))
    copied = reader(kafka, f"{topic}.copied")
    process = job(kafka, copy_job(topic, **{"scan_topic-partition-discovery_interval": "100 ms"})).start()
    until(lambda: len(copied.read()) == 10, "the topic is read")
    delete_topic(kafka.bootstrap, topic)
    assert process.wait() == 2
    assert f"the topic '{topic}', which the job has read, is no longer there" in process.stderr
    assert topic not in AdminClient({"bootstrap.servers": kafka.bootstrap}).list_topics(timeout=5).topics


def test_the_state_of_an_insert_among_several_is_not_that_of_another_job(
    kafka: RunningBroker, topic: str, job: StartJob, reader: OpenReader
) -> None:
    create_topic(kafka.bootstrap, topic)
    copied = reader(kafka, f"{topic}.copied")
    produce(kafka.bootstrap, topic, events(0, 10))
    process = job(kafka, copy_job(topic) + COPY).start()
    until(lambda: len(copied.read()) == 10, "the first INSERT runs")
    process.end()
    process.script.write_text(totals_job(topic))
    process.start("--name", "job-1")
    process.end()
    process.script.write_text(copy_job(topic) + COPY)
    process.start()
    produce(kafka.bootstrap, topic, events(10, 10))
    until(lambda: len(copied.read()) >= 20, "the first INSERT goes on")
    process.end()
    assert ids(copied.values()) == dict.fromkeys(range(20), 1)


def test_a_job_goes_on_after_its_broker_was_killed(
    broker: Callable[..., RunningBroker], job: StartJob, reader: OpenReader
) -> None:
    kafka = broker()
    create_topic(kafka.bootstrap, "events", PARTITIONS)
    copied = reader(kafka, "events.copied")
    process = job(kafka, copy_job("events")).start()
    produce(kafka.bootstrap, "events", events(0, 500), partitions=PARTITIONS)
    until(lambda: len(copied.read()) == 500, "the first rows are copied")
    kafka.kill()
    kafka.start()
    produce(kafka.bootstrap, "events", events(500, 500), partitions=PARTITIONS)
    until(lambda: len(ids(copied.values())) == 1_000, "the job goes on with the broker that came back")
    assert process.end() == 0
    assert ids(copied.values()) == dict.fromkeys(range(1_000), 1)


def test_a_job_without_its_broker_ends_in_time_and_says_what_is_left_undone(
    broker: Callable[..., RunningBroker], job: StartJob, reader: OpenReader
) -> None:
    kafka = broker()
    create_topic(kafka.bootstrap, "events")
    copied = reader(kafka, "events.copied")
    process = job(kafka, copy_job("events")).start()
    produce(kafka.bootstrap, "events", events(0, 10))
    until(lambda: len(copied.read()) == 10, "the job runs")
    kafka.kill()
    assert process.end() in (0, 1)
    assert "Traceback" not in process.stderr
    kafka.start()
    process.start()
    until(lambda: len(ids(copied.values())) == 10, "nothing is lost")
    process.end()


def test_a_bounded_job_ends_by_itself_and_leaves_no_snapshot(
    kafka: RunningBroker, topic: str, job: StartJob, reader: OpenReader
) -> None:
    create_topic(kafka.bootstrap, topic, PARTITIONS)
    produce(kafka.bootstrap, topic, events(0, 5_000), partitions=PARTITIONS)
    copied = reader(kafka, f"{topic}.copied")
    process = job(kafka, copy_job(topic, scan_bounded_mode="latest-offset")).start()
    assert process.wait() == 0
    assert "finished: 5,000 rows in, 5,000 rows out" in process.stderr
    assert len(copied.read()) == 5_000
    assert process.snapshots == []


def test_all_rows_of_a_bounded_topic_are_in_time_for_their_windows(
    kafka: RunningBroker, topic: str, job: StartJob, reader: OpenReader
) -> None:
    create_topic(kafka.bootstrap, topic, PARTITIONS)
    rows = [{"ts": f"2024-01-01 00:{number // 60 % 60:02}:{number % 60:02}"} for number in range(3_000)]
    produce(kafka.bootstrap, topic, rows, partitions=PARTITIONS)
    counted = reader(kafka, f"{topic}.counted")
    sql = (
        kafka_table(
            "events",
            "ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '10' SECOND",
            topic,
            scan_bounded_mode="latest-offset",
        )
        + kafka_table("counted", "window_start TIMESTAMP(3), n BIGINT", f"{topic}.counted")
        + "INSERT INTO counted SELECT window_start, COUNT(*) FROM "
        "TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end;"
    )
    process = job(kafka, sql).start()
    assert process.wait() == 0
    assert sum(value["n"] for value in counted.values()) == 3_000
    assert len(counted.values()) == 50


@pytest.mark.parametrize(
    ("before", "option"),
    [
        ("", {"scan_watermark_idle-timeout": "200 ms"}),
        ("SET 'table.exec.source.idle-timeout' = '200 ms';\n", {}),
    ],
    ids=["of the table", "of all tables"],
)
def test_a_silent_partition_holds_windows_back_no_longer_than_it_may(
    kafka: RunningBroker, topic: str, job: StartJob, reader: OpenReader, before: str, option: dict[str, str]
) -> None:
    create_topic(kafka.bootstrap, topic, 2)
    counted = reader(kafka, f"{topic}.counted")
    sql = (
        before
        + kafka_table("events", "ts TIMESTAMP(3), WATERMARK FOR ts AS ts", topic, **option)
        + kafka_table("counted", "n BIGINT", f"{topic}.counted")
        + "INSERT INTO counted SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) "
        "GROUP BY window_start, window_end;"
    )
    process = job(kafka, sql).start()
    produce(kafka.bootstrap, topic, [{"ts": f"2024-01-01 00:{minute:02}:00"} for minute in (0, 0, 1)])
    until(counted.read, "the first minute closes, although the second partition has no record")
    assert [value["n"] for value in counted.values()] == [2]
    assert process.end() == 0


def test_a_table_that_has_fallen_silent_holds_the_tables_that_it_is_united_with_back_no_longer_than_it_may(
    kafka: RunningBroker, topic: str, job: StartJob, reader: OpenReader
) -> None:
    columns, option = "ts TIMESTAMP(3), WATERMARK FOR ts AS ts", {"scan_watermark_idle-timeout": "200 ms"}
    for name in (topic, f"{topic}.rare"):
        create_topic(kafka.bootstrap, name)
    counted = reader(kafka, f"{topic}.counted")
    sql = (
        kafka_table("events", columns, topic, **option)
        + kafka_table("rare", columns, f"{topic}.rare", **option)
        + kafka_table("counted", "n BIGINT", f"{topic}.counted")
        + "CREATE VIEW united AS SELECT ts FROM events UNION ALL SELECT ts FROM rare;"
        "INSERT INTO counted SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE united, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) "
        "GROUP BY window_start, window_end;"
    )
    process = job(kafka, sql).start()
    produce(kafka.bootstrap, f"{topic}.rare", [{"ts": "2024-01-01 00:00:00"}])
    produce(kafka.bootstrap, topic, [{"ts": f"2024-01-01 00:{minute:02}:00"} for minute in (0, 0, 1)])
    until(counted.read, "the first minute closes, although one table has no more records")
    assert [value["n"] for value in counted.values()] == [3]
    assert process.end() == 0


BAD = [b'{"id": 1, "k": 1, "amount": 1}', b'{"id": 2, "k', b'{"id": 3, "k": 1, "amount": 1}']


def test_a_malformed_record_ends_the_job_with_its_place_and_the_way_out(
    kafka: RunningBroker, topic: str, job: StartJob
) -> None:
    create_topic(kafka.bootstrap, topic)
    produce(kafka.bootstrap, topic, BAD)
    process = job(kafka, copy_job(topic)).spawn()
    assert process.wait() == 1
    assert f"topic {topic}, partition 0, offset 1" in process.stderr
    assert 'the record: {"id": 2, "k' in process.stderr
    assert "'riacho.bad-records' = 'skip' or 'dead-letter'" in process.stderr
    assert "Traceback" not in process.stderr


def test_a_null_in_the_key_of_an_upserted_table_ends_the_job(kafka: RunningBroker, topic: str, job: StartJob) -> None:
    create_topic(kafka.bootstrap, topic)
    produce(kafka.bootstrap, topic, [{"id": 1, "k": None, "amount": 1}])
    process = job(kafka, totals_job(topic)).spawn()
    assert process.wait() == 1
    assert "table totals: the column 'k' is part of the PRIMARY KEY, but a row has NULL in it" in process.stderr
    assert "Traceback" not in process.stderr


def test_malformed_records_are_skipped_where_the_table_says_so(
    kafka: RunningBroker, topic: str, job: StartJob, reader: OpenReader
) -> None:
    create_topic(kafka.bootstrap, topic)
    produce(kafka.bootstrap, topic, BAD)
    sql = copy_job(topic).replace("'format' = 'json'", "'format' = 'json', 'riacho.bad-records' = 'skip'", 1)
    copied = reader(kafka, f"{topic}.copied")
    process = job(kafka, sql).start()
    until(lambda: len(copied.read()) == 2, "the good rows are copied")
    assert process.end() == 0
    assert sorted(ids(copied.values())) == [1, 3]


def test_dead_letters_carry_the_record_its_reason_and_its_origin(
    kafka: RunningBroker, topic: str, job: StartJob, reader: OpenReader
) -> None:
    create_topic(kafka.bootstrap, topic)
    produce(kafka.bootstrap, topic, BAD)
    sql = copy_job(topic).replace("'format' = 'json'", "'format' = 'json', 'riacho.bad-records' = 'dead-letter'", 1)
    dead = reader(kafka, f"{topic}.dead-letter")
    process = job(kafka, sql).start()
    (letter,) = until(dead.read, "the bad record is there")
    assert process.end() == 0
    assert f"the first bad record is a dead letter: topic {topic}, partition 0, offset 1" in process.stderr
    assert "2 rows in, 2 rows out, 1 to dead letters" in process.stderr
    headers = {name: value.decode() for name, value in letter.headers()}
    assert letter.value() == BAD[1]
    assert headers.pop("reason")
    assert headers == {"topic": topic, "partition": "0", "offset": "1"}


def test_a_topic_that_does_not_exist_is_named(kafka: RunningBroker, job: StartJob) -> None:
    sql = copy_job("nowhere").replace("'format'", "'properties.allow.auto.create.topics' = 'false', 'format'", 1)
    process = job(kafka, sql).spawn()
    assert process.wait() == 1
    assert "nowhere" in process.stderr
    assert "Traceback" not in process.stderr


def test_a_topic_that_is_made_because_it_is_read_is_named(kafka: RunningBroker, topic: str, job: StartJob) -> None:
    process = job(kafka, copy_job(topic)).start()
    assert process.end() == 0
    assert f"there is no topic '{topic}': it is made, empty" in process.stderr


def test_wrong_sql_is_a_wrong_request(kafka: RunningBroker, job: StartJob) -> None:
    process = job(kafka, copy_job("events").replace("SELECT id", "SELECT idd")).spawn()
    assert process.wait() == 2
    assert "idd" in process.stderr
    assert "^" in process.stderr

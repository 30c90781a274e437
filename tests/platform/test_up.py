"""`riacho up`, from its ready line to its end, with jobs in between and processes killed."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from running_platform import RunningPlatform

from job_process import RIACHO, Reader, create_topic, kafka_table, produce, until
from processes import alive
from riacho.client.cluster import Cluster
from riacho.client.columns import ProduceColumns
from riacho.client.config import ClientConfig
from riacho.client.producer import Producer
from riacho.jobs.registry import JOBS_TOPIC, METRICS_TOPIC, STATUS_TOPIC
from running_broker import RunningBroker, StartBroker

COPY = (
    kafka_table("events", "id BIGINT", "events")
    + kafka_table("copied", "id BIGINT", "copied")
    + "INSERT INTO copied SELECT id FROM events;"
)
BOUNDED = COPY.replace("'format' = 'json'", "'format' = 'json', 'scan.bounded.mode' = 'latest-offset'", 1)

StartPlatform = Callable[..., RunningPlatform]


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[StartPlatform]:
    started: list[RunningPlatform] = []

    def start(*options: str, executed: bool = False) -> RunningPlatform:
        started.append(RunningPlatform(tmp_path / f"platform-{len(started)}", *options, executed=executed))
        return started[-1].start()

    yield start
    for each in started:
        each.close()


def script(directory: Path, sql: str, name: str = "copy.sql") -> str:
    path = directory / name
    path.write_text(sql)
    return str(path)


def run_copy(up: RunningPlatform, directory: Path) -> None:
    """Have the job `copy` run over a topic that is still empty."""
    create_topic(up.kafka, "events")
    up.job("submit", script(directory, COPY))
    up.until_phase("copy", "running")


def kill(pids: Iterable[int]) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def ids(reader: Reader) -> list[int]:
    return sorted(value["id"] for value in reader.values())


def test_a_job_is_submitted_listed_shown_stopped_started_restarted_and_deleted(
    platform: StartPlatform, tmp_path: Path
) -> None:
    up = platform(executed=True)
    create_topic(up.kafka, "events")
    assert "no job was submitted" in up.job("list").stdout

    submitted = up.job("submit", script(tmp_path, COPY))
    assert submitted.returncode == 0, submitted.stderr
    assert "submitted copy" in submitted.stdout
    up.until_phase("copy", "running")
    produce(up.kafka, "events", [{"id": 1}])
    copied = Reader(up.kafka, "copied")
    until(lambda: ids(copied) == [1], "the job runs")
    until(lambda: (up.jobs()["copy"]["metrics"] or {}).get("rows_in") == 1, "the job measures itself")
    (listed,) = json.loads(up.job("list", "--json").stdout)
    assert (listed["name"], listed["phase"]) == ("copy", "running")
    shown = up.job("show", "copy").stdout
    assert shown.startswith("copy: running, 0 restarts\n\nrows in  rows out")
    assert "INSERT INTO copied" in shown
    assert re.search(r"^ +1 +1 +0 +0 B +Sink\(table=\[copied\]", shown, re.MULTILINE), shown

    assert up.job("stop", "copy").returncode == 0
    up.until_phase("copy", "stopped")
    assert not [each for each in up.processes().values() if "--name copy" in each]
    produce(up.kafka, "events", [{"id": 2}])
    assert up.job("start", "copy").returncode == 0
    up.until_phase("copy", "running")
    until(lambda: ids(copied) == [1, 2], "the job goes on where it was stopped")

    (before,) = [pid for pid, each in up.processes().items() if "--name copy" in each]
    assert up.job("restart", "copy").returncode == 0
    until(lambda: not alive(before), "the first worker has ended")
    up.until_phase("copy", "running")
    produce(up.kafka, "events", [{"id": 3}])
    until(lambda: ids(copied) == [1, 2, 3], "the job goes on after its restart")

    assert up.job("delete", "copy").returncode == 0
    until(lambda: up.jobs() == {}, "the job is forgotten")
    until(lambda: not [each for each in up.processes().values() if "--name copy" in each], "its worker has ended")
    copied.close()


def test_a_job_that_runs_is_not_started_and_one_that_is_stopped_not_stopped_again(
    platform: StartPlatform, tmp_path: Path
) -> None:
    up = platform()
    run_copy(up, tmp_path)
    since = up.jobs()["copy"]["since_ms"]

    started = up.job("start", "copy")

    assert (started.returncode, started.stdout) == (0, "copy runs already; riacho job restart copy starts it anew\n")
    assert up.jobs()["copy"]["since_ms"] == since
    assert up.job("stop", "copy").stdout == "stopped copy\n"
    stopped = up.job("stop", "copy")
    assert (stopped.returncode, stopped.stdout) == (0, "copy is stopped already\n")
    assert up.job("start", "copy").stdout == "starting copy\n"
    up.until_phase("copy", "running")


def test_explaining_what_a_job_runs_tells_the_bytes_of_its_operators(platform: StartPlatform, tmp_path: Path) -> None:
    up = platform()
    run_copy(up, tmp_path)
    produce(up.kafka, "events", [{"id": 1}])
    until(lambda: (up.jobs()["copy"]["metrics"] or {}).get("rows_in") == 1, "the job measures itself")
    explained = COPY.replace("INSERT", "EXPLAIN INSERT")

    same = up.sql(explained)
    other = up.sql(explained.replace("SELECT id", "SELECT -id"))
    other_topic = up.sql(explained.replace("'topic' = 'events'", "'topic' = 'more_events'"))

    found = r"^== Measured: Job copy ==\n.*\n +1 +1 +0 +0 B +Sink\(table=\[copied\]"
    assert re.search(found, same, re.MULTILINE), same
    for explanation in (other, other_topic):
        assert "Physical Plan" in explanation
        assert "Measured" not in explanation


def test_a_job_takes_its_python_functions_along_and_shows_life_while_they_take_their_time(
    platform: StartPlatform, tmp_path: Path
) -> None:
    up = platform()
    create_topic(up.kafka, "events")
    entered, release = tmp_path / "entered", tmp_path / "release"
    functions = tmp_path / "functions.py"
    functions.write_text(f"""
import time
from pathlib import Path

def slow(n: int) -> int:
    if n == 2:
        Path({str(entered)!r}).touch()
        while not Path({str(release)!r}).exists():
            time.sleep(0.05)
    return n * 10
""")
    create = "CREATE FUNCTION slow AS 'functions.slow' LANGUAGE PYTHON; INSERT"
    sql = COPY.replace("SELECT id", "SELECT slow(id)").replace("INSERT", create)

    submitted = up.job("submit", script(tmp_path, sql), "--py", str(functions))
    assert submitted.returncode == 0, submitted.stderr
    functions.unlink()
    up.until_phase("copy", "running")
    copied = Reader(up.kafka, "copied")
    produce(up.kafka, "events", [{"id": 1}])
    until(lambda: ids(copied) == [10], "the job runs")
    produce(up.kafka, "events", [{"id": 2}])
    until(entered.exists, "the function is called")
    reports = Reader(up.kafka, METRICS_TOPIC)
    so_far = len(reports.values())
    until(lambda: len(reports.values()) >= so_far + 3, "its life is told while the function takes its time")
    release.touch()
    until(lambda: ids(copied) == [10, 20], "the function has ended")


def test_wrong_requests_about_jobs_are_answered_with_what_there_is(platform: StartPlatform, tmp_path: Path) -> None:
    up = platform()
    create_topic(up.kafka, "events")
    unknown = up.job("stop", "nothing")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "there is no job 'nothing'" in unknown.stderr
    wrong = up.job("submit", script(tmp_path, COPY.replace("SELECT id", "SELECT idd")))
    assert wrong.returncode == 2
    assert "copy.sql:" in wrong.stderr
    idle = up.job("submit", script(tmp_path, COPY.partition("INSERT")[0]))
    assert idle.returncode == 2
    assert "the script starts no job" in idle.stderr
    assert up.jobs() == {}


def test_a_job_that_was_asked_wrongly_is_failed_and_says_why(platform: StartPlatform, tmp_path: Path) -> None:
    up = platform()
    run_copy(up, tmp_path)
    up.job("submit", script(tmp_path, COPY.replace("SELECT id", "SELECT id + 1")))
    failed = up.until_phase("copy", "failed")
    assert "another query" in failed["error"]
    assert failed["error"] in up.job("show", "copy").stdout
    up.job("submit", script(tmp_path, COPY.replace("SELECT id", "SELECT id + 1")), "--fresh")
    up.until_phase("copy", "running")


def test_a_job_whose_topic_does_not_come_is_failed_until_it_is_restarted(
    platform: StartPlatform, tmp_path: Path
) -> None:
    up = platform()
    missing = COPY.replace("'format'", "'properties.allow.auto.create.topics' = 'false', 'format'", 1)
    up.job("submit", script(tmp_path, missing))
    up.until_phase("copy", "restarting")
    failed = up.until_phase("copy", "failed")
    assert "there is no topic 'events'" in failed["error"]
    assert "riacho job restart copy" in failed["error"]
    assert "copy failed: table events: there is no topic 'events'" in up.job("list").stdout
    assert failed["error"] in up.job("show", "copy").stdout
    statuses = Reader(up.kafka, STATUS_TOPIC)
    told = until(lambda: [s for s in statuses.values() if s["phase"] == "failed"] and statuses.values(), "the statuses")
    statuses.close()
    attempts = [status for status in told if status["phase"] == "starting" and status["restarts"]]
    assert attempts, told
    assert [each for each in attempts if "there is no topic 'events'" not in (each["error"] or "")] == []
    create_topic(up.kafka, "events")
    assert up.job("restart", "copy").returncode == 0
    up.until_phase("copy", "running")


def test_a_job_that_fails_on_the_same_record_each_time_is_failed_until_that_is_mended(
    platform: StartPlatform, tmp_path: Path
) -> None:
    up = platform()
    create_topic(up.kafka, "events")
    produce(up.kafka, "events", [b'{"id": 1}', b'{"id": ', b'{"id": 3}'])
    up.job("submit", script(tmp_path, COPY))
    failed = up.until_phase("copy", "failed")
    assert "topic events, partition 0, offset 1" in failed["error"]
    assert "'riacho.bad-records' = 'skip' or 'dead-letter'" in failed["error"]
    skipping = COPY.replace("'format'", "'riacho.bad-records' = 'skip', 'format'", 1)
    up.job("submit", script(tmp_path, skipping), "--fresh")
    up.until_phase("copy", "running")


def test_a_job_that_began_afresh_goes_on_from_its_own_state_when_it_is_started_again(
    platform: StartPlatform, tmp_path: Path
) -> None:
    up = platform()
    create_topic(up.kafka, "events")
    up.job("submit", script(tmp_path, COPY), "--fresh")
    copied = Reader(up.kafka, "copied")
    produce(up.kafka, "events", [{"id": 1}])
    until(lambda: ids(copied) == [1], "the job runs")
    up.end()
    up.start()
    produce(up.kafka, "events", [{"id": 2}])
    until(lambda: ids(copied) == [1, 2], "the job goes on, and repeats nothing")
    copied.close()


def test_records_of_the_registry_that_are_no_jobs_harm_nobody(platform: StartPlatform, tmp_path: Path) -> None:
    up = platform()
    create_topic(up.kafka, "events")
    cluster = Cluster(ClientConfig(up.kafka))
    foreign: list[tuple[bytes, bytes]] = [
        (b"\xff", b"{}"),
        (b"empty", b"{}"),
        (b"text", b"\xff"),
        (b"number", b'{"name": "number", "sql": 7}'),
        (b"climber", b'{"name": "../climber", "sql": "SELECT 1"}'),
        (b"other", b'{"name": "another", "sql": "SELECT 1"}'),
    ]
    with Producer(cluster) as producer:
        keys, values = zip(*foreign, strict=True)
        for topic in (JOBS_TOPIC, STATUS_TOPIC, METRICS_TOPIC):
            producer.produce(topic, ProduceColumns.from_values(values, keys=keys))
            producer.produce(topic, ProduceColumns.from_values([b"{}"] * 3, keys=[b"copy"] * 3))
        producer.flush()
    cluster.close()

    submitted = up.job("submit", script(tmp_path, COPY))

    assert submitted.returncode == 0, submitted.stderr
    up.until_phase("copy", "running")
    assert list(up.jobs()) == ["copy"]
    with urllib.request.urlopen(f"http://{up.http}/api/jobs", timeout=10) as answer:
        assert [job["name"] for job in json.load(answer)["jobs"]] == ["copy"]
    assert "Traceback" not in up.stderr


def test_a_job_that_misses_its_topic_says_so_and_runs_once_it_is_there(platform: StartPlatform, tmp_path: Path) -> None:
    up = platform()
    sql = COPY.replace("'format'", "'properties.allow.auto.create.topics' = 'false', 'format'", 1)
    up.job("submit", script(tmp_path, sql))
    waiting = up.until_phase("copy", "restarting")
    assert "events" in waiting["error"]
    create_topic(up.kafka, "events")
    up.until_phase("copy", "running")


def test_a_job_whose_folder_cannot_be_written_says_so_and_runs_once_it_can(
    platform: StartPlatform, tmp_path: Path
) -> None:
    up = platform()
    create_topic(up.kafka, "events")
    up.job("submit", script(tmp_path, COPY, "well.sql"))
    up.until_phase("well", "running")
    in_the_way = up.directory / "data" / "jobs" / "copy"
    in_the_way.write_text("this is no folder")
    up.job("submit", script(tmp_path, COPY))
    waiting = up.until_phase("copy", "restarting")
    assert "cannot start" in waiting["error"]
    assert str(in_the_way) in waiting["error"]
    assert up.jobs()["well"]["phase"] == "running"
    in_the_way.unlink()
    up.until_phase("copy", "running")
    assert "Traceback" not in up.stderr


def test_a_bounded_job_is_finished(platform: StartPlatform, tmp_path: Path) -> None:
    up = platform()
    create_topic(up.kafka, "events")
    produce(up.kafka, "events", [{"id": 1}])
    up.job("submit", script(tmp_path, BOUNDED))
    up.until_phase("copy", "finished")


def test_parts_and_jobs_that_are_killed_are_started_again(platform: StartPlatform, tmp_path: Path) -> None:
    up = platform(executed=True)
    run_copy(up, tmp_path)
    copied = Reader(up.kafka, "copied")
    produce(up.kafka, "events", [{"id": 1}])
    until(lambda: ids(copied) == [1], "the job runs")
    for number, part in enumerate(("--name copy", "riacho broker", "riacho jobs", "fork_server"), 2):
        kill(pid for pid, command in up.processes().items() if part in command)
        until(lambda: any(part in each for each in up.processes().values()), f"{part} is back")  # noqa: B023
        produce(up.kafka, "events", [{"id": number}])
        until(lambda: set(ids(copied)) == set(range(1, number + 1)), f"all go on without the first {part}")  # noqa: B023
    assert "broker died: killed by SIGKILL" in up.stderr
    copied.close()


def test_a_fork_server_that_is_killed_while_parts_restart_is_started_again(
    platform: StartPlatform, tmp_path: Path
) -> None:
    up = platform(executed=True)
    run_copy(up, tmp_path)
    copied = Reader(up.kafka, "copied")

    def fork_servers() -> set[int]:
        return {pid for pid, each in up.processes().items() if "-m riacho.host.fork_server" in each}

    first = fork_servers()
    kill(first)
    # While the next one imports, and the parts that ended with the first wait for it.
    kill(until(lambda: fork_servers() - first, "another runs"))
    said = "the fork server died: killed by SIGKILL; starting another in"
    until(lambda: up.stderr.count(said) == 2 or up.ended, "it says so")
    assert not up.ended, up.stderr
    produce(up.kafka, "events", [{"id": 1}])
    until(lambda: ids(copied) == [1], "the job runs again")
    with urllib.request.urlopen(f"http://{up.http}/", timeout=10) as answer:
        assert answer.status == 200
    copied.close()


def reported_end(metrics: Reader, job: str, topic: str) -> int:
    """How many records of a topic the job has reported as written and acknowledged."""
    cut = metrics.table().get(job, {}).get("cut") or {"sinks": {}}
    return sum(cut["sinks"].get(topic, {}).values())


def test_a_killed_supervisor_takes_everything_with_it_and_jobs_go_on_after_its_restart(
    platform: StartPlatform, tmp_path: Path
) -> None:
    up = platform(executed=True)
    run_copy(up, tmp_path)
    produce(up.kafka, "events", [{"id": 1}])
    copied = Reader(up.kafka, "copied")
    until(lambda: ids(copied) == [1], "the job runs")
    # A record can be read before its producer is told so; what is reported here was acknowledged.
    metrics = Reader(up.kafka, "__riacho_metrics")
    until(lambda: reported_end(metrics, "copy", "copied") == 1, "the job knows that it was written")
    metrics.close()
    below = up.processes()
    assert len(below) >= 4
    up.end(signal.SIGKILL)
    for pid, command in below.items():
        until(lambda: not alive(pid), f"this part does not outlive its supervisor: {command}")  # noqa: B023
    up.start()
    produce(up.kafka, "events", [{"id": 2}])
    until(lambda: ids(copied) == [1, 2], "the job goes on, and repeats nothing: its worker was told to end")
    copied.close()


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_time_and_leaves_nothing_behind(
    platform: StartPlatform, tmp_path: Path, ending: signal.Signals
) -> None:
    up = platform(executed=True)
    run_copy(up, tmp_path)
    below = list(up.processes())
    assert up.end(ending) == 0
    assert not any(map(alive, below))
    assert "Traceback" not in up.stderr


def test_the_console_answers_at_the_announced_address(platform: StartPlatform) -> None:
    up = platform(executed=True)
    with urllib.request.urlopen(f"http://{up.http}/", timeout=10) as answer:
        assert answer.status == 200


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        command = [str(RIACHO), "up", "--dir", str(tmp_path / "data"), "--listen", address, "--http", "127.0.0.1:0"]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert address.rpartition(":")[2] in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_job_that_is_submitted_before_the_platform_runs_jobs_is_taken_once_it_does(
    broker: StartBroker, platform: StartPlatform, tmp_path: Path
) -> None:
    kafka = broker()
    command = [str(RIACHO), "job", "submit", script(tmp_path, COPY), "--kafka"]
    early = subprocess.Popen([*command, kafka.bootstrap], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert early.stderr is not None
    assert early.stderr.readline() == "waiting for the platform to run jobs\n"
    platform("--kafka", kafka.bootstrap)
    said, _ = early.communicate(timeout=60)
    assert (early.returncode, said) == (0, "submitted copy; riacho job list shows how it does\n")


def test_a_job_that_no_platform_takes_up_is_refused_and_runs_once_there_is_one(
    broker: StartBroker, platform: StartPlatform, tmp_path: Path
) -> None:
    kafka = broker()
    create_topic(kafka.bootstrap, "events")
    up = platform("--kafka", kafka.bootstrap)
    up.job("submit", script(tmp_path, COPY, "early.sql"))
    up.until_phase("early", "running")
    up.end()

    late = up.job("submit", script(tmp_path, COPY, "late.sql"))

    assert (late.returncode, late.stdout) == (1, "")
    assert "what is wanted of late is registered, but no platform took it up within 10 s" in late.stderr
    assert "`riacho up`" in late.stderr
    assert "`riacho job delete late`" in late.stderr
    until(lambda: up.jobs()["early"]["silent"], "the status of the platform that has ended is old")
    listed = up.job("list")
    assert listed.returncode == 0
    assert "late was not taken up yet: does its platform run?" in listed.stderr
    assert "early has not been heard from lately: does its platform run?" in listed.stderr
    assert "late: submitted, 0 restarts" in up.job("show", "late").stdout
    up.start()
    up.until_phase("late", "running")
    assert not up.jobs()["late"]["silent"]


def test_jobs_without_a_platform_are_refused_with_the_way_to_one(kafka: RunningBroker) -> None:
    command = [str(RIACHO), "job", "list", "--kafka", kafka.bootstrap]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "riacho up" in ended.stderr

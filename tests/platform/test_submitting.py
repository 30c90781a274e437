"""What `riacho job submit` hands to a platform."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from running_platform import RunningPlatform

import forked
from job_process import DEADLINE_S, Reader, create_topic, kafka_table, produce, until


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[RunningPlatform]:
    up = RunningPlatform(tmp_path / "platform")
    yield up.start()
    up.close()


def copying(topic: str, directory: Path) -> Path:
    """A script whose job copies a topic."""
    script = directory / "copy.sql"
    script.write_text(
        kafka_table("events", "id BIGINT", topic)
        + kafka_table("copied", "id BIGINT", "copied")
        + "INSERT INTO copied SELECT id FROM events;"
    )
    return script


def test_variables_of_the_submitters_environment_are_filled_in_where_the_job_runs(
    platform: RunningPlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIACHO_TEST_TOPIC", "events")
    monkeypatch.setenv("KAFKA", "nowhere.invalid:9092")
    script = copying("${RIACHO_TEST_TOPIC}", tmp_path)
    create_topic(platform.kafka, "events")
    produce(platform.kafka, "events", [{"id": 1}])

    submitted = platform.job("submit", str(script))

    assert submitted.returncode == 0, submitted.stderr
    copied = Reader(platform.kafka, "copied")
    until(lambda: copied.values() == [{"id": 1}], f"the job reads the topic that the variable names: {platform.jobs()}")
    copied.close()


def test_the_jobs_of_a_script_are_measured_under_its_name(platform: RunningPlatform, tmp_path: Path) -> None:
    bounded = kafka_table("early", "id BIGINT", "events").replace(
        "'format' = 'json'", "'format' = 'json', 'scan.bounded.mode' = 'latest-offset'"
    )
    script = tmp_path / "two.sql"
    script.write_text(
        bounded
        + kafka_table("events", "id BIGINT", "events")
        + kafka_table("copied", "id BIGINT", "copied")
        + "INSERT INTO copied SELECT id FROM early; INSERT INTO copied SELECT id FROM events;"
    )
    create_topic(platform.kafka, "events")
    produce(platform.kafka, "events", [{"id": 1}, {"id": 2}])

    assert platform.job("submit", str(script)).returncode == 0

    copied = Reader(platform.kafka, "copied")
    until(lambda: len(copied.values()) == 4, "both jobs have run")
    copied.close()
    until(lambda: (platform.jobs()["two"]["metrics"] or {}).get("rows_in") == 2, "the second job is measured")


def test_statements_list_describe_and_stop_the_jobs_of_a_platform(platform: RunningPlatform, tmp_path: Path) -> None:
    script = copying("events", tmp_path)
    create_topic(platform.kafka, "events")
    assert platform.job("submit", str(script)).returncode == 0
    until(lambda: platform.jobs()["copy"]["phase"] == "running", "the job runs")

    listed = platform.sql("SHOW JOBS").splitlines()
    described = platform.sql("DESCRIBE JOB 'copy'").splitlines()

    assert re.split(" {2,}", listed[0]) == ["job id", "job name", "status", "start time"]
    assert re.fullmatch(r"copy {2,}copy {2,}RUNNING {2,}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}", listed[2])
    assert described == listed

    assert platform.sql("STOP JOB 'copy'") == ""

    assert platform.jobs()["copy"]["phase"] == "stopped"
    assert "CANCELED" in platform.sql("SHOW JOBS")


def test_a_statement_about_a_job_that_there_is_not_names_those_there_are(platform: RunningPlatform) -> None:
    done = forked.run("sql", "-e", "STOP JOB 'cpoy'", "--kafka", platform.kafka, timeout=DEADLINE_S)

    assert done.returncode == 2
    assert done.stderr.decode() == "error: there is no job 'cpoy'\n  jobs: none was submitted\n"

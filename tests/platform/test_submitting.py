"""What `riacho job submit` hands to a platform."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from running_platform import RunningPlatform

from job_process import Reader, create_topic, kafka_table, produce, until


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[RunningPlatform]:
    up = RunningPlatform(tmp_path / "platform")
    yield up.start()
    up.close()


def test_variables_of_the_submitters_environment_are_filled_in_where_the_job_runs(
    platform: RunningPlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIACHO_TEST_TOPIC", "events")
    monkeypatch.setenv("KAFKA", "nowhere.invalid:9092")
    script = tmp_path / "copy.sql"
    script.write_text(
        kafka_table("events", "id BIGINT", "${RIACHO_TEST_TOPIC}")
        + kafka_table("copied", "id BIGINT", "copied")
        + "INSERT INTO copied SELECT id FROM events;"
    )
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

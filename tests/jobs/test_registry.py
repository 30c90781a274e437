"""The registry's records: written, read again, and passed over where they are none of ours."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from riacho.jobs.catalog import STALE_MS, described
from riacho.jobs.registry import (
    JobSpec,
    JobStatus,
    Phase,
    Wanted,
    read_measurements,
    read_specs,
    read_status,
)

SPEC = JobSpec(
    "copy", "SELECT 1", "copy.sql", {"A": "1"}, generation=3, submitted_ms=7, fresh=True, python={"f.py": ""}
)
STATUS = JobStatus("copy", Phase.RUNNING, 3, 7, pid=42)
MEASURED = {
    **dict.fromkeys(("batch_rows", "cpu_share", "dead_letters", "late_rows", "rows_in", "rows_in_per_s"), 0),
    **dict.fromkeys(("rows_out", "rows_out_per_s", "skipped", "state_bytes"), 0),
    **dict.fromkeys(("lag", "latency_p50_ms", "latency_p99_ms", "watermark"), None),
    "at_ms": 1_000,
    "operators": [],
}


def test_a_job_is_read_as_it_was_written() -> None:
    assert JobSpec.from_bytes(SPEC.to_bytes()) == SPEC
    assert read_specs({b"copy": SPEC.to_bytes()}) == {"copy": SPEC}


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "../climber"},
        {"name": 7},
        {"sql": None},
        {"file": 7},
        {"variables": 7},
        {"variables": {"A": 1}},
        {"python": 7},
        {"python": {"functions.py": 1}},
        {"python": {"../functions.py": ""}},
        {"wanted": "asleep"},
        {"wanted": []},
        {"generation": "3"},
        {"submitted_ms": None},
        {"more": 1},
    ],
)
def test_a_record_that_is_no_job_is_told_apart(changed: dict[str, object]) -> None:
    content = json.dumps({**json.loads(SPEC.to_bytes()), **changed}).encode()

    with pytest.raises(ValueError, match=r"."):
        JobSpec.from_bytes(content)
    assert read_specs({b"copy": content}) == {}


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"7", b"\xff", b'{"name": "copy"}'])
def test_what_is_no_record_at_all_is_passed_over(content: bytes) -> None:
    assert read_specs({b"copy": content, b"\xff": content}) == {}
    assert read_status({b"copy": content}, "copy") is None
    assert read_measurements({b"copy": content}, "copy", since_ms=0) is None


def test_a_job_under_the_key_of_another_is_passed_over() -> None:
    assert read_specs({b"other": SPEC.to_bytes()}) == {}


def test_a_status_is_read_as_it_was_written() -> None:
    assert read_status({b"copy": STATUS.to_bytes()}, "copy") == STATUS
    assert read_status({b"copy": STATUS.to_bytes()}, "other") is None


def test_measurements_count_while_they_are_fresh_and_whole() -> None:
    rows = {b"copy": json.dumps(MEASURED).encode(), b"odd": json.dumps({**MEASURED, "lag": "far"}).encode()}

    assert read_measurements(rows, "copy", since_ms=1_000) == MEASURED
    assert read_measurements(rows, "copy", since_ms=1_001) is None
    assert read_measurements(rows, "odd", since_ms=0) is None


def test_each_submission_and_each_start_is_a_new_generation_and_a_stop_is_none() -> None:
    submitted = JobSpec("copy", "SELECT 2").after(SPEC)

    assert submitted.generation == 4
    assert (SPEC.stopped().wanted, SPEC.stopped().generation) == (Wanted.STOPPED, 3)
    again = SPEC.stopped().started()
    assert (again.wanted, again.generation, again.fresh) == (Wanted.RUNNING, 4, False)


def test_a_name_that_was_deleted_and_comes_again_is_a_newer_generation() -> None:
    gone = JobSpec("copy", "SELECT 1", submitted_ms=1_000).after(None)
    restarted = gone.started().started()
    again = JobSpec("copy", "SELECT 2", submitted_ms=2_000).after(None)
    assert gone.generation < restarted.generation < again.generation


def test_a_status_answers_what_was_asked_for_once_it_is_of_that_generation_or_a_newer_one() -> None:
    stopped = replace(STATUS, phase=Phase.STOPPED)

    assert STATUS.answers(SPEC)
    assert replace(STATUS, generation=4).answers(SPEC)
    assert not STATUS.answers(SPEC.started())
    assert not STATUS.answers(SPEC.stopped())
    assert stopped.answers(SPEC.stopped())
    assert not stopped.answers(SPEC.started())


def test_a_job_without_a_status_of_its_generation_is_submitted_and_one_without_measurements_is_silent_in_time() -> None:
    statuses = {b"copy": STATUS.to_bytes()}

    assert described(SPEC, {}, {}, 7)["phase"] == Phase.SUBMITTED
    assert described(SPEC.started(), statuses, {}, 7)["phase"] == Phase.SUBMITTED
    assert [described(SPEC, statuses, {}, 7 + ms)["silent"] for ms in (STALE_MS, STALE_MS + 1)] == [False, True]
    measured = {b"copy": json.dumps(MEASURED).encode()}
    assert not described(SPEC, statuses, measured, MEASURED["at_ms"] + STALE_MS)["silent"]

"""The README's example is the files under examples/readme, and they run: produce, a job, consume."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer
from pages import ROOT, blocks

from running_broker import RIACHO, StartBroker

Rows = dict[str, dict[str, Any]]
EXAMPLE = ROOT / "examples" / "readme"
DEADLINE_SECONDS = 120.0
"""Far more than it takes: kernels may have to be compiled first."""


@pytest.mark.parametrize("page", ["README.md", "docs/index.md"])
def test_the_example_on_a_page_is_the_one_that_is_run(page: str) -> None:
    shown = {block.language: block.text for block in blocks(ROOT / page, "python", "sql")}

    assert shown == {
        "python": (EXAMPLE / "produce.py").read_text(),
        "sql": (EXAMPLE / "job.sql").read_text(),
    }


def test_the_producer_of_the_readme_has_ten_lines() -> None:
    assert len((EXAMPLE / "produce.py").read_text().splitlines()) <= 10


def test_the_readmes_producer_and_job_give_the_revenue_of_each_city(broker: StartBroker, tmp_path: Path) -> None:
    kafka = broker().bootstrap
    subprocess.run([sys.executable, str(EXAMPLE / "produce.py"), kafka], check=True, timeout=DEADLINE_SECONDS)
    command = [str(RIACHO), "run", str(EXAMPLE / "job.sql"), "--kafka", kafka, "--dir", str(tmp_path)]

    with (tmp_path / "job.log").open("w") as log:
        job = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)
    try:
        revenue = rows_until(kafka, "revenue", lambda rows: sum(row["orders"] for row in rows.values()) == 3_000, job)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{(tmp_path / 'job.log').read_text()}") from None
    finally:
        job.send_signal(signal.SIGTERM)
        job.wait(DEADLINE_SECONDS)

    expected = {
        city: {"city": city, "orders": 1_000, "total": sum(number % 100 for number in range(place, 3_000, 3))}
        for place, city in enumerate(("Lisboa", "Recife", "Luanda"))
    }
    assert revenue == expected
    assert job.returncode == 0


def rows_until(kafka: str, topic: str, complete: Callable[[Rows], bool], job: subprocess.Popen[bytes]) -> Rows:
    """The newest row of each city, once they are what is waited for."""
    consumer = Consumer(
        {
            "bootstrap.servers": kafka,
            "group.id": "reader",
            "auto.offset.reset": "earliest",
            "topic.metadata.refresh.interval.ms": 200,  # the topic may not be there yet
        }
    )
    consumer.subscribe([topic])
    rows: Rows = {}
    deadline = time.monotonic() + DEADLINE_SECONDS
    try:
        while not complete(rows):
            assert time.monotonic() < deadline, f"only these came: {rows}"
            assert job.poll() is None, f"the job ended with {job.returncode}"
            message = consumer.poll(0.2)
            if message is not None and message.error() is None:
                row = json.loads(message.value())
                rows[row["city"]] = row
    finally:
        consumer.close()
    return rows

"""An Ibis expression as a job of a platform."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import ibis
import pytest
from running_platform import RunningPlatform

import riacho.ibis
from job_process import Reader, create_topic, produce, until

CENTS = 100


@ibis.udf.scalar.python
def in_cents(price: int) -> int:
    return CENTS * price


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[RunningPlatform]:
    up = RunningPlatform(tmp_path / "platform")
    yield up.start()
    up.close()


def test_an_expression_with_its_python_functions_runs_for_good_and_is_stopped_like_any_job(
    platform: RunningPlatform,
) -> None:
    create_topic(platform.kafka, "orders")
    produce(platform.kafka, "orders", [{"city": "Rio", "price": 2}, {"city": "Lima", "price": 3}])
    con = riacho.ibis.connect(platform.kafka, progress=False)
    orders = con.topic("orders")
    options = {"connector": "upsert-kafka", "topic": "revenue", "key.format": "json", "value.format": "json"}
    options["properties.bootstrap.servers"] = platform.kafka
    schema = {"city": "!string", "revenue": "int64"}
    revenue = con.create_table("revenue", schema=schema, tbl_properties=options, primary_key="city")

    job = riacho.ibis.start(orders.group_by("city").agg(revenue=in_cents(orders.price).sum()), into=revenue)

    published = Reader(platform.kafka, "revenue")
    until(lambda: len(published.values()) >= 2, f"the job publishes what is there: {platform.jobs()}")
    produce(platform.kafka, "orders", [{"city": "Rio", "price": 5}])
    until(lambda: {"city": "Rio", "revenue": 700} in published.values(), "and what comes")
    published.close()
    assert [each.name for each in riacho.ibis.jobs(con)] == ["revenue"]
    assert "INSERT INTO `revenue`" in job.sql

    job.stop()

    until(lambda: job.status()["phase"] == "stopped", "the job stops")
    job.delete()
    assert riacho.ibis.jobs(con) == []

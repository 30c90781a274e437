"""`riacho bench latency`: its queries are ones that run."""

from __future__ import annotations

import pytest

from riacho.bench.latency import QUERIES, TABLES
from riacho.jobs.script import compile_job_script


@pytest.mark.parametrize("query", QUERIES)
def test_a_measured_query_is_a_job(query: str) -> None:
    sql, _ = QUERIES[query]

    assert len(compile_job_script(TABLES + sql, None, {"KAFKA": "127.0.0.1:9092"}).jobs) == 1

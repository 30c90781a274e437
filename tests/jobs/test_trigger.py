"""When a pass begins."""

from __future__ import annotations

import pytest

from riacho.errors import UsageError
from riacho.jobs.trigger import HELD_POLL_MS, MAX_ROWS, Trigger, trigger_of

MINI_BATCH = {
    "table.exec.mini-batch.enabled": "true",
    "table.exec.mini-batch.size": "100",
    "table.exec.mini-batch.allow-latency": "2000",
}


def test_the_default_takes_what_has_arrived_and_never_waits() -> None:
    trigger = trigger_of({})
    assert trigger == Trigger(max_rows=MAX_ROWS)
    assert trigger.wait_ms(rows=1, oldest_ms=0.0, now_ms=0.0) == 0.0


def test_a_mini_batch_waits_until_its_oldest_row_has_waited_long_enough() -> None:
    trigger = trigger_of(MINI_BATCH)
    assert trigger.wait_ms(rows=99, oldest_ms=1_000.0, now_ms=1_500.0) == 1_500.0
    assert trigger.wait_ms(rows=99, oldest_ms=1_000.0, now_ms=3_000.0) == 0.0


def test_a_full_mini_batch_does_not_wait() -> None:
    assert trigger_of(MINI_BATCH).wait_ms(rows=100, oldest_ms=0.0, now_ms=0.0) == 0.0


def test_few_rows_hold_a_pass_up_only_once_more_were_asked_for() -> None:
    trigger = trigger_of(MINI_BATCH)
    assert trigger.ask_again_ms(polls=1, rows=5, left_ms=1_000.0) == 0.0
    assert trigger.ask_again_ms(polls=2, rows=5, left_ms=1_000.0) == HELD_POLL_MS


@pytest.mark.parametrize("missing", ["table.exec.mini-batch.size", "table.exec.mini-batch.allow-latency"])
def test_mini_batch_without_a_limit_is_refused_by_the_name_of_the_limit(missing: str) -> None:
    options = {key: value for key, value in MINI_BATCH.items() if key != missing}
    with pytest.raises(UsageError, match=missing):
        trigger_of(options)

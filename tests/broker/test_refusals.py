"""Refused connections in the log: said at once, and not for ever."""

from __future__ import annotations

import pytest

from riacho.broker.refusals import MOST_REASONS, REPEAT_AFTER_MS, Refusals
from riacho.host import ManualClock


def test_a_client_that_keeps_coming_back_is_logged_once_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    refusals = Refusals(clock)
    for port in range(20):
        refusals.closed("10.0.0.1", port, "it speaks TLS")
    assert caplog.messages == ["closed the connection from 10.0.0.1:0: it speaks TLS"]
    clock.advance(REPEAT_AFTER_MS)
    refusals.closed("10.0.0.1", 20, "it speaks TLS")
    assert caplog.messages[1:] == [
        "closed the connection from 10.0.0.1:20: it speaks TLS (and 19 more times since this was last said)"
    ]


def test_another_host_and_another_reason_are_logged_at_once(caplog: pytest.LogCaptureFixture) -> None:
    refusals = Refusals(ManualClock())
    refusals.closed("10.0.0.1", 1, "it speaks TLS")
    refusals.closed("10.0.0.2", 1, "it speaks TLS")
    refusals.closed("10.0.0.1", 1, "it speaks HTTP")
    assert len(caplog.messages) == 3


def test_what_is_remembered_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    refusals = Refusals(ManualClock())
    for number in range(MOST_REASONS + 1):
        refusals.closed("10.0.0.1", 1, f"reason {number}")
    refusals.closed("10.0.0.1", 1, "reason 0")
    assert caplog.messages.count("closed the connection from 10.0.0.1:1: reason 0") == 2
    assert len(refusals._seen) == MOST_REASONS

"""Commands against the broker that tests share."""

from __future__ import annotations

import pytest
from commands import Commands

from running_broker import RunningBroker


@pytest.fixture(scope="session")
def riacho(kafka: RunningBroker) -> Commands:
    return Commands(kafka)

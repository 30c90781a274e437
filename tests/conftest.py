"""What tests of every package share: broker processes."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from running_broker import RunningBroker

settings.register_profile("riacho", deadline=None)  # how busy the machine is says nothing of the code
settings.load_profile("riacho")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # In a shell's background, where interrupts are ignored, so would be those that tests send to commands.
    signal.signal(signal.SIGINT, signal.default_int_handler)

StartBroker = Callable[..., RunningBroker]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[StartBroker]:
    """Starts brokers of a test's own: `broker("--fsync", "kafka")`. They end with the test.

    They are forks (see `RunningBroker`), unless the test asks for one that is `executed`.
    """
    started: list[RunningBroker] = []

    def start(*options: str, directory: Path | None = None, executed: bool = False) -> RunningBroker:
        number = len(started)
        own = RunningBroker(
            directory if directory is not None else tmp_path / f"broker-{number}",
            tmp_path / f"broker-{number}.log",
            *options,
            executed=executed,
        )
        started.append(own)
        return own.start()

    yield start
    for each in started:
        each.close()


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBroker]:
    """One broker for all tests that only add topics of their own to it. Do not stop it."""
    directory = tmp_path_factory.mktemp("kafka")
    shared = RunningBroker(directory / "data", directory / "broker.log", "--set", "group.initial.rebalance.delay.ms=0")
    yield shared.start()
    shared.close()


@pytest.fixture
def topic(request: pytest.FixtureRequest) -> str:
    """A topic name that no other test uses."""
    name: str = request.node.name
    return "".join(letter if letter.isalnum() else "_" for letter in name)[:200]

"""What tests of every package share: broker processes, and what is left out of coverage."""

from __future__ import annotations

import functools
import itertools
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from running_broker import RunningBroker

settings.register_profile("riacho", deadline=None)  # how busy the machine is says nothing of the code
settings.load_profile("riacho")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # In a shell's background, where interrupts are ignored, so would be those that tests send to commands.
    signal.signal(signal.SIGINT, signal.default_int_handler)

TRACED_EXAMPLES = 3
"""So many examples of a property coverage sees: most others take the same lines, and tracing may triple their time."""

StartBroker = Callable[..., RunningBroker]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Pause coverage after a property's first examples."""
    property_test = getattr(getattr(item, "obj", None), "hypothesis", None)
    measuring = getattr(item.config.pluginmanager.getplugin("_cov"), "cov_controller", None)
    if property_test is None or measuring is None or item.get_closest_marker("no_cover"):
        return (yield)
    test = property_test.inner_test
    numbers = itertools.count()

    @functools.wraps(test)
    def example(*arguments: Any, **named: Any) -> Any:
        if next(numbers) == TRACED_EXAMPLES:
            measuring.pause()
        return test(*arguments, **named)

    property_test.inner_test = example
    try:
        return (yield)
    finally:
        property_test.inner_test = test
        if next(numbers) > TRACED_EXAMPLES:
            measuring.resume()


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

"""Apache Flink beside ours. These tests run by `make test-cluster`: they need Java, and minutes."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from riacho.bench.peers.flink import Flink


def say(text: str) -> None:
    print(text, file=sys.stderr)


@pytest.fixture(scope="session")
def flink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flink]:
    """One Flink for all tests; each takes a session of its own."""
    with Flink(tmp_path_factory.mktemp("flink"), slots=4, progress=say) as cluster:
        yield cluster

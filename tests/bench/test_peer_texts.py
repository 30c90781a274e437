"""The examples in the docstrings of the peers' modules hold."""

from __future__ import annotations

import doctest
from types import ModuleType

import pytest

from riacho.bench.peers.flink import distribution, gateway, result_types


@pytest.mark.parametrize("module", [distribution, gateway, result_types])
def test_the_examples_hold(module: ModuleType) -> None:
    tried = doctest.testmod(module)
    assert tried.attempted > 0
    assert tried.failed == 0

"""The examples in the docstrings of the functions' modules hold."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from types import ModuleType

import pytest

import riacho.dataflow.evaluation
import riacho.dataflow.expressions
import riacho.dataflow.functions
import riacho.sql.functions
import riacho.user_functions


def _modules(package: ModuleType) -> list[str]:
    return [item.name for item in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]


MODULES = [
    name
    for package in (
        riacho.dataflow.evaluation,
        riacho.dataflow.expressions,
        riacho.dataflow.functions,
        riacho.sql.functions,
        riacho.user_functions,
    )
    for name in _modules(package)
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_hold(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0

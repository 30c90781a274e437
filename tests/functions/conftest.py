"""How the thousands of tests of functions, milliseconds each, are dealt out to pytest-xdist's workers."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent

DEALT_TOGETHER = 32
"""As one by one they cost xdist more than they take: at each test's end it counts all that it has ever dealt out."""


@pytest.hookimpl(tryfirst=True)  # xdist reads the marks in this hook too
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.pluginmanager.hasplugin("xdist"):
        return
    mine = [item for item in items if item.path.parent == HERE]
    for number, item in enumerate(mine):
        item.add_marker(pytest.mark.xdist_group(f"functions-{number // DEALT_TOGETHER}"))

"""A platform has one cluster: its own broker's, or one that exists."""

from __future__ import annotations

from pathlib import Path

import pytest

import forked

DEADLINE_S = 120.0


@pytest.mark.parametrize("command", ["up", "demo"])
def test_a_cluster_that_exists_and_a_broker_of_ones_own_contradict_each_other(command: str, tmp_path: Path) -> None:
    directory = ("--dir", str(tmp_path / "none"))
    ended = forked.run(command, *directory, "--kafka", "127.0.0.1:1", "--listen", "127.0.0.1:0", timeout=DEADLINE_S)

    assert ended.returncode == 2
    assert ended.stderr.decode().startswith("error: --kafka and --listen contradict each other")
    assert list(tmp_path.iterdir()) == []

"""Keys of SET: none that Flink has is said not to exist."""

from __future__ import annotations

from pathlib import Path

from riacho.sql.options import is_known

FLINK = Path(__file__).with_name("flink_options.txt")
"""The keys that Flink 2.2 declares for jobs, their older names included."""


def test_every_key_that_flink_has_is_known() -> None:
    keys = FLINK.read_text(encoding="utf-8").split()
    assert len(keys) > 280
    assert [key for key in keys if not is_known(key)] == []

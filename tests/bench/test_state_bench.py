"""`riacho bench state` compares what an event costs early and late in a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from riacho.bench.nexmark.child import Measured
from riacho.bench.state import growth, run


def test_a_query_is_measured_from_its_first_event_to_its_last(tmp_path: Path) -> None:
    seen: list[int] = []

    (found,) = run(tmp_path, names=["q18"], events=20_000, progress=lambda _query, done: seen.append(done))

    assert (found.query, found.events) == ("q18", 20_000)
    assert (seen[0], seen[-1]) == (0, 20_000)
    assert found.early_us > 0
    assert found.late_us > 0
    assert found.peak_rss_mb > 10


def test_the_ratio_is_of_the_last_tenth_to_an_early_part() -> None:
    whole = Measured(events=300, elapsed_s=1.0, cpu_s=4.2, peak_rss_mb=50.0)

    found = growth("q9", [(0, 1.0), (10, 2.0), (30, 2.2), (270, 4.6), (300, 5.2)], whole)

    assert found.early_us == pytest.approx(0.2 / 20 * 1e6)
    assert found.late_us == pytest.approx(0.6 / 30 * 1e6)
    assert found.ratio == pytest.approx(2.0)

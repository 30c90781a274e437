"""`riacho bench nexmark` measures each query in a process of its own, and says why one does not run."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from riacho.bench.nexmark import queries
from riacho.bench.nexmark.child import Measured
from riacho.bench.nexmark.run import Outcome, geometric_mean, run
from riacho.bench.nexmark.workload import Peer, Source, Workload
from riacho.errors import UsageError

EVENTS = 5_000


def test_each_query_is_measured_on_both_engines_over_the_same_events(tmp_path: Path) -> None:
    seen: list[tuple[str, int]] = []
    workload = Workload(["q0", "q17"], EVENTS, Peer.DUCKDB, batch=1_000)
    outcomes = run(tmp_path, workload, lambda what, done: seen.append((what, done)))
    assert [outcome.query for outcome in outcomes] == ["q0", "q17"]
    for outcome in outcomes:
        for measured in (outcome.ours, outcome.peer):
            assert measured is not None, (outcome.refused, outcome.peer_refused)
            assert measured.events == EVENTS
            assert measured.elapsed_s > 0
            assert measured.peak_rss_mb > 10
        assert outcome.ratio is not None
        assert outcome.peer is not None
        assert outcome.peer.state_mb is None
    held = [outcome.ours.state_mb for outcome in outcomes if outcome.ours and outcome.ours.state_mb is not None]
    assert held[0] < 0.001 < held[1]
    begun = list(dict.fromkeys(what for what, done in seen if not done))
    assert begun == ["q0 riacho", "q0 duckdb", "q17 riacho", "q17 duckdb"]
    assert ("writing events", EVENTS) in seen


def test_a_topic_holds_the_events_of_the_generator(tmp_path: Path) -> None:
    (outcome,) = run(tmp_path, Workload(["q2"], EVENTS, source=Source.KAFKA), lambda _what, _done: None)
    assert outcome.refused is None
    assert outcome.ours is not None
    assert outcome.ours.events == EVENTS
    assert outcome.peer is None
    assert outcome.ratio is None


def test_a_query_that_fails_leaves_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "query", lambda _name: "INSERT INTO nowhere SELECT price FROM bid;")
    (outcome,) = run(tmp_path, Workload(["q0"], EVENTS), lambda _what, _done: None)
    assert outcome.ours is None
    assert outcome.refused is not None
    assert "nowhere" in outcome.refused


def test_the_mean_is_of_the_queries_that_both_engines_ran() -> None:
    fast, slow = Measured(100, 1.0, 1.0, 1.0), Measured(100, 4.0, 1.0, 1.0)
    outcomes = [
        Outcome("q0", fast, slow),
        Outcome("q1", slow, fast),
        Outcome("q2", fast, slow),
        Outcome("q3", None, fast),
    ]
    mean = geometric_mean(outcomes)
    assert mean is not None
    assert math.isclose(mean, 4 ** (1 / 3))
    assert geometric_mean(outcomes[3:]) is None


@pytest.mark.parametrize(
    ("workload", "complaint"),
    [
        (Workload(["q0"], 1, Peer.FLINK), "--nexmark-jar"),
        (Workload(["q0"], 1, Peer.FLINK, Source.FILES), "--source kafka"),
    ],
)
def test_what_cannot_be_compared_is_refused(workload: Workload, complaint: str) -> None:
    with pytest.raises(UsageError) as raised:
        workload.check()
    assert complaint in str(raised.value)


def test_queries_are_chosen_by_their_names() -> None:
    assert list(queries.chosen(None)) == [f"q{number}" for number in range(24)]
    with pytest.raises(UsageError, match="'q24'"):
        queries.chosen("q1,q24")
    for names in ("", " , "):
        with pytest.raises(UsageError, match="names no query") as raised:
            queries.chosen(names)
        assert "q0 to q23" in str(raised.value)

"""Money that is only moved: whatever is derived from transfers adds up to nothing in every epoch.

What each transfer takes from one account it gives to another. An engine that emits one leg before the other, or one
side of a join before its partner, shows a total that never was: after every pass, wherever the input is cut, out of
order, late or restarted, the total is zero.
"""

from __future__ import annotations

from typing import Any

import pytest
from changelogs import Event, run
from event_streams import Stream, cut, out_of_order
from hypothesis import given, settings
from hypothesis import strategies as st

from riacho.plan.relations import Relation
from riacho.sql.session import Session

LATE_MS = 6
DDL = """
CREATE TABLE t (
  payer INT, payee INT, amount BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '0.003' SECOND
) WITH ('connector' = 'kafka');
CREATE TABLE accounts (
  id INT, branch STRING, PRIMARY KEY (id) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka');
CREATE VIEW legs AS
SELECT payer AS account, -amount AS amount, ts FROM t UNION ALL SELECT payee, amount, ts FROM t;
CREATE VIEW balances AS SELECT account, SUM(amount) AS balance FROM legs GROUP BY account;
CREATE VIEW debits AS SELECT payer AS account, SUM(amount) AS total FROM t GROUP BY payer;
CREATE VIEW credits AS SELECT payee AS account, SUM(amount) AS total FROM t GROUP BY payee;
"""

TOTALS = {
    "of balances": "SELECT SUM(balance) FROM balances",
    "of balances twice grouped": """
        SELECT SUM(balance)
        FROM (SELECT MOD(account, 2) AS half, SUM(balance) AS balance FROM balances GROUP BY MOD(account, 2))
    """,
    "of credits less debits": """
        SELECT SUM(COALESCE(c.total, 0) - COALESCE(d.total, 0))
        FROM credits AS c FULL JOIN debits AS d ON c.account = d.account
    """,
    "of balances beside themselves": """
        SELECT SUM(a.balance) + SUM(b.balance) FROM balances AS a JOIN balances AS b ON a.account = b.account
    """,
    "by branch, which changes": """
        SELECT SUM(total) FROM (
          SELECT COALESCE(a.branch, '?') AS branch, SUM(b.balance) AS total
          FROM balances AS b LEFT JOIN accounts AS a ON b.account = a.id
          GROUP BY COALESCE(a.branch, '?')
        )
    """,
}


def query(text: str) -> Relation:
    session = Session()
    session.execute(DDL)
    return session.query(text)


transfers = st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(1, 9))


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    """Transfers out of order, some late, among accounts that move from branch to branch."""
    events, _, _ = draw(out_of_order(transfers, late_ms=LATE_MS))
    mixed: list[Event] = []
    for event in events:
        mixed.append(event)
        if draw(st.booleans()):
            account = draw(st.integers(0, 4))
            deleted = draw(st.integers(0, 3)) == 0
            branch = None if deleted else draw(st.sampled_from(["north", "south"]))
            mixed.append(Event("accounts", (account, branch), deleted=deleted))
    return cut(draw, mixed)


@pytest.mark.parametrize("text", TOTALS.values(), ids=TOTALS.keys())
@settings(max_examples=15)
@given(stream=streams())
def test_the_total_is_zero_in_every_epoch(text: str, stream: Any) -> None:
    events, cuts, restarts = stream

    def look(prefix: int, outcome: Any) -> None:
        moved = any(event.table == "t" for event in events[:prefix])
        assert set(outcome.total()) == ({(0,)} if moved else set())

    run(query(text), events, cuts, restart_at=restarts, splits=2, observe=look)


@settings(max_examples=30)
@given(stream=streams())
def test_the_total_of_every_window_is_zero(stream: Any) -> None:
    events, cuts, restarts = stream
    windows = """
        SELECT window_start, SUM(amount) FROM TABLE(TUMBLE(TABLE legs, DESCRIPTOR(ts), INTERVAL '0.01' SECOND))
        GROUP BY window_start, window_end
    """

    def look(prefix: int, outcome: Any) -> None:
        assert all(total == 0 for _, total in outcome.total())

    outcome = run(query(windows), events, cuts, restart_at=restarts, splits=2, observe=look)
    assert outcome.total() or outcome.late

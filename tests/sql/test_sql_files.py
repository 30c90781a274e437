"""SQL tests as files, as `riacho test` runs them; what stands in them is told by `riacho.testing`.

Nothing is to be added here. The options `'topic'` and `'format'` are enough for a Kafka table. `EXPLAIN` and the like
are tested in `tests/sql_statements`, wrong scripts in `tests/sql_errors`.

`riacho test tests/sql --accept` writes the expected files that are missing; read them before you commit them.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from riacho.testing.cases import Case, cases_in, difference
from riacho.testing.runs import WHOLE_ROWS, Compiled, Cut, compiled, outcome
from simulated_disk import SimulatedDisk

HERE = Path(__file__).parent
CASES = cases_in(HERE)
STATE = Path("/state")


@cache
def compiled_case(case: Case) -> Compiled:
    return compiled(case)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@example(rows=[WHOLE_ROWS], restarts=[])
@example(rows=[1], restarts=[])
@given(
    rows=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    restarts=st.lists(st.integers(1, 40), max_size=3),
)
@settings(max_examples=6)
def test_the_sinks_end_up_with_the_expected_rows(case: Case, rows: list[int], restarts: list[int]) -> None:
    lines = outcome(compiled_case(case), Cut(tuple(rows), tuple(restarts)), SimulatedDisk(0), STATE)

    assert difference(case.expected_lines() or [], lines) == []


def test_every_file_belongs_to_a_test() -> None:
    data = {path.stem for path in HERE.iterdir() if path.suffix in (".input", ".expected")}
    assert data <= {case.name for case in CASES}
    assert all(case.expected.exists() for case in CASES)

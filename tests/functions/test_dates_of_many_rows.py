"""DATE_FORMAT of a batch is that of its rows, whether its days are few or many."""

from __future__ import annotations

from datetime import datetime

import polars as pl
import pytest

from riacho.dataflow.expressions import UTC
from riacho.dataflow.functions.date_writing import MAX_DAYS, MIN_ROWS, write

MOMENTS = ["2024-02-28 23:59:59.999", None, "2024-03-01 00:00", "2023-12-31 12:00", "1969-12-31 23:00", "1600-01-01"]


@pytest.mark.parametrize("pattern", ["yyyy-MM-dd", "E d MMM yy, DDD", "'day'", "yyyyQ", "yyyy-MM-dd HH"])
@pytest.mark.parametrize("rows", [6, 4, 2])
def test_a_batch_is_written_as_its_rows_are(pattern: str, rows: int) -> None:
    values = [None if text is None else datetime.fromisoformat(text) for text in MOMENTS[:rows]]
    batch = pl.DataFrame({"t": pl.Series(values, dtype=pl.Datetime("us"))})
    many = pl.concat([batch] * (MIN_ROWS // rows + 1))
    written = write(pl.col("t"), pattern, UTC)

    together = many.select(written).to_series().to_list()[-rows:]

    each = [batch[row : row + 1].select(written).to_series().to_list()[0] for row in range(rows)]
    assert together == each
    assert together[1] is None


def test_the_moments_span_more_days_than_are_written_ahead() -> None:
    days = [datetime.fromisoformat(text) for text in MOMENTS if text is not None]

    assert (days[0] - days[-1]).days > MAX_DAYS

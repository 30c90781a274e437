"""Rows that are alike one after another, as those of one window are: what is the same of all is looked up once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from riacho.formats.arrow import address_of
from riacho.kernels.row_runs import number_runs

Int64Array = npt.NDArray[np.int64]


class Runs(NamedTuple):
    """The first row of each run, and which run each row is in."""

    heads: Int64Array
    of_rows: Int64Array


def runs_of(columns: Sequence[Int64Array]) -> Runs:
    """The runs of rows that have the same words in all columns, of which there is at least one.

    >>> runs_of([np.array([5, 5, 7, 5]), np.array([1, 1, 1, 1])]).heads.tolist()
    [0, 2, 3]
    """
    columns = [np.ascontiguousarray(column) for column in columns]
    heads, of_rows = np.empty((2, len(columns[0])), np.int64)
    count = number_runs(np.array([address_of(column) for column in columns], np.uint64), heads, of_rows)
    return Runs(heads[:count], of_rows)

"""STDDEV_POP, STDDEV_SAMP, VAR_POP and VAR_SAMP of FLOAT and DOUBLE.

Those of integers and decimals are sums that the binder puts together as Flink's AggregateReduceFunctionsRule does.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from riacho.dataflow.aggregates.contract import Cells, InCells, Int64Array, Rows, Words
from riacho.dataflow.state.words import words_of_floats
from riacho.kernels.aggregate import MOMENT_CELLS, MOMENT_FINITE, MOMENT_OTHERS, add_moments, merge_moments
from riacho.plan.expressions import AggregateCall
from riacho.plan.types import FloatType

Floats = npt.NDArray[np.float64]


class Moments(InCells):
    """The sum of the values and of their squares in twice the precision: what is retracted leaves no trace.

    Cells: sum, its rest, sum of squares, its rest, how many are finite, how many are not.
    """

    cells = MOMENT_CELLS

    def update(self, rows: Rows, ledger: Int64Array, at: int) -> None:
        sums = ledger.view(np.float64)
        add_moments(rows.slots, rows.signs, rows.chosen, rows.words, ledger, sums, at)
        if len(rows.signs):
            emptied = rows.touched[ledger[rows.touched, at + MOMENT_FINITE] == 0]
            ledger[emptied, at : at + MOMENT_FINITE] = 0

    def merge(self, parts: Int64Array, source: Int64Array, target: Int64Array, ledger: Int64Array, at: int) -> None:
        merge_moments(source, target, parts, ledger, ledger.view(np.float64), at)

    def result(self, call: AggregateCall, cells: Cells) -> Words:
        kind = call.type
        assert isinstance(kind, FloatType)
        values = cells.values
        rows = values[MOMENT_FINITE] + values[MOMENT_OTHERS]
        divisor = rows if call.function.endswith("_POP") else rows - 1
        valid = divisor > 0
        high, low, squares, squares_low = (values[place].view(np.float64) for place in range(MOMENT_FINITE))
        with np.errstate(all="ignore"):
            found = _deviations(high, low, squares, squares_low, np.maximum(rows, 1)) / np.maximum(divisor, 1)
            if call.function.startswith("STDDEV"):
                found = np.sqrt(found)
            found[values[MOMENT_OTHERS] > 0] = np.nan
            if kind.bits == 32:
                found = found.astype(np.float32).astype(np.float64)
        return Words(words_of_floats(found), valid)


def _deviations(high: Floats, low: Floats, squares: Floats, squares_low: Floats, rows: Int64Array) -> Floats:
    """The sum of squared distances from the mean: Σx² − (Σx)²/n, in twice the precision.

    >>> values = np.array([1e9, 1e9 + 1])
    >>> one, zero = np.array([values.sum()]), np.zeros(1)
    >>> exact = int(values[0]) ** 2 + int(values[1]) ** 2
    >>> rest = np.array([float(exact - int(float(exact)))])
    >>> _deviations(one, zero, np.array([float(exact)]), rest, np.array([2])).tolist()
    [0.5]
    """
    count = rows.astype(np.float64)
    product, error = _product(high, high)
    error += 2.0 * high * low
    quotient = product / count
    back, lost = _product(quotient, count)
    rest = ((product - back) - lost + error) / count
    found: Floats = np.maximum((squares - quotient) + (squares_low - rest), 0.0)
    return found


def _product(one: Floats, other: Floats) -> tuple[Floats, Floats]:
    """The product and what rounding took from it (Dekker)."""
    product = one * other
    one_high, one_low = _halves(one)
    other_high, other_low = _halves(other)
    error = ((one_high * other_high - product) + one_high * other_low + one_low * other_high) + one_low * other_low
    return product, error


def _halves(values: Floats) -> tuple[Floats, Floats]:
    part = values * 134217729.0  # 2^27 + 1
    high = part - (part - values)
    return high, values - high

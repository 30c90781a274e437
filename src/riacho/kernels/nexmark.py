"""The fields of Nexmark's events that are numbers or times, each a pure function of the event's number.

Every kernel fills one field for events `first` and following; where the event is of another kind the field is 0.

Source: Apache Beam, "Nexmark benchmark suite" and its generator; nexmark/nexmark, the suite for Flink.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import READ_INT64, inlined, kernel
from riacho.kernels.nexmark_draws import (
    AUCTION,
    FIRST_ID,
    HOT_GROUP,
    LEAD,
    SHAPE,
    STREAM_AUCTION,
    STREAM_BIDDER,
    STREAM_CATEGORY,
    STREAM_LENGTH,
    STREAM_SELLER,
    below,
    draw,
    low_below,
)
from riacho.kernels.primitives import int64, uint64

Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]

_SIX_DECADES = 6 * math.log2(10)

# Of 2^x for x from -1/2 to 1/2: the coefficients of its series, log(2)^n / n!.
_C1, _C2, _C3, _C4, _C5, _C6, _C7, _C8, _C9, _C10, _C11 = (
    math.log(2) ** power / math.factorial(power) for power in range(1, 12)
)


@inlined
def _power_of_two(exponent: float) -> float:
    """2^exponent from 0 to 62, to 13 digits: without the cost of what is exact to the last one."""
    whole = int64(exponent + 0.5)
    x = exponent - whole
    square = x * x
    upper = (_C8 + _C9 * x) + (_C10 + _C11 * x) * square
    middle = (_C4 + _C5 * x) + (_C6 + _C7 * x) * square
    lower = (1.0 + _C1 * x) + (_C2 + _C3 * x) * square
    value = lower + square * square * (middle + square * square * upper)
    return float(int64(1) << whole) * value


@inlined
def _last_person(period: int, offset: int, persons: int) -> int:
    """The number of the newest person, that of the event itself included; from 0."""
    return period * persons + min(offset, persons - 1)


@inlined
def _last_auction(period: int, offset: int, persons: int, auctions: int) -> int:
    """The number of the newest auction at an event that is no person; from 0."""
    return period * auctions + min(offset - persons, auctions - 1)


@inlined
def _time(number: int, base: int, cycle: Int64s, steps: Int64s) -> int:
    """When an event happens, in milliseconds.

    `cycle` is the number of events and the milliseconds after which the rates repeat. `steps` holds, for each rate, the
    number of its first event in the cycle, the rate per second, and its first millisecond.
    """
    rest = number
    start = base
    if number >= cycle[0]:
        whole = number // cycle[0]
        rest = number - whole * cycle[0]
        start += whole * cycle[1]
    step = 3
    while step < len(steps) and rest >= steps[step]:
        step += 3
    step -= 3
    return int64(start + steps[step + 2] + (rest - steps[step]) * 1000 // steps[step + 1])


@inlined
def _stretch(number: int, cycle: Int64s, steps: Int64s) -> tuple[int, int, int]:
    """The events of one rate around an event: (the first, the rate, the first of the next rate)."""
    whole = number // cycle[0]
    begin = whole * cycle[0]
    step = 3
    while step < len(steps) and number - begin >= steps[step]:
        step += 3
    stop = begin + (steps[step] if step < len(steps) else cycle[0])
    return begin + steps[step - 3], steps[step - 2], stop


@kernel(f"void(int64, {SHAPE}, int32[::1])")
def event_kinds(first: int, shape: Int64s, out: Int32s) -> None:
    """0 for people, 1 for auctions, 2 for bids."""
    persons, others, period = shape[0], shape[0] + shape[1], shape[2]
    offset = first % period
    for row in range(len(out)):
        out[row] = 0 if offset < persons else (1 if offset < others else 2)
        offset += 1
        if offset == period:
            offset = int64(0)


@kernel(f"void(int64, int64, {READ_INT64}, {READ_INT64}, int64[::1])")
def event_times(first: int, base: int, cycle: Int64s, steps: Int64s, out: Int64s) -> None:
    """In microseconds, a whole number of milliseconds."""
    row = int64(0)
    while row < len(out):
        start, rate, stop = _stretch(first + row, cycle, steps)
        stop = min(stop - first, int64(len(out)))
        # Within a stretch of one rate the quotient goes on from row to row, without a division.
        whole, rest = int64(1000) // rate, int64(1000) % rate
        value = _time(first + row, base, cycle, steps)
        left = (first + row - start) * 1000 % rate
        while row < stop:
            out[row] = value * 1000
            left += rest
            over = int64(left >= rate)
            value += whole + over
            left -= rate * over
            row += 1


@kernel(f"void(int64, {SHAPE}, int64, int64[::1])")
def own_ids(first: int, shape: Int64s, kind: int, out: Int64s) -> None:
    """The id of the person or of the auction that an event brings."""
    before = shape[0] if kind == AUCTION else int64(0)
    count, period = shape[kind], shape[2]
    number, offset = first // period, first % period
    for row in range(len(out)):
        place = offset - before
        out[row] = number * count + place + FIRST_ID if 0 <= place < count else 0
        offset += 1
        if offset == period:
            offset = int64(0)
            number += 1


@kernel(f"void(int64, {SHAPE}, uint64, int64, int64, int64, int64[::1])")
def people(first: int, shape: Int64s, seed: int, kind: int, hot_ratio: int, active: int, out: Int64s) -> None:
    """Who sells (in auctions) or bids (in bids): a hot person but for one in `hot_ratio`, else one of `active` people.

    Hot bidders are the second of each hundred people and hot sellers the first, so that they are never the same.
    """
    persons, auctions, period = shape[0], shape[1], shape[2]
    low, high = (persons, persons + auctions) if kind == AUCTION else (persons + auctions, period)
    stream, hot_place = (int64(STREAM_SELLER), int64(0)) if kind == AUCTION else (int64(STREAM_BIDDER), int64(1))
    number, offset = first // period, first % period
    for row in range(len(out)):
        out[row] = 0
        if low <= offset < high:
            bits = draw(seed, first + row, stream)
            last = _last_person(number, offset, persons)
            if low_below(bits, hot_ratio) > 0:
                out[row] = max(last, 0) // HOT_GROUP * HOT_GROUP + hot_place + FIRST_ID
            else:
                known = min(last + 1, active)
                out[row] = last + 1 - known + below(bits, known + LEAD) + FIRST_ID
        offset += 1
        if offset == period:
            offset = int64(0)
            number += 1


@kernel(f"void(int64, {SHAPE}, uint64, int64, int64, int64[::1])")
def auctions_bid_on(first: int, shape: Int64s, seed: int, hot_ratio: int, in_flight: int, out: Int64s) -> None:
    """The auction of a bid: a hot one but for one in `hot_ratio`, else one of the newest `in_flight`."""
    persons, auctions, period = shape[0], shape[1], shape[2]
    number, offset = first // period, first % period
    for row in range(len(out)):
        out[row] = 0
        if offset >= persons + auctions:
            bits = draw(seed, first + row, STREAM_AUCTION)
            last = _last_auction(number, offset, persons, auctions)
            if low_below(bits, hot_ratio) > 0:
                out[row] = max(last, 0) // HOT_GROUP * HOT_GROUP + FIRST_ID
            else:
                least = max(last - in_flight, 0)
                out[row] = least + below(bits, last - least + 1 + LEAD) + FIRST_ID
        offset += 1
        if offset == period:
            offset = int64(0)
            number += 1


@kernel(f"void(int64, {SHAPE}, uint64, int64, int64, int64[::1])")
def prices(first: int, shape: Int64s, seed: int, kind: int, stream: int, out: Int64s) -> None:
    """Prices in cents, from 1 to 1 000 000 dollars, as many in each decade."""
    persons, auctions, period = shape[0], shape[1], shape[2]
    low, high = (persons, persons + auctions) if kind == AUCTION else (persons + auctions, period)
    offset = first % period
    for row in range(len(out)):
        out[row] = 0
        if low <= offset < high:
            unit = int64(draw(seed, first + row, stream) >> uint64(11)) * 2.0**-53
            out[row] = int64(_power_of_two(unit * _SIX_DECADES) * 100.0 + 0.5)
        offset += 1
        if offset == period:
            offset = int64(0)


@kernel(f"void(int64, {SHAPE}, uint64, int64, int64, int64[::1])")
def categories(first: int, shape: Int64s, seed: int, lowest: int, count: int, out: Int64s) -> None:
    """The category of an auction."""
    persons, auctions, period = shape[0], shape[1], shape[2]
    offset = first % period
    for row in range(len(out)):
        out[row] = 0
        if persons <= offset < persons + auctions:
            out[row] = lowest + below(draw(seed, first + row, STREAM_CATEGORY), count)
        offset += 1
        if offset == period:
            offset = int64(0)


@kernel(f"void(int64, {SHAPE}, uint64, int64, int64, {READ_INT64}, {READ_INT64}, int64[::1])")
def expiries(
    first: int, shape: Int64s, seed: int, in_flight: int, base: int, cycle: Int64s, steps: Int64s, out: Int64s
) -> None:
    """When an auction ends, in microseconds: on average when `in_flight` more have begun."""
    persons, auctions, period = shape[0], shape[1], shape[2]
    offset = first % period
    for row in range(len(out)):
        out[row] = 0
        if persons <= offset < persons + auctions:
            number = first + row
            begun = _time(number, base, cycle, steps)
            horizon = _time(number + in_flight * period // auctions, base, cycle, steps) - begun
            bits = draw(seed, number, STREAM_LENGTH)
            length = int64((bits >> uint64(1)) % uint64(max(2 * horizon, 1)))
            out[row] = (begun + 1 + length) * 1000
        offset += 1
        if offset == period:
            offset = int64(0)

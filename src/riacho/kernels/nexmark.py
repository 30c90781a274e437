"""The fields of Nexmark's events, each a pure function of the event's number.

Events go round in periods: first `persons` people, then `auctions` auctions, then bids, `period` events in all. Every
kernel fills one field for events `first` and following; where the event is of another kind the field is 0, an empty
string view or the time. A draw is a hash of the seed, the event's number and the field's stream, so that fields can be
made in any order, or not at all.

Source: Apache Beam, "Nexmark benchmark suite" and its generator; nexmark/nexmark, the suite for Flink.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import BYTES, READ_INT64, READ_UINT64, inlined, kernel
from riacho.kernels.primitives import copy_bytes, int64, load_word, uint64

Bytes = NDArray[np.uint8]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]
Uint64s = NDArray[np.uint64]

PERSON: Final = 0
AUCTION: Final = 1
BID: Final = 2

FIRST_ID: Final = 1000
"""Of people and of auctions."""
HOT_GROUP: Final = 100
"""One in so many people and auctions is hot."""
LEAD: Final = 10
"""So many ids ahead of the last one may be drawn: as if events had come a little out of order."""

# What each draw is for. Two fields that must agree share a stream.
(
    STREAM_BIDDER,
    STREAM_AUCTION,
    STREAM_PRICE,
    STREAM_CHANNEL,
    STREAM_EXTRA,
    STREAM_SELLER,
    STREAM_CATEGORY,
    STREAM_RESERVE,
    STREAM_LENGTH,
    STREAM_TEXT,
    STREAM_DESCRIPTION,
    STREAM_NAME,
    STREAM_CITY,
    STREAM_STATE,
    STREAM_MAILBOX,
    STREAM_HOST,
    STREAM_CARD,
    STREAM_POOL,
) = range(18)
_STREAMS = uint64(32)

_GOLDEN = uint64(0x9E3779B97F4A7C15)
_MULTIPLIER_1 = uint64(0xBF58476D1CE4E5B9)
_MULTIPLIER_2 = uint64(0x94D049BB133111EB)
_LOW = uint64(0xFFFFFFFF)
_SIX_DECADES = 6 * math.log2(10)

SHAPE = READ_INT64
"""persons, auctions and events of a period."""

EMAIL_BYTES: Final = 16
"""What an e-mail address takes at most: 6 characters, @, 4 characters and .com."""
CARD_BYTES: Final = 19
"""Four groups of four digits."""

_SPACE: Final = 32


@inlined
def _draw(seed: int, number: int, stream: int) -> int:
    """64 random bits: SplitMix64's finalizer over a counter."""
    value = (uint64(number) * _STREAMS + uint64(stream)) * _GOLDEN + uint64(seed)
    value ^= value >> uint64(30)
    value *= _MULTIPLIER_1
    value ^= value >> uint64(27)
    value *= _MULTIPLIER_2
    return value ^ (value >> uint64(31))


@inlined
def _below(bits: int, bound: int) -> int:
    """A number from 0 to below `bound`, of the upper 32 bits."""
    return int64(((bits >> uint64(32)) * uint64(bound)) >> uint64(32))


@inlined
def _low_below(bits: int, bound: int) -> int:
    """A number from 0 to below `bound`, of the lower 32 bits."""
    return int64(((bits & _LOW) * uint64(bound)) >> uint64(32))


@inlined
def _place(views: Uint64s, row: int, data: Bytes, start: int, length: int) -> None:
    """The view of a text in the column's first buffer, which goes on for 12 bytes at least after each text's start."""
    head = load_word(data, start)
    if length > 12:
        views[2 * row] = uint64(length) | (head << uint64(32))
        views[2 * row + 1] = uint64(start) << uint64(32)
        return
    tail = load_word(data, start + 4)
    if length < 4:
        head &= (uint64(1) << uint64(8 * length)) - uint64(1)
        tail = uint64(0)
    elif length < 12:
        tail &= (uint64(1) << uint64(8 * (length - 4))) - uint64(1)
    views[2 * row] = uint64(length) | (head << uint64(32))
    views[2 * row + 1] = tail


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
def _trimmed_start(data: Bytes, start: int, length: int) -> int:
    while length > 0 and data[start] == _SPACE:
        start += 1
        length -= 1
    return start


@inlined
def _trimmed_stop(data: Bytes, start: int, stop: int) -> int:
    while stop > start and data[stop - 1] == _SPACE:
        stop -= 1
    return stop


@inlined
def _span(bits: int, words: Bytes, longest: int) -> tuple[int, int]:
    """Where a text of 3 to below `longest` characters lies in `words`, without blanks at its ends."""
    length = 3 + _below(bits, longest - 3)
    start = _low_below(bits, len(words) - 2 * longest)
    begin = _trimmed_start(words, start, length)
    return begin, _trimmed_stop(words, begin, start + length)


@inlined
def _extra_length(bits: int, used: int, average: int) -> int:
    """The length of a filler that makes an event `average` bytes long, give or take a fifth."""
    if used > average:
        return 0
    rest = average - used
    delta = int64(rest * 0.2 + 0.5)
    return rest - delta + _below(bits, 2 * delta)


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
            bits = _draw(seed, first + row, stream)
            last = _last_person(number, offset, persons)
            if _low_below(bits, hot_ratio) > 0:
                out[row] = max(last, 0) // HOT_GROUP * HOT_GROUP + hot_place + FIRST_ID
            else:
                known = min(last + 1, active)
                out[row] = last + 1 - known + _below(bits, known + LEAD) + FIRST_ID
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
            bits = _draw(seed, first + row, STREAM_AUCTION)
            last = _last_auction(number, offset, persons, auctions)
            if _low_below(bits, hot_ratio) > 0:
                out[row] = max(last, 0) // HOT_GROUP * HOT_GROUP + FIRST_ID
            else:
                least = max(last - in_flight, 0)
                out[row] = least + _below(bits, last - least + 1 + LEAD) + FIRST_ID
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
            unit = int64(_draw(seed, first + row, stream) >> uint64(11)) * 2.0**-53
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
            out[row] = lowest + _below(_draw(seed, first + row, STREAM_CATEGORY), count)
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
            bits = _draw(seed, number, STREAM_LENGTH)
            length = int64((bits >> uint64(1)) % uint64(max(2 * horizon, 1)))
            out[row] = (begun + 1 + length) * 1000
        offset += 1
        if offset == period:
            offset = int64(0)


@kernel(f"void(int64, {SHAPE}, uint64, {READ_UINT64}, int64, uint64[::1])")
def channels(first: int, shape: Int64s, seed: int, table: Uint64s, hot: int, out: Uint64s) -> None:
    """A bid's channel, or its address, from a table of both's views: one of the first `hot` in half of all bids."""
    bids, period = shape[0] + shape[1], shape[2]
    others = len(table) // 2 - hot
    offset = first % period
    for row in range(len(out) // 2):
        out[2 * row] = 0
        out[2 * row + 1] = 0
        if offset >= bids:
            bits = _draw(seed, first + row, STREAM_CHANNEL)
            # The lowest bit says whether it is hot; the upper half which one it is.
            entry = _below(bits, hot) if bits & uint64(1) else hot + _below(bits, others)
            out[2 * row] = table[2 * entry]
            out[2 * row + 1] = table[2 * entry + 1]
        offset += 1
        if offset == period:
            offset = int64(0)


@kernel(f"void(int64, {SHAPE}, uint64, {READ_UINT64}, int64, uint64[::1])")
def picked(first: int, shape: Int64s, seed: int, table: Uint64s, stream: int, out: Uint64s) -> None:
    """One of a table's texts for each person."""
    persons, period = shape[0], shape[2]
    offset = first % period
    for row in range(len(out) // 2):
        out[2 * row] = 0
        out[2 * row + 1] = 0
        if offset < persons:
            entry = _below(_draw(seed, first + row, stream), len(table) // 2)
            out[2 * row] = table[2 * entry]
            out[2 * row + 1] = table[2 * entry + 1]
        offset += 1
        if offset == period:
            offset = int64(0)


@kernel(f"void(int64, {SHAPE}, uint64, {BYTES}, int64, int64, uint64[::1])")
def item_texts(first: int, shape: Int64s, seed: int, words: Bytes, stream: int, longest: int, out: Uint64s) -> None:
    """An auction's name or description: 3 to below `longest` characters of `words`."""
    persons, auctions, period = shape[0], shape[1], shape[2]
    offset = first % period
    for row in range(len(out) // 2):
        out[2 * row] = 0
        out[2 * row + 1] = 0
        if persons <= offset < persons + auctions:
            start, stop = _span(_draw(seed, first + row, stream), words, longest)
            _place(out, row, words, start, stop - start)
        offset += 1
        if offset == period:
            offset = int64(0)


@inlined
def _email_spans(seed: int, number: int, words: Bytes) -> tuple[int, int, int, int]:
    mailbox, mailbox_stop = _span(_draw(seed, number, STREAM_MAILBOX), words, int64(7))
    host, host_stop = _span(_draw(seed, number, STREAM_HOST), words, int64(5))
    return mailbox, mailbox_stop, host, host_stop


@kernel(f"void(int64, {SHAPE}, uint64, {BYTES}, uint8[::1], uint64[::1])")
def emails(first: int, shape: Int64s, seed: int, words: Bytes, data: Bytes, out: Uint64s) -> None:
    """A person's e-mail address, written into `data`, which has 16 bytes for each person and 16 more."""
    persons, period = shape[0], shape[2]
    offset = first % period
    used = int64(0)
    for row in range(len(out) // 2):
        out[2 * row] = 0
        out[2 * row + 1] = 0
        if offset < persons:
            mailbox, mailbox_stop, host, host_stop = _email_spans(seed, first + row, words)
            position = used
            copy_bytes(data, position, words, mailbox, mailbox_stop - mailbox)
            position += mailbox_stop - mailbox
            data[position] = 64
            position += 1
            copy_bytes(data, position, words, host, host_stop - host)
            position += host_stop - host
            data[position] = 46
            data[position + 1] = 99
            data[position + 2] = 111
            data[position + 3] = 109
            _place(out, row, data, used, position + 4 - used)
            used += EMAIL_BYTES
        offset += 1
        if offset == period:
            offset = int64(0)


@kernel(f"void(int64, {SHAPE}, uint64, uint8[::1], uint64[::1])")
def credit_cards(first: int, shape: Int64s, seed: int, data: Bytes, out: Uint64s) -> None:
    """A person's card, four groups of four digits, written into `data`, which has 19 bytes for each person and more."""
    persons, period = shape[0], shape[2]
    offset = first % period
    used = int64(0)
    for row in range(len(out) // 2):
        out[2 * row] = 0
        out[2 * row + 1] = 0
        if offset < persons:
            bits = _draw(seed, first + row, STREAM_CARD)
            for place in range(CARD_BYTES):
                if place % 5 == 4:
                    data[used + place] = _SPACE
                else:
                    data[used + place] = uint64(48) + bits % uint64(10)
                    bits //= uint64(10)
            _place(out, row, data, used, int64(CARD_BYTES))
            used += CARD_BYTES
        offset += 1
        if offset == period:
            offset = int64(0)


@kernel(f"void(int64, {SHAPE}, uint64, {BYTES}, int64, int64, uint64[::1])")
def bid_extras(first: int, shape: Int64s, seed: int, letters: Bytes, used: int, average: int, out: Uint64s) -> None:
    """What fills a bid, of which `used` bytes are known, up to its average size."""
    bids, period = shape[0] + shape[1], shape[2]
    offset = first % period
    for row in range(len(out) // 2):
        out[2 * row] = 0
        out[2 * row + 1] = 0
        if offset >= bids:
            bits = _draw(seed, first + row, STREAM_EXTRA)
            length = _extra_length(bits, used, average)
            _place(out, row, letters, _low_below(bits, len(letters) - length - 12), length)
        offset += 1
        if offset == period:
            offset = int64(0)


@kernel(f"void(int64, {SHAPE}, uint64, {BYTES}, {BYTES}, int64, int64, uint64[::1])")
def auction_extras(
    first: int, shape: Int64s, seed: int, letters: Bytes, words: Bytes, used: int, average: int, out: Uint64s
) -> None:
    """What fills an auction up to its average size: `used` bytes and its two texts are known."""
    persons, auctions, period = shape[0], shape[1], shape[2]
    offset = first % period
    for row in range(len(out) // 2):
        out[2 * row] = 0
        out[2 * row + 1] = 0
        if persons <= offset < persons + auctions:
            number = first + row
            name, name_stop = _span(_draw(seed, number, STREAM_TEXT), words, int64(20))
            description, description_stop = _span(_draw(seed, number, STREAM_DESCRIPTION), words, int64(100))
            known = used + name_stop - name + description_stop - description
            bits = _draw(seed, number, STREAM_EXTRA)
            length = _extra_length(bits, known, average)
            _place(out, row, letters, _low_below(bits, len(letters) - length - 12), length)
        offset += 1
        if offset == period:
            offset = int64(0)


@inlined
def _picked_length(seed: int, number: int, table: Uint64s, stream: int) -> int:
    entry = _below(_draw(seed, number, stream), len(table) // 2)
    return int64(table[2 * entry] & _LOW)


@kernel(f"void(int64, {SHAPE}, uint64, {BYTES}, {BYTES}, {READ_UINT64}, {READ_UINT64}, int64, int64, uint64[::1])")
def person_extras(
    first: int,
    shape: Int64s,
    seed: int,
    letters: Bytes,
    words: Bytes,
    names: Uint64s,
    cities: Uint64s,
    used: int,
    average: int,
    out: Uint64s,
) -> None:
    """What fills a person up to its average size: `used` bytes, its name, e-mail address and city are known."""
    persons, period = shape[0], shape[2]
    offset = first % period
    for row in range(len(out) // 2):
        out[2 * row] = 0
        out[2 * row + 1] = 0
        if offset < persons:
            number = first + row
            mailbox, mailbox_stop, host, host_stop = _email_spans(seed, number, words)
            known = used + mailbox_stop - mailbox + host_stop - host + 5
            known += _picked_length(seed, number, names, STREAM_NAME)
            known += _picked_length(seed, number, cities, STREAM_CITY)
            bits = _draw(seed, number, STREAM_EXTRA)
            length = _extra_length(bits, known, average)
            _place(out, row, letters, _low_below(bits, len(letters) - length - 12), length)
        offset += 1
        if offset == period:
            offset = int64(0)


@kernel("void(uint64, int64, int64, uint8[::1])")
def fill_letters(seed: int, stream: int, blank: int, out: Bytes) -> None:
    """Random letters from a to z; where `blank` is not 0 it stands in the place of one in 13."""
    for place in range(len(out)):
        bits = _draw(seed, place, stream)
        out[place] = 97 + _below(bits, int64(26))
        if blank and _low_below(bits, int64(13)) == 0:
            out[place] = blank


@kernel(f"void({BYTES}, {READ_INT64}, uint64[::1])")
def view_table(data: Bytes, bounds: Int64s, out: Uint64s) -> None:
    """The views of texts that lie in `data` one after another, which has 12 bytes more than they take."""
    for row in range(len(bounds) - 1):
        _place(out, row, data, bounds[row], bounds[row + 1] - bounds[row])

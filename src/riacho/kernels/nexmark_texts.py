"""The fields of Nexmark's events that are texts, as string views, each a pure function of the event's number.

Every kernel fills one field for events `first` and following; where the event is of another kind the text is empty. A
text is a piece of a pool of random letters, or one of a table of texts, so that most are chosen and not written.

Source: Apache Beam, "Nexmark benchmark suite" and its generator; nexmark/nexmark, the suite for Flink.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from riacho.kernels.compile import BYTES, READ_INT64, READ_UINT64, inlined, kernel
from riacho.kernels.nexmark_draws import (
    LOW,
    SHAPE,
    STREAM_CARD,
    STREAM_CHANNEL,
    STREAM_CITY,
    STREAM_DESCRIPTION,
    STREAM_EXTRA,
    STREAM_HOST,
    STREAM_MAILBOX,
    STREAM_NAME,
    STREAM_TEXT,
    below,
    draw,
    low_below,
)
from riacho.kernels.primitives import copy_bytes, int64, load_word, uint64

Bytes = NDArray[np.uint8]
Int64s = NDArray[np.int64]
Uint64s = NDArray[np.uint64]

EMAIL_BYTES: Final = 16
"""What an e-mail address takes at most: 6 characters, @, 4 characters and .com."""
CARD_BYTES: Final = 19
"""Four groups of four digits."""

_SPACE: Final = 32


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
    length = 3 + below(bits, longest - 3)
    start = low_below(bits, len(words) - 2 * longest)
    begin = _trimmed_start(words, start, length)
    return begin, _trimmed_stop(words, begin, start + length)


@inlined
def _extra_length(bits: int, used: int, average: int) -> int:
    """The length of a filler that makes an event `average` bytes long, give or take a fifth."""
    if used > average:
        return 0
    rest = average - used
    delta = int64(rest * 0.2 + 0.5)
    return rest - delta + below(bits, 2 * delta)


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
            bits = draw(seed, first + row, STREAM_CHANNEL)
            # The lowest bit says whether it is hot; the upper half which one it is.
            entry = below(bits, hot) if bits & uint64(1) else hot + below(bits, others)
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
            entry = below(draw(seed, first + row, stream), len(table) // 2)
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
            start, stop = _span(draw(seed, first + row, stream), words, longest)
            _place(out, row, words, start, stop - start)
        offset += 1
        if offset == period:
            offset = int64(0)


@inlined
def _email_spans(seed: int, number: int, words: Bytes) -> tuple[int, int, int, int]:
    mailbox, mailbox_stop = _span(draw(seed, number, STREAM_MAILBOX), words, int64(7))
    host, host_stop = _span(draw(seed, number, STREAM_HOST), words, int64(5))
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
            bits = draw(seed, first + row, STREAM_CARD)
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
            bits = draw(seed, first + row, STREAM_EXTRA)
            length = _extra_length(bits, used, average)
            _place(out, row, letters, low_below(bits, len(letters) - length - 12), length)
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
            name, name_stop = _span(draw(seed, number, STREAM_TEXT), words, int64(20))
            description, description_stop = _span(draw(seed, number, STREAM_DESCRIPTION), words, int64(100))
            known = used + name_stop - name + description_stop - description
            bits = draw(seed, number, STREAM_EXTRA)
            length = _extra_length(bits, known, average)
            _place(out, row, letters, low_below(bits, len(letters) - length - 12), length)
        offset += 1
        if offset == period:
            offset = int64(0)


@inlined
def _picked_length(seed: int, number: int, table: Uint64s, stream: int) -> int:
    entry = below(draw(seed, number, stream), len(table) // 2)
    return int64(table[2 * entry] & LOW)


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
            bits = draw(seed, number, STREAM_EXTRA)
            length = _extra_length(bits, known, average)
            _place(out, row, letters, low_below(bits, len(letters) - length - 12), length)
        offset += 1
        if offset == period:
            offset = int64(0)


@kernel("void(uint64, int64, int64, uint8[::1])")
def fill_letters(seed: int, stream: int, blank: int, out: Bytes) -> None:
    """Random letters from a to z; where `blank` is not 0 it stands in the place of one in 13."""
    for place in range(len(out)):
        bits = draw(seed, place, stream)
        out[place] = 97 + below(bits, int64(26))
        if blank and low_below(bits, int64(13)) == 0:
            out[place] = blank


@kernel(f"void({BYTES}, {READ_INT64}, uint64[::1])")
def view_table(data: Bytes, bounds: Int64s, out: Uint64s) -> None:
    """The views of texts that lie in `data` one after another, which has 12 bytes more than they take."""
    for row in range(len(bounds) - 1):
        _place(out, row, data, bounds[row], bounds[row + 1] - bounds[row])

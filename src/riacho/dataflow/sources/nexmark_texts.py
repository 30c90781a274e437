"""The texts that Nexmark's events choose from: made once for a seed, and shared by all batches as string views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from riacho.kernels.nexmark_draws import STREAM_CHANNEL, STREAM_POOL, STREAM_TEXT
from riacho.kernels.nexmark_texts import fill_letters, view_table

Uint8Array = npt.NDArray[np.uint8]
Uint64Array = npt.NDArray[np.uint64]

POOL_BYTES = 1 << 20
"""Of random letters: a filler is a piece of them, so that making one costs no more than choosing a place."""

HOT_CHANNELS = ("Google", "Facebook", "Baidu", "Apple")
CHANNELS = 10_000
FIRST_NAMES = ("Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter")
LAST_NAMES = ("Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris")
CITIES = (
    "Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland", "Bend", "Redmond", "Seattle", "Kent", "Cheyenne",
)  # fmt: skip
STATES = ("AZ", "CA", "ID", "OR", "WA", "WY")

_FOLDER_PIECE = 12
"""Letters for the three folders of an address, of up to four each."""

_SLACK = 16
"""Bytes behind the last text of a buffer: a view is made of 12 whole bytes, whatever the text's length."""


@dataclass(frozen=True, slots=True)
class Table:
    """Texts to choose from, as views (two words each) into one buffer."""

    views: Uint64Array
    data: Uint8Array

    @staticmethod
    def of(texts: Sequence[str]) -> Table:
        """These texts, in order."""
        encoded = [text.encode() for text in texts]
        bounds = np.cumsum([0, *map(len, encoded)])
        data = np.frombuffer(b"".join(encoded) + bytes(_SLACK), np.uint8)
        views = np.empty(2 * len(texts), np.uint64)
        view_table(data, bounds, views)
        return Table(views, data)


@cache
def letters(seed: int) -> Uint8Array:
    """Random letters."""
    return _filled(seed, STREAM_POOL, 0, POOL_BYTES)


@cache
def words(seed: int) -> Uint8Array:
    """Random letters with a blank in the place of one in 13."""
    return _filled(seed, STREAM_TEXT, ord(" "), POOL_BYTES)


@cache
def names() -> Table:
    """First and last names of people."""
    return Table.of([f"{first} {last}" for first in FIRST_NAMES for last in LAST_NAMES])


@cache
def cities() -> Table:
    """Cities that people live in."""
    return Table.of(CITIES)


@cache
def states() -> Table:
    """States that people live in; which city lies where is not minded."""
    return Table.of(STATES)


@cache
def channels() -> Table:
    """The hot channels, then the others."""
    return Table.of([*HOT_CHANNELS, *(f"channel-{number}" for number in range(CHANNELS))])


@cache
def addresses(seed: int) -> Table:
    """The address of each channel, in the order of `channels`; nine in ten of those that are not hot name it."""
    count = len(HOT_CHANNELS) + CHANNELS
    text = _filled(seed, STREAM_CHANNEL, ord("_"), _FOLDER_PIECE * count).tobytes().decode()
    chosen = np.random.Generator(np.random.SFC64(seed))
    lengths = chosen.integers(3, 4, (count, 3), endpoint=True).tolist()
    named = (chosen.random(count) < 0.9).tolist()
    found = []
    for place in range(count):
        starts = range(_FOLDER_PIECE * place, _FOLDER_PIECE * (place + 1), 4)
        folders = "/".join(text[start : start + length] for start, length in zip(starts, lengths[place], strict=True))
        number = place - len(HOT_CHANNELS)
        query = f"&channel_id={channel_id(number)}" if number >= 0 and named[place] else ""
        found.append(f"https://www.nexmark.com/{folders}/item.htm?query=1{query}")
    return Table.of(found)


def channel_id(number: int) -> int:
    """A channel's number with its 32 bits in the opposite order, without the sign.

    >>> channel_id(0), channel_id(2), channel_id(3)
    (0, 1073741824, 1073741824)
    """
    reversed_bits = int(f"{number:032b}"[::-1], 2)
    return min(reversed_bits, (1 << 32) - reversed_bits)


def _filled(seed: int, stream: int, blank: int, size: int) -> Uint8Array:
    out = np.empty(size + _SLACK, np.uint8)
    fill_letters(seed, stream, blank, out)
    return out

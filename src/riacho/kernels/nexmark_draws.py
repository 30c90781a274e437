"""What the kernels of Nexmark's events share: the shape of a period, and random draws.

Events go round in periods: first `persons` people, then `auctions` auctions, then bids, `period` events in all. A
draw is a hash of the seed, the event's number and the field's stream, so that fields can be made in any order, or not
at all.
"""

from __future__ import annotations

from typing import Final

from riacho.kernels.compile import READ_INT64, inlined
from riacho.kernels.primitives import int64, uint64

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

LOW: Final = uint64(0xFFFFFFFF)

_GOLDEN = uint64(0x9E3779B97F4A7C15)
_MULTIPLIER_1 = uint64(0xBF58476D1CE4E5B9)
_MULTIPLIER_2 = uint64(0x94D049BB133111EB)

SHAPE = READ_INT64
"""persons, auctions and events of a period."""


@inlined
def draw(seed: int, number: int, stream: int) -> int:
    """64 random bits: SplitMix64's finalizer over a counter."""
    value = (uint64(number) * _STREAMS + uint64(stream)) * _GOLDEN + uint64(seed)
    value ^= value >> uint64(30)
    value *= _MULTIPLIER_1
    value ^= value >> uint64(27)
    value *= _MULTIPLIER_2
    return value ^ (value >> uint64(31))


@inlined
def below(bits: int, bound: int) -> int:
    """A number from 0 to below `bound`, of the upper 32 bits."""
    return int64(((bits >> uint64(32)) * uint64(bound)) >> uint64(32))


@inlined
def low_below(bits: int, bound: int) -> int:
    """A number from 0 to below `bound`, of the lower 32 bits."""
    return int64(((bits & LOW) * uint64(bound)) >> uint64(32))

"""Nexmark's events as columns: any run of events, any of their fields, each a function of the event's number."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.dataflow.batch import Int64Array
from riacho.dataflow.sources import nexmark_texts as texts
from riacho.formats import arrow
from riacho.formats.buffered import BufferedColumns
from riacho.kernels import nexmark as kernels
from riacho.kernels import nexmark_texts as text_kernels
from riacho.kernels.nexmark_draws import (
    AUCTION,
    BID,
    PERSON,
    STREAM_CITY,
    STREAM_DESCRIPTION,
    STREAM_NAME,
    STREAM_PRICE,
    STREAM_RESERVE,
    STREAM_STATE,
    STREAM_TEXT,
)
from riacho.plan.types import BIGINT, INT, STRING, TIMESTAMP_3, DataType

BASE_TIME_MS = 1_436_918_400_000
"""2015-07-15 00:00:00: Beam's, so that every run sees the same times."""

FIRST_CATEGORY = 10
CATEGORIES = 5
ACTIVE_PEOPLE = 1000
"""So many of the newest people sell and bid."""
AUCTIONS_IN_FLIGHT = 100
"""So many of the newest auctions are bid on, and that many begin while an average one lasts."""

FIELDS: Mapping[str, Mapping[str, DataType]] = {
    "person": {
        "id": BIGINT,
        "name": STRING,
        "emailAddress": STRING,
        "creditCard": STRING,
        "city": STRING,
        "state": STRING,
        "dateTime": TIMESTAMP_3,
        "extra": STRING,
    },
    "auction": {
        "id": BIGINT,
        "itemName": STRING,
        "description": STRING,
        "initialBid": BIGINT,
        "reserve": BIGINT,
        "dateTime": TIMESTAMP_3,
        "expires": TIMESTAMP_3,
        "seller": BIGINT,
        "category": BIGINT,
        "extra": STRING,
    },
    "bid": {
        "auction": BIGINT,
        "bidder": BIGINT,
        "price": BIGINT,
        "channel": STRING,
        "url": STRING,
        "dateTime": TIMESTAMP_3,
        "extra": STRING,
    },
}
"""The rows of the table, in the order of their kinds, and their fields."""

EVENT_TYPE = "event_type"
EVENT_TYPE_TYPE = INT

_KINDS = {"person": PERSON, "auction": AUCTION, "bid": BID}
_NAME_LENGTH = 20
_DESCRIPTION_LENGTH = 100

# What the fields of an event take that are numbers, or texts of a fixed length, in the published estimate of its size.
_PERSON_BYTES = 8 + text_kernels.CARD_BYTES + 2
_AUCTION_BYTES = 6 * 8
_BID_BYTES = 4 * 8

SINE_STEPS = 10
"""So many rates make a period of a sine."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Events per second of event time: `first`, or in turn between `first` and `next` over `period_s` seconds."""

    first: int = 10_000
    next: int = 10_000
    shape: str = "SQUARE"
    period_s: int = 600

    def steps(self) -> list[int]:
        """The rates of a period, each for an equal part of it.

        >>> Rates(10, 20).steps(), Rates(10, 10).steps()
        ([10, 20], [10])
        """
        if self.first == self.next:
            return [self.first]
        if self.shape == "SQUARE":
            return [self.first, self.next]
        middle, swing = (self.first + self.next) / 2, (self.first - self.next) / 2
        return [round(middle + swing * math.cos(2 * math.pi * step / SINE_STEPS)) for step in range(SINE_STEPS)]


@dataclass(frozen=True)
class Nexmark:
    """What events are like. Ratios: one in so many is not hot; sizes are averages in bytes."""

    persons: int = 1
    auctions: int = 3
    bids: int = 46
    rates: Rates = Rates()
    person_bytes: int = 200
    auction_bytes: int = 500
    bid_bytes: int = 100
    hot_auction_ratio: int = 2
    hot_bidder_ratio: int = 4
    hot_seller_ratio: int = 4
    base_time_ms: int = BASE_TIME_MS
    seed: int = 0

    def rows(self, columns: Mapping[str, tuple[str, ...]], first: int, count: int) -> BufferedColumns:
        """Events `first` and following: a column each, of a ROW just the fields that are named."""
        batch = _Events(self, first, count)
        made = tuple(batch.column(name, fields) for name, fields in columns.items())
        return BufferedColumns(tuple(columns), made, count)

    def frame(self, columns: Mapping[str, tuple[str, ...]], first: int, count: int) -> pl.DataFrame:
        """The same as a frame."""
        return self.rows(columns, first, count).frame

    def time_ms(self, number: int) -> int:
        """When an event happens."""
        out = np.empty(1, np.int64)
        kernels.event_times(number, self.base_time_ms, *self.clock, out)
        return int(out[0]) // 1000

    @cached_property
    def shape(self) -> Int64Array:
        """As the kernels take it."""
        return np.array([self.persons, self.auctions, self.persons + self.auctions + self.bids])

    @cached_property
    def clock(self) -> tuple[Int64Array, Int64Array]:
        """As the kernels take it: when the rates repeat, and the rates."""
        rates = self.rates.steps()
        step_s = -(-self.rates.period_s // len(rates))
        steps = []
        events = 0
        for place, rate in enumerate(rates):
            steps += [events, rate, place * step_s * 1000]
            events += rate * step_s
        endless = len(rates) == 1
        cycle = [2**63 - 1 if endless else events, 0 if endless else step_s * len(rates) * 1000]
        return np.array(cycle), np.array(steps)


class _Events:
    """One run of events, being made: what several fields are made of is made once."""

    def __init__(self, nexmark: Nexmark, first: int, count: int) -> None:
        self._nexmark = nexmark
        self._first = first
        self._count = count

    def column(self, name: str, fields: tuple[str, ...]) -> arrow.Column:
        if name == EVENT_TYPE:
            return arrow.Column("i", self._count, (self._kinds,))
        made = tuple((field, self._field(name, field)) for field in fields)
        return arrow.Column("+s", self._count, (), self._kinds == _KINDS[name], made)

    @cached_property
    def _kinds(self) -> npt.NDArray[np.int32]:
        out = np.empty(self._count, np.int32)
        kernels.event_kinds(self._first, self._nexmark.shape, out)
        return out

    @cached_property
    def _times(self) -> Int64Array:
        out = np.empty(self._count, np.int64)
        kernels.event_times(self._first, self._nexmark.base_time_ms, *self._nexmark.clock, out)
        return out

    def _field(self, row: str, field: str) -> arrow.Column:
        if field == "dateTime":
            return _timestamps(self._times)
        return _FIELDS[row, field](self)

    # ---- people -----------------------------------------------------------------------------------------------

    def _person_email(self) -> arrow.Column:
        seed = self._nexmark.seed
        data = np.empty((self._people + 1) * text_kernels.EMAIL_BYTES, np.uint8)
        views = self._views(text_kernels.emails, seed, texts.words(seed), data)
        return arrow.strings(views, [data], None)

    def _person_card(self) -> arrow.Column:
        data = np.empty((self._people + 1) * text_kernels.CARD_BYTES, np.uint8)
        return arrow.strings(self._views(text_kernels.credit_cards, self._nexmark.seed, data), [data], None)

    def _person_extra(self) -> arrow.Column:
        seed = self._nexmark.seed
        pools = (texts.letters(seed), texts.words(seed), texts.names().views, texts.cities().views)
        size = (_PERSON_BYTES, self._nexmark.person_bytes)
        return arrow.strings(self._views(text_kernels.person_extras, seed, *pools, *size), [pools[0]], None)

    def _picked(self, table: texts.Table, stream: int) -> arrow.Column:
        return arrow.strings(
            self._views(text_kernels.picked, self._nexmark.seed, table.views, stream), [table.data], None
        )

    @property
    def _people(self) -> int:
        return int(np.count_nonzero(self._kinds == PERSON))

    # ---- auctions ---------------------------------------------------------------------------------------------

    def _auction_text(self, stream: int, longest: int) -> arrow.Column:
        words = texts.words(self._nexmark.seed)
        return arrow.strings(
            self._views(text_kernels.item_texts, self._nexmark.seed, words, stream, longest), [words], None
        )

    @cached_property
    def _initial_bids(self) -> Int64Array:
        return self._numbers(kernels.prices, self._nexmark.seed, AUCTION, STREAM_PRICE)

    def _auction_reserve(self) -> arrow.Column:
        more = self._numbers(kernels.prices, self._nexmark.seed, AUCTION, STREAM_RESERVE)
        return _integers(self._initial_bids + more)

    def _auction_expires(self) -> arrow.Column:
        nexmark = self._nexmark
        times = (nexmark.base_time_ms, *nexmark.clock)
        return _timestamps(self._numbers(kernels.expiries, nexmark.seed, AUCTIONS_IN_FLIGHT, *times))

    def _auction_extra(self) -> arrow.Column:
        seed = self._nexmark.seed
        pools = (texts.letters(seed), texts.words(seed))
        size = (_AUCTION_BYTES, self._nexmark.auction_bytes)
        return arrow.strings(self._views(text_kernels.auction_extras, seed, *pools, *size), [pools[0]], None)

    # ---- bids -------------------------------------------------------------------------------------------------

    def _channel(self, table: texts.Table) -> arrow.Column:
        hot = len(texts.HOT_CHANNELS)
        return arrow.strings(
            self._views(text_kernels.channels, self._nexmark.seed, table.views, hot), [table.data], None
        )

    def _bid_extra(self) -> arrow.Column:
        seed = self._nexmark.seed
        pool = texts.letters(seed)
        views = self._views(text_kernels.bid_extras, seed, pool, _BID_BYTES, self._nexmark.bid_bytes)
        return arrow.strings(views, [pool], None)

    # ---- kernels ----------------------------------------------------------------------------------------------

    def _numbers(self, kernel: Callable[..., None], *rest: object) -> Int64Array:
        out = np.empty(self._count, np.int64)
        kernel(self._first, self._nexmark.shape, *rest, out)
        return out

    def _views(self, kernel: Callable[..., None], *rest: object) -> npt.NDArray[np.uint8]:
        out = np.empty(2 * self._count, np.uint64)
        kernel(self._first, self._nexmark.shape, *rest, out)
        return out.view(np.uint8)

    def _ids(self, kind: int) -> arrow.Column:
        return _integers(self._numbers(kernels.own_ids, kind))

    def _someone(self, kind: int, hot_ratio: int) -> arrow.Column:
        return _integers(self._numbers(kernels.people, self._nexmark.seed, kind, hot_ratio, ACTIVE_PEOPLE))


def _integers(values: Int64Array) -> arrow.Column:
    return arrow.Column("l", len(values), (values,))


def _timestamps(microseconds: Int64Array) -> arrow.Column:
    return arrow.Column("tsu:", len(microseconds), (microseconds,))


_FIELDS: Mapping[tuple[str, str], Callable[[_Events], arrow.Column]] = {
    ("person", "id"): lambda events: events._ids(PERSON),
    ("person", "name"): lambda events: events._picked(texts.names(), STREAM_NAME),
    ("person", "emailAddress"): _Events._person_email,
    ("person", "creditCard"): _Events._person_card,
    ("person", "city"): lambda events: events._picked(texts.cities(), STREAM_CITY),
    ("person", "state"): lambda events: events._picked(texts.states(), STREAM_STATE),
    ("person", "extra"): _Events._person_extra,
    ("auction", "id"): lambda events: events._ids(AUCTION),
    ("auction", "itemName"): lambda events: events._auction_text(STREAM_TEXT, _NAME_LENGTH),
    ("auction", "description"): lambda events: events._auction_text(STREAM_DESCRIPTION, _DESCRIPTION_LENGTH),
    ("auction", "initialBid"): lambda events: _integers(events._initial_bids),
    ("auction", "reserve"): _Events._auction_reserve,
    ("auction", "expires"): _Events._auction_expires,
    ("auction", "seller"): lambda events: events._someone(AUCTION, events._nexmark.hot_seller_ratio),
    ("auction", "category"): lambda events: _integers(
        events._numbers(kernels.categories, events._nexmark.seed, FIRST_CATEGORY, CATEGORIES)
    ),
    ("auction", "extra"): _Events._auction_extra,
    ("bid", "auction"): lambda events: _integers(
        events._numbers(
            kernels.auctions_bid_on, events._nexmark.seed, events._nexmark.hot_auction_ratio, AUCTIONS_IN_FLIGHT
        )
    ),
    ("bid", "bidder"): lambda events: events._someone(BID, events._nexmark.hot_bidder_ratio),
    ("bid", "price"): lambda events: _integers(
        events._numbers(kernels.prices, events._nexmark.seed, BID, STREAM_PRICE)
    ),
    ("bid", "channel"): lambda events: events._channel(texts.channels()),
    ("bid", "url"): lambda events: events._channel(texts.addresses(events._nexmark.seed)),
    ("bid", "extra"): _Events._bid_extra,
}

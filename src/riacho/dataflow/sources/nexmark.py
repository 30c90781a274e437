"""The `nexmark` connector: auctions, their people and their bids, made as fast as they are asked for.

Source: nexmark/nexmark, "Nexmark Benchmark Suite", its table and the options of its connector for Flink. Times begin at
a fixed moment, where that connector begins now; the rates after the first count, as in Apache Beam.
"""

from __future__ import annotations

import bisect
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from riacho.dataflow.batch import Int64Array
from riacho.dataflow.connectors.bad_records import POLICY, BadRecordPolicy
from riacho.dataflow.connectors.environment import ConnectorEnvironment
from riacho.dataflow.connectors.tables import options_of
from riacho.dataflow.sources import Json, Positions, RecordOrigin, SourceBatch, SourceCounts
from riacho.dataflow.sources.bad_records import BadRecords
from riacho.dataflow.sources.nexmark_events import (
    BASE_TIME_MS,
    EVENT_TYPE,
    EVENT_TYPE_TYPE,
    FIELDS,
    Nexmark,
    Rates,
)
from riacho.formats.buffered import Columnar, sliced
from riacho.formats.options import (
    Option,
    Options,
    boolean,
    duration,
    integer,
    memory_size,
    nearest_option,
    one_of,
    positive,
)
from riacho.plan.relations import Scan
from riacho.plan.tables import ColumnKind, Table
from riacho.plan.types import DataType, RowType

MAX_PROPORTION = 1_000_000
"""So that the numbers of a period's events fit in 32 bits, which is what a draw has."""

BLOCK = 16_384
"""Events that are made together where fewer are asked for: a batch costs some calls, however few its rows."""

WAKE_MS = 1.0
"""A paced source delivers at most so often."""


def _moment(value: str) -> int:
    try:
        at = datetime.fromisoformat(value.strip())
    except ValueError:
        raise ValueError("a time such as '2015-07-15 00:00:00'") from None
    return int(at.replace(tzinfo=at.tzinfo or UTC).timestamp() * 1000)


def _proportion(value: str) -> int:
    number = integer(value)
    if not 0 <= number <= MAX_PROPORTION:
        raise ValueError(f"a whole number from 0 to {MAX_PROPORTION}")
    return number


def _count(value: str) -> int:
    number = integer(value)
    if number < 0:
        raise ValueError("a whole number of at least 0")
    return number


def _seed(value: str) -> int:
    number = integer(value)
    if not 0 <= number < 1 << 63:
        raise ValueError("a whole number from 0 to 2^63 - 1")
    return number


_RATE_SHAPE = Option("rate.shape", one_of("SQUARE", "SINE"), "SQUARE")
_RATE_PERIOD = Option("rate.period", duration, 600_000)
_RATE_LIMITED = Option("rate.limited", boolean, False)
_FIRST_RATE = Option("first-event.rate", positive, 10_000)
_NEXT_RATE: Option[int | None] = Option("next-event.rate", positive, None)
_PERSON_SIZE = Option("person.avg-size", memory_size, 200)
_AUCTION_SIZE = Option("auction.avg-size", memory_size, 500)
_BID_SIZE = Option("bid.avg-size", memory_size, 100)
_PERSONS = Option("person.proportion", _proportion, 1)
_AUCTIONS = Option("auction.proportion", _proportion, 3)
_BIDS = Option("bid.proportion", _proportion, 46)
_HOT_AUCTIONS = Option("bid.hot-ratio.auctions", positive, 2)
_HOT_BIDDERS = Option("bid.hot-ratio.bidders", positive, 4)
_HOT_SELLERS = Option("auction.hot-ratio.sellers", positive, 4)
_EVENTS = Option("events.num", _count, 0)
_STOP_AT = Option("stop-at", integer, -1)
_KEEP_ALIVE = Option("keep-alive", boolean, False)
_MAX_SPEED = Option("max-emit-speed", boolean, True)
_SEED = Option("riacho.seed", _seed, 0)
_BASE_TIME = Option("riacho.base-time", _moment, BASE_TIME_MS)


@dataclass(frozen=True, slots=True)
class _Settings:
    """`events` is None where the table has no end; `paced` events come when they are due."""

    nexmark: Nexmark
    events: int | None
    keeps_alive: bool
    paced: bool
    policy: BadRecordPolicy


@dataclass(frozen=True, slots=True)
class _Origins:
    table: str
    first: int

    def of(self, row: int) -> RecordOrigin:
        return RecordOrigin(f"table {self.table} (generated)", None, self.first + row + 1, None, None)


class NexmarkSource:
    """Makes the events of a `nexmark` table, as fast as possible or, paced, when their time has come."""

    splits: Sequence[str] = ("its generator",)

    def __init__(self, scan: Scan, environment: ConnectorEnvironment) -> None:
        settings = check_nexmark(scan.table)
        self._table = scan.table.name
        self._nexmark = settings.nexmark
        self._events = settings.events
        self._keeps_alive = settings.keeps_alive
        self._paced = settings.paced
        self._clock = environment.clock
        self._on_arrival = environment.on_arrival
        types = {column.name: column.type for column in scan.table.stored_columns}
        self._columns = {name: _field_names(types[name]) for name in scan.fields}
        self._next = 0
        self._block = self._nexmark.rows(self._columns, 0, 0), 0
        """What was made last, and the number of its first event."""
        self._began: tuple[float, int] | None = None
        """When this run began, by the clock and by event time."""
        self._woken = threading.Event()
        self._timer: threading.Timer | None = None
        self._bad = BadRecords(scan.table.name, settings.policy)

    @property
    def finished(self) -> bool:
        return self._exhausted and not self._keeps_alive

    @property
    def _exhausted(self) -> bool:
        return self._events is not None and self._next >= self._events

    @property
    def finished_splits(self) -> frozenset[int]:
        return frozenset({0}) if self.finished else frozenset()

    def poll(self, max_rows: int, max_bytes: int, max_wait_ms: int) -> SourceBatch | None:
        del max_bytes  # rows that come from nowhere have no size
        count = self._ready(max_rows)
        if count == 0 and max_wait_ms > 0 and not self.finished:
            self._woken.wait(min(max_wait_ms, self._wait_ms()) / 1000)
            self._woken.clear()
            count = self._ready(max_rows)
        if count == 0:
            if self._paced and not self._exhausted:
                self._call_later()
            return None
        first = self._next
        rows = self._made(first, count)
        self._next += count
        self._bad.delivered(count, 0)
        return SourceBatch(rows, None, 0, _Origins(self._table, first))

    def reject(self, batch: SourceBatch, rows: Int64Array, reasons: Sequence[str]) -> None:
        self._bad.reject(batch.origins, rows, reasons)

    def positions(self) -> Positions:
        return {"event": self._next}

    def mark(self) -> Callable[[], Positions]:
        return self.positions().copy

    def seek(self, positions: Mapping[str, Json]) -> None:
        event = positions["event"]
        assert isinstance(event, int)
        self._next = event

    def flush(self) -> None:
        """Nothing waits: generated rows leave no dead letters."""

    def commit(self, positions: Mapping[str, Json]) -> None:
        """Nobody outside is to be told."""

    def lag(self) -> int | None:
        """How many are still to come, where there is an end to them."""
        return None if self._events is None else max(self._events - self._next, 0)

    @property
    def counts(self) -> SourceCounts:
        return self._bad.counts

    def wake(self) -> None:
        self._woken.set()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _made(self, first: int, count: int) -> Columnar:
        """Some events: a part of the block that was made last, where it has them."""
        if count >= BLOCK:
            return self._nexmark.rows(self._columns, first, count)
        block, start = self._block
        if not start <= first <= first + count <= start + block.height:
            block, start = self._nexmark.rows(self._columns, first, BLOCK), first
            self._block = block, start
        return sliced(block, first - start, first - start + count)

    def _ready(self, max_rows: int) -> int:
        """How many events may be made now."""
        count = max_rows if self._events is None else min(max_rows, max(self._events - self._next, 0))
        if not self._paced or count == 0:
            return count
        events = range(self._next, self._next + count)
        return bisect.bisect_right(events, self._present_ms(), key=self._nexmark.time_ms)

    def _present_ms(self) -> float:
        """The event time whose moment this is: that of the first event of this run came when it was asked for."""
        now = self._clock.monotonic_ms()
        if self._began is None:
            self._began = now, self._nexmark.time_ms(self._next)
        began, first_ms = self._began
        return first_ms + now - began

    def _wait_ms(self) -> float:
        """How long until the next event's time has come."""
        return max(self._nexmark.time_ms(self._next) - self._present_ms(), WAKE_MS)

    def _call_later(self) -> None:
        """Say that there is something to poll when the next event's time has come."""
        if self._timer is None or not self._timer.is_alive():
            self._timer = threading.Timer(self._wait_ms() / 1000, self._on_arrival)
            self._timer.daemon = True
            self._timer.start()


def check_nexmark(table: Table) -> _Settings:
    """What a table's options ask for. Raises `OptionError` for a wrong option, or for columns that events lack."""
    options = options_of(table)
    _check_columns(table, options)
    first_rate = options.get(_FIRST_RATE)
    rates = Rates(
        first_rate,
        options.get(_NEXT_RATE) or first_rate,
        options.get(_RATE_SHAPE),
        max(1, options.get(_RATE_PERIOD) // 1000),
    )
    nexmark = Nexmark(
        persons=options.get(_PERSONS),
        auctions=options.get(_AUCTIONS),
        bids=options.get(_BIDS),
        rates=rates,
        person_bytes=options.get(_PERSON_SIZE),
        auction_bytes=options.get(_AUCTION_SIZE),
        bid_bytes=options.get(_BID_SIZE),
        hot_auction_ratio=options.get(_HOT_AUCTIONS),
        hot_bidder_ratio=options.get(_HOT_BIDDERS),
        hot_seller_ratio=options.get(_HOT_SELLERS),
        base_time_ms=options.get(_BASE_TIME),
        seed=options.get(_SEED),
    )
    if nexmark.persons + nexmark.auctions + nexmark.bids == 0:
        raise options.error(
            "all proportions are 0, so that there are no events", mend="leave 'bid.proportion' out: it is 46"
        )
    events, stop_at = options.get(_EVENTS), options.get(_STOP_AT)
    ends = [end for end in (events if events else None, stop_at if stop_at >= 0 else None) if end is not None]
    paced = options.get(_RATE_LIMITED) or not options.get(_MAX_SPEED)
    policy = options.get(POLICY)
    if policy is BadRecordPolicy.DEAD_LETTER:
        raise options.wrong(POLICY, "a generated row has no topic: use 'fail' or 'skip'")
    settings = _Settings(nexmark, min(ends) if ends else None, options.get(_KEEP_ALIVE), paced, policy)
    options.finish()
    return settings


def _check_columns(table: Table, options: Options) -> None:
    """Columns and fields are found by their names; those that are not declared are not made."""
    known = (EVENT_TYPE, *FIELDS)
    for column in table.stored_columns:
        if column.kind is ColumnKind.METADATA:
            raise options.error(f"nexmark has no metadata column '{column.metadata_key or column.name}'")
        if column.name not in known:
            raise options.error(f"events have no column '{column.name}'", mend=_mend(column.name, known))
        if column.name == EVENT_TYPE:
            _check_type(options, column.name, column.type, EVENT_TYPE_TYPE)
        elif not isinstance(column.type, RowType):
            raise options.error(f"column '{column.name}' is a ROW, not {column.type.name()}")
        else:
            fields = FIELDS[column.name]
            for item in column.type:
                if item.name not in fields:
                    raise options.error(f"a {column.name} has no field '{item.name}'", mend=_mend(item.name, fields))
                _check_type(options, f"{column.name}.{item.name}", item.type, fields[item.name])


def _check_type(options: Options, name: str, declared: DataType, actual: DataType) -> None:
    if not declared.same_as(actual):
        raise options.error(f"column '{name}' has the type {actual.name()}, not {declared.name()}")


def _mend(name: str, known: Sequence[str] | Mapping[str, object]) -> str:
    near = nearest_option(name, known)
    return f"did you mean '{near}'?" if near else f"there are {', '.join(known)}"


def _field_names(data_type: DataType) -> tuple[str, ...]:
    return tuple(item.name for item in data_type) if isinstance(data_type, RowType) else ()

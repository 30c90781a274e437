"""Generated rows, seeded: the same table gives the same rows however they are polled.

Source: Flink, "DataGen SQL Connector". Random values differ from Flink's, which nobody can seed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import polars as pl

from riacho.dataflow.batch import Int64Array
from riacho.dataflow.columns import polars_type
from riacho.dataflow.connectors.bad_records import POLICY, BadRecordPolicy
from riacho.dataflow.connectors.environment import ConnectorEnvironment
from riacho.dataflow.connectors.tables import options_of
from riacho.dataflow.sources import Json, Positions, RecordOrigin, SourceBatch, SourceCounts
from riacho.dataflow.sources.bad_records import BadRecords
from riacho.formats import arrow
from riacho.formats.options import Option, Options, boolean, duration, integer, one_of, positive
from riacho.plan.relations import Scan
from riacho.plan.tables import ColumnKind, Table, TableColumn
from riacho.plan.types import (
    MAX_LENGTH,
    ArrayType,
    BinaryType,
    BooleanType,
    CharType,
    DataType,
    DateType,
    DecimalType,
    FloatType,
    IntegerType,
    MapType,
    RowType,
    TimestampLtzType,
    TimestampType,
    TimeType,
    VarbinaryType,
    VarcharType,
)

BLOCK = 16_384
"""Rows that are generated together: each block has random numbers of its own, so that any can be made alone."""

DEFAULT_LENGTH = 100
DEFAULT_COLLECTION_LENGTH = 3
_MS_PER_DAY = 86_400_000


def _optional_number(value: str) -> Decimal | None:
    try:
        return Decimal(value.strip())
    except ArithmeticError:
        raise ValueError("a number") from None


def _optional_integer(value: str) -> int | None:
    return integer(value)


def _rate(value: str) -> float:
    rate = float(_optional_number(value) or 0)
    if not 0 <= rate <= 1:
        raise ValueError("a number from 0 to 1")
    return rate


_ROWS_PER_SECOND = Option("rows-per-second", positive, 10_000)
_NUMBER_OF_ROWS: Option[int | None] = Option("number-of-rows", _optional_integer, None)
_PARALLELISM: Option[int | None] = Option("scan.parallelism", _optional_integer, None)
_COLLECTION_LENGTH = Option("length", positive, DEFAULT_COLLECTION_LENGTH)
_SEED = Option("riacho.seed", integer, 0)

Generate = Callable[[np.random.Generator, int, int], pl.Series]
"""(random numbers of the block, first row's number, rows) to values."""


@dataclass(frozen=True, slots=True)
class _Generator:
    """Of one column. `stream` is its place in the table: its numbers do not depend on which columns a query reads."""

    stream: int
    generate: Generate
    rows: int | None
    """How many there are: the length of a sequence."""
    follows_clock: bool
    """Whether the values are of the moment at which they are generated."""


@dataclass(frozen=True, slots=True)
class _NoOrigins:
    table: str
    first: int

    def of(self, row: int) -> RecordOrigin:
        return RecordOrigin(f"table {self.table} (generated)", None, self.first + row + 1, None, None)


class DatagenSource:
    """Makes the rows of a `datagen` table, at most `rows-per-second` of them."""

    splits: Sequence[str] = ("its generator",)

    def __init__(self, scan: Scan, environment: ConnectorEnvironment) -> None:
        table = scan.table
        options = options_of(table)
        self._table = table.name
        self._clock = environment.clock
        self._on_arrival = environment.on_arrival
        self._rate = options.get(_ROWS_PER_SECOND)
        self._seed = options.get(_SEED)
        limit = options.get(_NUMBER_OF_ROWS)
        options.get(_PARALLELISM)
        policy = options.get(POLICY)
        if policy is BadRecordPolicy.DEAD_LETTER:
            raise options.wrong(POLICY, "a generated row has no topic: use 'fail' or 'skip'")
        generators = {
            column.name: _generator(stream, column, options, self._clock.now_ms)
            for stream, column in enumerate(_physical(table, options))
        }
        options.finish()
        lengths = [item.rows for item in generators.values() if item.rows is not None]
        if limit is not None:
            lengths.append(limit)
        self._rows = min(lengths) if lengths else None
        self._generators = {name: generators[name] for name in scan.fields}
        self._next = 0
        self._block = -1
        self._columns: dict[str, pl.Series] = {}
        """Those of the block that was generated last which do not follow the clock."""
        self._started_ms: float | None = None
        self._started_at = 0
        self._woken = threading.Event()
        self._timer: threading.Timer | None = None
        self._bad = BadRecords(table.name, policy)

    @property
    def finished(self) -> bool:
        return self._rows is not None and self._next >= self._rows

    @property
    def finished_splits(self) -> frozenset[int]:
        return frozenset({0}) if self.finished else frozenset()

    def poll(self, max_rows: int, max_bytes: int, max_wait_ms: int) -> SourceBatch | None:
        del max_bytes  # rows that come from nowhere have no size
        if self.finished:
            return None
        ready = self._ready()
        if ready <= 0 and max_wait_ms > 0:
            self._woken.wait(min(max_wait_ms, self._wait_ms()) / 1000)
            self._woken.clear()
            ready = self._ready()
        if ready <= 0:
            self._call_later()
            return None
        count = min(ready, max_rows)
        if self._rows is not None:
            count = min(count, self._rows - self._next)
        first = self._next
        frame = self._make(first, count)
        self._next += count
        self._bad.delivered(count, 0)
        return SourceBatch(frame, np.zeros(count, np.int32), 0, _NoOrigins(self._table, first))

    def reject(self, batch: SourceBatch, rows: Int64Array, reasons: Sequence[str]) -> None:
        self._bad.reject(batch.origins, rows, reasons)

    def positions(self) -> Positions:
        return {"row": self._next}

    def mark(self) -> Callable[[], Positions]:
        return self.positions().copy

    def seek(self, positions: Mapping[str, Json]) -> None:
        row = positions["row"]
        assert isinstance(row, int)
        self._next = row

    def flush(self) -> None:
        """Nothing waits: generated rows leave no dead letters."""

    def commit(self, positions: Mapping[str, Json]) -> None:
        """Nobody outside is to be told."""

    def lag(self) -> int | None:
        return None

    @property
    def counts(self) -> SourceCounts:
        return self._bad.counts

    def wake(self) -> None:
        self._woken.set()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _ready(self) -> int:
        """How many rows the rate allows now."""
        now = self._clock.monotonic_ms()
        if self._started_ms is None:
            self._started_ms, self._started_at = now, self._next
        allowed = int((now - self._started_ms) * self._rate / 1000) + 1
        return self._started_at + allowed - self._next

    def _wait_ms(self) -> float:
        assert self._started_ms is not None
        due = self._started_ms + (self._next - self._started_at) * 1000 / self._rate
        return max(due - self._clock.monotonic_ms(), 0) + 1

    def _call_later(self) -> None:
        """Say that there is something to poll when the rate allows the next rows."""
        if self._timer is None or not self._timer.is_alive():
            self._timer = threading.Timer(self._wait_ms() / 1000, self._on_arrival)
            self._timer.daemon = True
            self._timer.start()

    def _make(self, first: int, count: int) -> pl.DataFrame:
        parts = []
        row = first
        while row < first + count:
            block, place = divmod(row, BLOCK)
            taken = min(BLOCK - place, first + count - row)
            columns = [self._column(name, block).slice(place, taken) for name in self._generators]
            parts.append(pl.DataFrame(columns) if columns else pl.DataFrame(height=taken))
            row += taken
        return parts[0] if len(parts) == 1 else pl.concat(parts, rechunk=True)

    def _column(self, name: str, block: int) -> pl.Series:
        """A column of a block: the one that was generated for the rows before, or anew where it follows the clock."""
        if self._block != block:
            self._block, self._columns = block, {}
        known = self._columns.get(name)
        if known is not None:
            return known
        generator = self._generators[name]
        random = np.random.Generator(np.random.SFC64([self._seed, generator.stream, block]))
        column = generator.generate(random, block * BLOCK, BLOCK).alias(name)
        if not generator.follows_clock:
            self._columns[name] = column
        return column


def _physical(table: Table, options: Options) -> list[TableColumn]:
    for column in table.stored_columns:
        if column.kind is ColumnKind.METADATA:
            raise options.error(f"datagen has no metadata column '{column.metadata_key or column.name}'")
    return list(table.stored_columns)


def _generator(stream: int, column: TableColumn, options: Options, now_ms: Callable[[], int]) -> _Generator:
    data_type, name = column.type, column.name
    scope = options.within(f"fields.{name}.")
    kind = scope.get(Option("kind", one_of("random", "sequence"), "random"))
    null_rate = scope.get(Option("null-rate", _rate, 0.0))
    if kind == "sequence":
        start, end = Option("start", _optional_integer, None), Option("end", _optional_integer, None)
        first = scope.require(start, "the first value of the sequence")
        last = scope.require(end, "the last value of the sequence")
        if last < first:
            raise scope.wrong(end, f"must not be before the start {first}")
        return _Generator(stream, _sequence(data_type, first, scope), last - first + 1, follows_clock=False)
    generate = _random(data_type, name, scope, now_ms)
    generate = _with_nulls(generate, null_rate) if null_rate else generate
    return _Generator(stream, generate, None, _follows_clock(data_type))


def _follows_clock(data_type: DataType) -> bool:
    match data_type:
        case ArrayType(element=element):
            return _follows_clock(element)
        case MapType(key=key, value=value):
            return _follows_clock(key) or _follows_clock(value)
        case RowType(fields=fields):
            return any(_follows_clock(item.type) for item in fields)
    return isinstance(data_type, TimestampType | TimestampLtzType | DateType | TimeType)


def _sequence(data_type: DataType, first: int, options: Options) -> Generate:
    kind = polars_type(data_type)
    if not isinstance(data_type, IntegerType | FloatType | DecimalType | CharType | VarcharType):
        raise options.error(f"a sequence cannot make a {data_type.name()}")

    def generate(random: np.random.Generator, row: int, rows: int) -> pl.Series:
        del random
        return pl.Series(np.arange(first + row, first + row + rows)).cast(kind, strict=False)

    return generate


def _with_nulls(generate: Generate, rate: float) -> Generate:
    def sometimes(random: np.random.Generator, row: int, rows: int) -> pl.Series:
        values = generate(random, row, rows)
        present = pl.Series(random.random(rows) >= rate)
        return values.zip_with(present, pl.Series([None], dtype=values.dtype))

    return sometimes


def _random(data_type: DataType, name: str, options: Options, now_ms: Callable[[], int]) -> Generate:
    kind = polars_type(data_type)
    match data_type:
        case IntegerType(bits=bits):
            least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
            low, high = _bounds(options, Decimal(least), Decimal(most))
            if not least <= low <= high <= most:
                raise options.error(f"column '{name}': min and max must be from {least} to {most}, min first")
            numbers = _NUMPY[bits]
            return lambda random, _row, rows: pl.Series(
                random.integers(int(low), int(high), rows, numbers, endpoint=True)
            )
        case FloatType(bits=bits):
            largest = Decimal(float(np.finfo(np.float32 if bits == 32 else np.float64).max))
            low, high = _bounds(options, Decimal(0), largest)
            return lambda random, _row, rows: pl.Series(
                float(low) + random.random(rows) * (float(high) - float(low))
            ).cast(kind)
        case DecimalType(precision=precision, scale=scale):
            largest = Decimal(10) ** (precision - scale) - Decimal(1).scaleb(-scale)
            low, high = _bounds(options, -largest, largest)
            return lambda random, _row, rows: (
                pl.Series(float(low) + random.random(rows) * (float(high) - float(low)))
                .round(scale)
                .cast(kind, strict=False)
            )
        case BooleanType():
            return lambda random, _row, rows: pl.Series(random.random(rows) < 0.5)
        case CharType() | VarcharType() | BinaryType() | VarbinaryType():
            return _texts(data_type, DEFAULT_LENGTH if data_type.length == MAX_LENGTH else data_type.length, options)
        case TimestampType() | TimestampLtzType():
            past = options.get(Option("max-past", duration, 0))

            def timestamps(random: np.random.Generator, _row: int, rows: int) -> pl.Series:
                back = random.integers(0, past, rows, endpoint=True) if past else np.zeros(rows, np.int64)
                return pl.Series((now_ms() - back) * 1000).cast(kind)

            return timestamps
        case DateType():
            return lambda _random, _row, rows: pl.Series(np.full(rows, now_ms() // _MS_PER_DAY, np.int32)).cast(kind)
        case TimeType():
            return lambda _random, _row, rows: pl.Series(np.full(rows, now_ms() % _MS_PER_DAY * 1_000_000)).cast(kind)
        case ArrayType(element=element):
            values = _random(element, name, options.within("element."), now_ms)
            return _lists(values, options.get(_COLLECTION_LENGTH))
        case MapType(key=key, value=value):
            key_of = _random(key, name, options.within("key."), now_ms)
            value_of = _random(value, name, options.within("value."), now_ms)
            return _lists(_rows((("key", key_of), ("value", value_of))), options.get(_COLLECTION_LENGTH))
        case RowType(fields=fields):
            parts = [(item.name, _random(item.type, name, options.within(f"{item.name}."), now_ms)) for item in fields]
            return _rows(parts)
    raise options.error(f"column '{name}': datagen does not make {data_type.name()} yet")


def _rows(parts: Sequence[tuple[str, Generate]]) -> Generate:
    return lambda random, row, rows: pl.DataFrame(
        [generate(random, row, rows).alias(name) for name, generate in parts]
    ).to_struct()


def _lists(generate: Generate, length: int) -> Generate:
    """Lists of one length, each element made by itself."""
    return lambda random, row, rows: generate(random, row * length, rows * length).reshape((rows, length)).arr.to_list()


_NUMPY = {8: np.int8, 16: np.int16, 32: np.int32, 64: np.int64}


def _bounds(options: Options, least: Decimal, most: Decimal) -> tuple[Decimal, Decimal]:
    low = options.get(Option("min", _optional_number, None))
    high = options.get(Option("max", _optional_number, None))
    low, high = least if low is None else low, most if high is None else high
    if low > high:
        raise options.error(f"min {low} is greater than max {high}")
    return low, high


_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)


def _texts(data_type: DataType, default: int, options: Options) -> Generate:
    """Random hexadecimal digits, as Flink makes them; of BINARY types random bytes."""
    length = options.get(Option("length", positive, default))
    varies = options.get(Option("var-len", boolean, False))
    text = isinstance(data_type, CharType | VarcharType)

    def generate(random: np.random.Generator, row: int, rows: int) -> pl.Series:
        del row
        sizes = random.integers(1, length, rows, endpoint=True) if varies else np.full(rows, length)
        offsets = np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes)))
        data = np.frombuffer(random.bytes(int(offsets[-1])), np.uint8)
        if text:
            data = _HEX[data & 15]
        column = arrow.Column("U" if text else "Z", rows, (offsets, data))
        return arrow.to_frame([("", column)], rows).to_series()

    return generate

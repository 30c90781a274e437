"""Dates, times, timestamps and the clock, in the session's zone."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from riacho.dataflow.evaluation.casts.parsing import from_text
from riacho.dataflow.evaluation.casts.times import cut, cut_time, local_timestamp
from riacho.dataflow.evaluation.failures import ValueFailure
from riacho.dataflow.evaluation.invocation import Evaluate, Invocation
from riacho.dataflow.evaluation.kernels import Failing, Report, apply
from riacho.dataflow.evaluation.zones import UTC, Zone, zone
from riacho.dataflow.functions.comparison import at_least
from riacho.dataflow.functions.date_reading import read_exactly, read_leniently
from riacho.dataflow.functions.date_writing import write
from riacho.dataflow.functions.intervals import milliseconds_of, months_text, plus_milliseconds, plus_months, shifted
from riacho.errors import UsageError
from riacho.plan.date_patterns import Style
from riacho.plan.types import (
    DATE,
    TIMESTAMP_3,
    DataType,
    DateType,
    DayTimeIntervalType,
    FloatType,
    TimestampLtzType,
    TimestampType,
    TimeType,
    YearMonthIntervalType,
    is_interval,
    is_text,
)

_DAY = 86_400_000

_FIELDS: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "MILLENNIUM": lambda local: local.dt.millennium(),
    "CENTURY": lambda local: local.dt.century(),
    "DECADE": lambda local: local.dt.year() // 10,
    "YEAR": lambda local: local.dt.year(),
    "ISOYEAR": lambda local: local.dt.iso_year(),
    "QUARTER": lambda local: local.dt.quarter(),
    "MONTH": lambda local: local.dt.month(),
    "WEEK": lambda local: local.dt.week(),
    "DAY": lambda local: local.dt.day(),
    "DOY": lambda local: local.dt.ordinal_day(),
    "DOW": lambda local: local.dt.weekday().cast(pl.Int64) % 7 + 1,
    "ISODOW": lambda local: local.dt.weekday(),
    # Arithmetic on microseconds is several times faster than Polars' calendar.
    "HOUR": lambda local: local.to_physical() // 3_600_000_000 % 24,
    "MINUTE": lambda local: local.to_physical() // 60_000_000 % 60,
    "SECOND": lambda local: local.to_physical() // 1_000_000 % 60,
    "MILLISECOND": lambda local: local.to_physical() // 1000 % 1000,
    "MICROSECOND": lambda local: local.to_physical() % 1_000_000,
    "NANOSECOND": lambda local: local.to_physical() % 1_000_000 * 1000,
    "EPOCH": lambda local: local.to_physical() // 1_000_000,
}

_OF_MONTHS: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "YEAR": lambda months: months.truncdiv(pl.lit(12)),
    "QUARTER": lambda months: (months - months.truncdiv(pl.lit(12)) * 12).truncdiv(pl.lit(3)) + 1,
    "MONTH": lambda months: months - months.truncdiv(pl.lit(12)) * 12,
}

_OF_MILLISECONDS: dict[str, tuple[int, int | None]] = {
    "DAY": (_DAY, None),
    "HOUR": (3_600_000, 24),
    "MINUTE": (60_000, 60),
    "SECOND": (1000, 60),
    "MILLISECOND": (1, 1000),
    "EPOCH": (1000, None),
}
"""Unit to its length in milliseconds, and how many make the next one."""


def _field(call: Invocation, index: int, unit: str) -> pl.Expr:
    kind, value = call.type(index), call[index]
    if isinstance(kind, YearMonthIntervalType):
        read = _OF_MONTHS.get(unit)
        if read is None:
            raise UsageError(f"an interval of months has no {unit}")
        return read(value).cast(pl.Int64)
    if isinstance(kind, DayTimeIntervalType):
        if unit not in _OF_MILLISECONDS:
            raise UsageError(f"an interval of days and seconds has no {unit}")
        length, modulus = _OF_MILLISECONDS[unit]
        count = value.truncdiv(pl.lit(length))
        return count if modulus is None else count - count.truncdiv(pl.lit(modulus)) * modulus
    if unit == "EPOCH" and isinstance(kind, TimestampLtzType):
        return value.to_physical() // 1_000_000
    return _FIELDS[unit](local_timestamp(value, kind, call.settings)).cast(pl.Int64)


def _part(unit: str) -> Evaluate:
    return lambda call: _field(call, 0, unit)


_STEP_MONTHS = {"YEAR": 12, "QUARTER": 3, "MONTH": 1}
_STEP_MILLISECONDS = {
    "WEEK": 7 * _DAY,
    "DAY": _DAY,
    "HOUR": 3_600_000,
    "MINUTE": 60_000,
    "SECOND": 1000,
    "MILLISECOND": 1,
}


def _step_unit(call: Invocation) -> str:
    return call.keyword(0, "").removeprefix("SQL_TSI_")


def _timestamp_add(call: Invocation) -> pl.Expr:
    unit, count, point, kind = _step_unit(call), call[1], call[2], call.type(2)
    if unit in _STEP_MONTHS:
        return plus_months(point, kind, count * _STEP_MONTHS[unit])
    return plus_milliseconds(point, kind, count * _STEP_MILLISECONDS[unit], call.call.type)


def _timestamp_diff(call: Invocation) -> pl.Expr:
    """Whole units from the first point to the second; both are taken at UTC."""
    unit = _step_unit(call)
    first, second = (milliseconds_of(call[index], call.type(index)) for index in (1, 2))
    if unit in _STEP_MONTHS:
        made = _months_between(first, second).truncdiv(pl.lit(_STEP_MONTHS[unit]))
    else:
        made = (second - first).truncdiv(pl.lit(_STEP_MILLISECONDS[unit]))
    return made.cast(pl.Int32, wrap_numerical=True)


def _interval_from(call: Invocation) -> pl.Expr:
    """From the second point to the first, in what its type counts."""
    later, earlier = (milliseconds_of(call[index], call.type(index)) for index in (1, 2))
    return later - earlier if isinstance(call.call.type, DayTimeIntervalType) else _months_between(earlier, later)


def _months_between(first: pl.Expr, second: pl.Expr) -> pl.Expr:
    """As Calcite's `DateTimeUtils.subtractMonths`: by date, one less where the day agrees and the time falls short."""
    begin, end = first // _DAY, second // _DAY
    forward = _whole_months(begin, end)
    backward = -_whole_months(end, begin)
    months = pl.when(end >= begin).then(forward).otherwise(backward)
    landed = _add_months(begin, months)
    short = (landed == end) & (second % _DAY < first % _DAY)
    return months - pl.when(short).then(1).otherwise(0)


def _date(days: pl.Expr) -> pl.Expr:
    return days.cast(pl.Int32).cast(pl.Date)


def _add_months(days: pl.Expr, months: pl.Expr) -> pl.Expr:
    moved = _date(days).dt.offset_by(months_text(months))
    return moved.to_physical().cast(pl.Int64)


def _whole_months(begin: pl.Expr, end: pl.Expr) -> pl.Expr:
    one, other = _date(begin), _date(end)
    years = other.dt.year().cast(pl.Int64) - one.dt.year().cast(pl.Int64)
    months = years * 12 + other.dt.month().cast(pl.Int64) - one.dt.month().cast(pl.Int64)
    return months - pl.when(_add_months(begin, months) > end).then(1).otherwise(0)


def _by_pattern(
    call: Invocation,
    texts: pl.Expr,
    step: Callable[[pl.Series, str], pl.Series],
    kind: pl.DataType | None = None,
) -> pl.Expr:
    """Applies a step that needs the pattern, argument 2: at once for a literal one, else once per distinct pattern.

    It makes a column of `kind`, if that is not the call's.
    """
    kind = kind or call.result
    if len(call) == 1 or call.is_literal(1):
        pattern = DEFAULT_PATTERN if len(call) == 1 else call.literal(1)
        if pattern is None:
            return pl.lit(None, kind)
        return apply(lambda series, _: step(series[0], pattern), kind, (texts,), call.failing)

    def run(series: list[pl.Series], report: Report) -> pl.Series:
        values, patterns = series
        made = pl.Series([None], dtype=kind).new_from_index(0, len(values))
        for pattern in patterns.drop_nulls().unique().to_list():
            same = patterns == pattern
            rows = same.arg_true()
            try:
                made = made.scatter(rows, step(values.gather(rows), pattern))
            except UsageError as error:
                report.rows(same, error.what)
        return made

    return apply(run, kind, (texts, call[1]), call.failing)


DEFAULT_PATTERN = "yyyy-MM-dd HH:mm:ss"


def _written(local: pl.Series, pattern: str, where: Zone, style: Style) -> pl.Series:
    return pl.select(write(pl.lit(local), pattern, where, style)).to_series()


def _date_format(call: Invocation) -> pl.Expr:
    """Of text Flink takes both times for those of UTC, whatever the session's zone."""
    if is_text(call.type(0)):
        local = apply(
            lambda series, _: read_leniently(series[0], DEFAULT_PATTERN), pl.Datetime("us"), (call[0],), call.failing
        )
        return _by_pattern(call, local, lambda item, pattern: _written(item, pattern, UTC, Style.SIMPLE))
    where, style = call.settings.zone, Style.FORMATTER
    local = local_timestamp(call[0], call.type(0), call.settings)
    if call.is_literal(1) and call.literal(1) is not None:
        return write(local, call.literal(1), where, style)
    return _by_pattern(call, local, lambda item, pattern: _written(item, pattern, where, style))


def _from_unixtime(call: Invocation) -> pl.Expr:
    where = call.settings.zone
    local = where.local((call[0] * 1_000_000).cast(pl.Datetime("us", "UTC")))
    return _by_pattern(call, local, lambda item, pattern: _written(item, pattern, where, Style.SIMPLE))


def _lenient(call: Invocation, target: DataType) -> pl.Expr:
    """Text as a date or timestamp by the rules of CAST; NULL where it is none."""
    return from_text(call[0], target, call.settings, Failing(None, call.call, None))


def _to_date(call: Invocation) -> pl.Expr:
    if len(call) == 1:
        return _lenient(call, DATE)
    return _by_pattern(call, call[0], lambda text, pattern: read_leniently(text, pattern).dt.date())


def _to_timestamp(call: Invocation) -> pl.Expr:
    if len(call) == 1:
        return _lenient(call, TIMESTAMP_3)
    return cut(_by_pattern(call, call[0], _exactly), 3)


def _exactly(text: pl.Series, pattern: str) -> pl.Series:
    """Nothing fits what is no pattern: as in Flink, where it is computed; a literal one was refused."""
    try:
        return read_exactly(text, pattern)
    except UsageError:
        return pl.Series([None], dtype=pl.Datetime("us")).new_from_index(0, len(text))


def _to_timestamp_ltz(call: Invocation) -> pl.Expr:
    if is_text(call.type(0)):
        return _instant_of_text(call)
    kind = call.type(0)
    precision = 3 if len(call) == 1 else call.literal(1)
    if precision not in (0, 3):
        return call.per_row(_refuse_precision)
    factor = 1_000_000 if precision == 0 else 1000
    if isinstance(kind, FloatType):
        amount = call[0].cast(pl.Float64) * (factor // 1000)
        known = amount.is_between(_FIRST_INSTANT // 1000, _LAST_INSTANT // 1000)
        milliseconds = pl.when(known).then(amount).cast(pl.Int64, strict=False)
        return (milliseconds * 1000).cast(pl.Datetime("us", "UTC"))
    amount = call[0].cast(pl.Int64)
    known = amount.is_between(_FIRST_INSTANT // factor, _LAST_INSTANT // factor)
    return (pl.when(known).then(amount) * factor).cast(pl.Datetime("us", "UTC"))


_FIRST_INSTANT, _LAST_INSTANT = -62_167_219_200_000_000, 253_402_300_799_999_999
"""The years 0 to 9999 in microseconds: TO_TIMESTAMP_LTZ of an instant beyond is NULL."""


def _refuse_precision(_: object, precision: int) -> None:
    raise ValueFailure(f"the precision of TO_TIMESTAMP_LTZ must be 0 or 3, not {precision}")


def _instant_of_text(call: Invocation) -> pl.Expr:
    """The third argument is the zone that the text is local to, by default UTC. Text alone must state a timestamp."""
    if len(call) == 1:
        return UTC.instant(from_text(call[0], TIMESTAMP_3, call.settings, call.failing))
    local = cut(_by_pattern(call, call[0], _exactly, pl.Datetime("us")), 3)
    if len(call) == 2:
        return UTC.instant(local)
    if call.is_literal(2):
        name = call.literal(2)
        return pl.lit(None, call.result) if name is None else zone(name).instant(local)
    return call.columnwise(_instants, (local, call[2]))


def _instants(series: list[pl.Series], _: Report) -> pl.Series:
    """Local times of the zones beside them; NULL where there is no such zone, as in Flink."""
    local, names = series
    made = pl.Series([None], dtype=pl.Datetime("us", "UTC")).new_from_index(0, len(local))
    for name in names.drop_nulls().unique().to_list():
        try:
            where = zone(name)
        except UsageError:
            continue
        rows = (names == name).arg_true()
        made = made.scatter(rows, pl.select(where.instant(pl.lit(local.gather(rows)))).to_series())
    return made


_NO_TIME = -(2**63)
"""What UNIX_TIMESTAMP gives for text that states no time: Java's `Long.MIN_VALUE`."""


def _unix_timestamp(call: Invocation) -> pl.Expr:
    if len(call) == 0:
        return call.compiler.now().to_physical() // 1_000_000
    where = call.settings.zone

    def seconds(text: pl.Series, pattern: str) -> pl.Series:
        local = pl.lit(read_leniently(text, pattern, where))
        made = (where.instant(local, "latest").to_physical() // 1_000_000).fill_null(_NO_TIME)
        return pl.select(pl.when(pl.lit(text).is_not_null()).then(made)).to_series()

    return _by_pattern(call, call[0], seconds)


def _convert_tz(call: Invocation) -> pl.Expr:
    """Columnar for literal zones; else once per distinct pair of zones."""

    def run(series: list[pl.Series], report: Report) -> pl.Series:
        text, given, wanted = series
        made = pl.Series([None], dtype=pl.String).new_from_index(0, len(text))
        pairs = set(zip(given.to_list(), wanted.to_list(), strict=True))
        for source, target in pairs:
            if source is None or target is None:
                continue
            same = (given == source) & (wanted == target)
            rows = same.arg_true()
            local = pl.lit(read_leniently(text.gather(rows), DEFAULT_PATTERN))
            try:
                there = zone(target).local(zone(source).instant(local, "latest"))
            except UsageError as error:
                report.rows(same, error.what)
                continue
            made = made.scatter(rows, pl.select(there.dt.strftime("%Y-%m-%d %H:%M:%S")).to_series())
        return made

    return call.columnwise(run)


def _overlaps(call: Invocation) -> pl.Expr:
    spans = []
    for start in (0, 2):
        kind, span = call.type(start), call.type(start + 1)
        begin, end = call[start], call[start + 1]
        finish = shifted(begin, kind, end, span, _moved(kind)) if is_interval(span) else end
        finish_kind = _moved(kind) if is_interval(span) else span
        bounds = (milliseconds_of(begin, kind), milliseconds_of(finish, finish_kind))
        spans.append((pl.min_horizontal(bounds), pl.max_horizontal(bounds)))
    (first_begin, first_end), (second_begin, second_end) = spans
    whole = DayTimeIntervalType()
    return at_least(first_end, second_begin, whole) & at_least(second_end, first_begin, whole)


def _moved(kind: DataType) -> DataType:
    return TimestampType(3) if isinstance(kind, DateType) else kind


def _local_now(call: Invocation) -> pl.Expr:
    return call.settings.zone.local(call.compiler.now())


def _current_time(call: Invocation) -> pl.Expr:
    assert isinstance(call.call.type, TimeType)
    return cut_time(_local_now(call).dt.time(), call.call.type.precision)


def _current_watermark(call: Invocation) -> pl.Expr:
    return (call.compiler.watermark() * 1000).cast(call.result)


NON_DETERMINISTIC = frozenset(
    {
        "CURRENT_DATE",
        "CURRENT_TIME",
        "LOCALTIMESTAMP",
        "CURRENT_TIMESTAMP",
        "PROCTIME",
        "CURRENT_WATERMARK",
        "UNIX_TIMESTAMP",
    }
)

FUNCTIONS: dict[str, Evaluate] = {
    "EXTRACT": lambda call: _field(call, 1, call.keyword(0, "")),
    "YEAR": _part("YEAR"),
    "QUARTER": _part("QUARTER"),
    "MONTH": _part("MONTH"),
    "WEEK": _part("WEEK"),
    "DAYOFYEAR": _part("DOY"),
    "DAYOFMONTH": _part("DAY"),
    "DAYOFWEEK": _part("DOW"),
    "HOUR": _part("HOUR"),
    "MINUTE": _part("MINUTE"),
    "SECOND": _part("SECOND"),
    "TIMESTAMPADD": _timestamp_add,
    "TIMESTAMPDIFF": _timestamp_diff,
    "DATE_FORMAT": _date_format,
    "TO_DATE": _to_date,
    "TO_TIMESTAMP": _to_timestamp,
    "TO_TIMESTAMP_LTZ": _to_timestamp_ltz,
    "FROM_UNIXTIME": _from_unixtime,
    "UNIX_TIMESTAMP": _unix_timestamp,
    "CONVERT_TZ": _convert_tz,
    "INTERVAL FROM": _interval_from,
    "OVERLAPS": _overlaps,
    "CURRENT_DATE": lambda call: _local_now(call).dt.date(),
    "CURRENT_TIME": _current_time,
    "LOCALTIMESTAMP": _local_now,
    "CURRENT_TIMESTAMP": lambda call: call.compiler.now(),
    "PROCTIME": lambda call: call.compiler.now(),
    "CURRENT_WATERMARK": _current_watermark,
}

"""Dates, times, timestamps and the clock. Source: Flink, "System Functions", Temporal Functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from riacho.errors import UsageError
from riacho.plan.date_patterns import Style, read_parts, written_parts
from riacho.plan.expressions import Literal
from riacho.plan.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    INT,
    STRING,
    TIME,
    TIMESTAMP_3,
    TIMESTAMP_LTZ_3,
    DataType,
    DateType,
    DayTimeIntervalType,
    NullType,
    TimestampLtzType,
    TimestampType,
    TimeType,
    YearMonthIntervalType,
    is_interval,
    is_temporal,
    is_text,
)
from riacho.sql.functions.definition import Arguments, FunctionDefinition, FunctionError, Signature
from riacho.sql.functions.parameters import (
    as_bigint,
    date_or_timestamp,
    function,
    gives,
    gives_never_null,
    gives_nullable,
    integer,
    literal_text,
    nullable_if_any,
    numeric,
    temporal_or_interval,
    text,
)

EXTRACT_UNITS = (
    "MILLENNIUM", "CENTURY", "DECADE", "YEAR", "ISOYEAR", "QUARTER", "MONTH", "WEEK", "DAY", "DOY", "DOW", "ISODOW",
    "HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND", "NANOSECOND", "EPOCH",
)  # fmt: skip
"""What EXTRACT reads."""

STEP_UNITS = ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND", "MILLISECOND")
"""What TIMESTAMPADD and TIMESTAMPDIFF count in; with the prefix SQL_TSI_ as well."""

_BELOW_A_DAY = ("HOUR", "MINUTE", "SECOND", "MILLISECOND")


def _unit(arguments: Arguments, units: tuple[str, ...], name: str) -> str:
    unit = literal_text(arguments[0], f"the unit of {name}").upper().removeprefix("SQL_TSI_")
    if unit not in units:
        raise FunctionError(
            f"{name} has no unit {unit}", mend=f"the units are {', '.join(units)}", position=arguments[0].position
        )
    return unit


def _extract(arguments: Arguments) -> Signature:
    unit = _unit(arguments, EXTRACT_UNITS, "EXTRACT")
    point = arguments[1]
    kind = TIMESTAMP_3 if isinstance(point.type, NullType) else point.type
    if not (is_temporal(kind) or is_interval(kind)):
        raise FunctionError(f"EXTRACT does not take {kind.name()}", position=point.position)
    if isinstance(kind, TimeType) and unit not in _BELOW_A_DAY:
        raise FunctionError(
            f"a {kind.name()} has no {unit}",
            mend=f"its units are {', '.join(_BELOW_A_DAY)}",
            position=arguments[0].position,
        )
    return Signature((arguments[0].type, kind), BIGINT.with_nullable(nullable_if_any(arguments)))


def _step_unit_signature(arguments: Arguments, kinds: tuple[DataType, ...], result: DataType) -> Signature:
    return Signature((arguments[0].type, *kinds), result.with_nullable(nullable_if_any(arguments)))


def _timestamp_add(arguments: Arguments) -> Signature:
    unit = _unit(arguments, STEP_UNITS, "TIMESTAMPADD")
    count, point = arguments[1].type, arguments[2].type
    kind: DataType = TIMESTAMP_3 if isinstance(point, NullType) else point
    amount = as_bigint(count)
    if amount is None or not is_temporal(kind):
        raise FunctionError(
            f"TIMESTAMPADD does not take {count.name()} and {point.name()}", position=arguments[1].position
        )
    result: DataType = TimestampType(6) if isinstance(kind, DateType) and unit in _BELOW_A_DAY else kind
    return _step_unit_signature(arguments, (amount.with_nullable(count.nullable), kind), result)


def _timestamp_diff(arguments: Arguments) -> Signature:
    _unit(arguments, STEP_UNITS, "TIMESTAMPDIFF")
    kinds = []
    for argument in arguments[1:]:
        kind = TIMESTAMP_3 if isinstance(argument.type, NullType) else argument.type
        if not is_temporal(kind):
            raise FunctionError(f"TIMESTAMPDIFF does not take {kind.name()}", position=argument.position)
        kinds.append(kind)
    if isinstance(kinds[0], TimeType) != isinstance(kinds[1], TimeType):
        raise FunctionError("TIMESTAMPDIFF takes two times of day or none", position=arguments[1].position)
    if isinstance(kinds[0], TimestampLtzType) != isinstance(kinds[1], TimestampLtzType):
        raise FunctionError(
            f"TIMESTAMPDIFF lies between two instants or none, not {kinds[0].name()} and {kinds[1].name()}",
            mend="cast one of them: its local time depends on the session's zone",
            position=arguments[1].position,
        )
    return _step_unit_signature(arguments, tuple(kinds), INT)


def _interval_from(arguments: Arguments) -> Signature:
    kinds = [argument.type for argument in arguments[1:]]
    same = type(kinds[0]) is type(kinds[1]) or any(isinstance(kind, NullType) for kind in kinds)
    if not same or any(not is_temporal(kind) or isinstance(kind, TimeType) for kind in kinds):
        raise FunctionError(
            f"an interval lies between two dates or two timestamps, not {kinds[1].name()} and {kinds[0].name()}",
            mend="write (later - earlier) DAY, with a CAST of one of them",
            position=arguments[1].position,
        )
    first = literal_text(arguments[0], "the unit").partition(" ")[0]
    months = first in ("YEAR", "QUARTER", "MONTH")
    return _step_unit_signature(arguments, tuple(kinds), YearMonthIntervalType() if months else DayTimeIntervalType())


def _check_pattern(arguments: Arguments, parts: Callable[[str, Style], object], style: Style) -> None:
    """Refuse a literal pattern, argument 2, that Java would refuse for each row."""
    match arguments[1:]:
        case (Literal(value=str() as pattern), *_):
            try:
                parts(pattern, style)
            except UsageError as error:
                raise FunctionError(error.what, mend=error.mend, position=arguments[1].position) from error


def _with_pattern(
    definition: FunctionDefinition, parts: Callable[[str, Style], object], style: Style
) -> FunctionDefinition:
    """A function whose second argument, if it is there, is a date pattern."""

    def infer(arguments: Arguments) -> Signature:
        signature = definition.infer(arguments)
        _check_pattern(arguments, parts, style)
        return signature

    return replace(definition, infer=infer)


def _date_format(arguments: Arguments) -> Signature:
    point, pattern = arguments[0].type, arguments[1].type
    if isinstance(point, NullType):
        point = TIMESTAMP_3
    if not (is_text(point) or isinstance(point, DateType | TimestampType | TimestampLtzType)) or text(pattern) is None:
        raise FunctionError(
            f"DATE_FORMAT does not take {point.name()} and {pattern.name()}", position=arguments[0].position
        )
    kind = TIMESTAMP_3.with_nullable(point.nullable) if isinstance(point, DateType) else point
    _check_pattern(arguments, written_parts, Style.SIMPLE if is_text(point) else Style.FORMATTER)
    return Signature((kind, STRING.with_nullable(pattern.nullable)), STRING.with_nullable(True))


def _to_timestamp_ltz(arguments: Arguments) -> Signature:
    """A number of seconds (precision 0) or milliseconds (3), or a string with a pattern and a zone."""
    first = arguments[0].type
    result = TIMESTAMP_LTZ_3.with_nullable(True)
    if numeric(first) is not None and len(arguments) <= 2:
        amount = numeric(first)
        assert amount is not None
        for precision in arguments[1:]:
            if integer(precision.type) is None:
                raise FunctionError(
                    f"the precision of TO_TIMESTAMP_LTZ is no {precision.type.name()}",
                    mend="write 0 for seconds or 3 for milliseconds",
                    position=precision.position,
                )
        return Signature((amount, INT)[: len(arguments)], result)
    if text(first) is not None:
        for argument in arguments[1:]:
            if text(argument.type) is None:
                raise FunctionError(
                    f"TO_TIMESTAMP_LTZ does not take {argument.type.name()} after a string", position=argument.position
                )
        _check_pattern(arguments, read_parts, Style.FORMATTER)
        return Signature((STRING,) * len(arguments), result)
    raise FunctionError(f"TO_TIMESTAMP_LTZ does not take {first.name()}", position=arguments[0].position)


def _unix_timestamp(arguments: Arguments) -> Signature:
    for argument in arguments:
        if text(argument.type) is None:
            raise FunctionError(f"UNIX_TIMESTAMP does not take {argument.type.name()}", position=argument.position)
    _check_pattern(arguments, read_parts, Style.SIMPLE)
    return Signature((STRING,) * len(arguments), BIGINT.with_nullable(nullable_if_any(arguments)))


def _current_watermark(arguments: Arguments) -> Signature:
    kind = arguments[0].type
    if isinstance(kind, TimestampLtzType):
        return Signature((kind,), TIMESTAMP_LTZ_3)
    if isinstance(kind, TimestampType):
        return Signature((kind,), TIMESTAMP_3)
    raise FunctionError(f"CURRENT_WATERMARK takes a row time, not {kind.name()}", position=arguments[0].position)


def _overlaps(arguments: Arguments) -> Signature:
    kinds: list[DataType] = []
    for index, argument in enumerate(arguments):
        kind = TIMESTAMP_3 if isinstance(argument.type, NullType) else argument.type
        if not (is_temporal(kind) or (index % 2 == 1 and is_interval(kind))):
            raise FunctionError(f"OVERLAPS does not take {kind.name()}", position=argument.position)
        if isinstance(kind, YearMonthIntervalType) and isinstance(kinds[index - 1], TimeType):
            raise FunctionError("a time of day has no months", position=argument.position)
        kinds.append(kind)
    return Signature(tuple(kinds), BOOLEAN.with_nullable(nullable_if_any(arguments)))


def _part(name: str, description: str, *, of_time: bool = False) -> FunctionDefinition:
    accepts = temporal_or_interval if of_time else date_or_timestamp
    return function(f"{name}(point)", (accepts,), gives(BIGINT), description)


def _now(syntax: str, kind: DataType, description: str, aliases: tuple[str, ...] = ()) -> FunctionDefinition:
    return function(syntax, (), gives_never_null(kind), description, aliases=aliases, deterministic=False)


FUNCTIONS: tuple[FunctionDefinition, ...] = (
    FunctionDefinition(
        "EXTRACT", _extract, "EXTRACT(unit FROM point)", "One part of a point in time or interval.", (2, 2)
    ),
    _part("YEAR", "The year."),
    _part("QUARTER", "The quarter, 1 to 4."),
    _part("MONTH", "The month, 1 to 12."),
    _part("WEEK", "The ISO week, 1 to 53."),
    _part("DAYOFYEAR", "The day of the year, from 1."),
    _part("DAYOFMONTH", "The day of the month, from 1."),
    _part("DAYOFWEEK", "The day of the week, 1 (Sunday) to 7."),
    _part("HOUR", "The hour, 0 to 23.", of_time=True),
    _part("MINUTE", "The minute.", of_time=True),
    _part("SECOND", "The second.", of_time=True),
    FunctionDefinition(
        "TIMESTAMPADD", _timestamp_add, "TIMESTAMPADD(unit, count, point)", "count units later.", (3, 3)
    ),
    FunctionDefinition(
        "TIMESTAMPDIFF", _timestamp_diff, "TIMESTAMPDIFF(unit, a, b)", "Whole units from a to b.", (3, 3)
    ),
    FunctionDefinition(
        "DATE_FORMAT", _date_format, "DATE_FORMAT(point, pattern)", "As text, by a Java date pattern.", (2, 2)
    ),
    _with_pattern(
        function(
            "TO_DATE(string[, pattern])",
            (text, text),
            gives_nullable(DATE),
            "The date that a string states; NULL if none.",
            optional=1,
        ),
        read_parts,
        Style.SIMPLE,
    ),
    _with_pattern(
        function(
            "TO_TIMESTAMP(string[, pattern])",
            (text, text),
            gives_nullable(TIMESTAMP_3),
            "The timestamp that a string states; NULL if none.",
            optional=1,
        ),
        read_parts,
        Style.FORMATTER,
    ),
    FunctionDefinition(
        "TO_TIMESTAMP_LTZ",
        _to_timestamp_ltz,
        "TO_TIMESTAMP_LTZ(number[, precision]) or TO_TIMESTAMP_LTZ(string[, pattern[, zone]])",
        "The instant of epoch seconds (precision 0) or milliseconds (3, the default), or of a string in a zone (UTC).",
        (1, 3),
    ),
    _with_pattern(
        function(
            "FROM_UNIXTIME(seconds[, pattern])",
            (as_bigint, text),
            gives_nullable(STRING),
            "Epoch seconds as text, in the session's zone.",
            optional=1,
        ),
        written_parts,
        Style.SIMPLE,
    ),
    FunctionDefinition(
        "UNIX_TIMESTAMP",
        _unix_timestamp,
        "UNIX_TIMESTAMP([string[, pattern]])",
        "Epoch seconds of now, or of a string in the session's zone; the least BIGINT if it states no time.",
        (0, 2),
        deterministic=False,
    ),
    function(
        "CONVERT_TZ(string, from, to)",
        (text, text, text),
        gives_nullable(STRING),
        "A local time of one zone as that of another.",
    ),
    FunctionDefinition(
        "INTERVAL FROM",
        _interval_from,
        "(a - b) DAY, (a - b) MONTH",
        "The interval from b to a; its unit says whether it is one of months or of milliseconds.",
        (3, 3),
    ),
    FunctionDefinition("OVERLAPS", _overlaps, "(a, b) OVERLAPS (c, d)", "Whether two spans of time overlap.", (4, 4)),
    _now("CURRENT_DATE", DATE, "Today, in the session's zone."),
    _now("CURRENT_TIME", TIME, "The time of day, in the session's zone.", ("LOCALTIME",)),
    _now("LOCALTIMESTAMP", TIMESTAMP_3, "Now, as local time of the session's zone."),
    _now("CURRENT_TIMESTAMP", TIMESTAMP_LTZ_3, "Now.", ("NOW", "CURRENT_ROW_TIMESTAMP")),
    _now("PROCTIME()", TIMESTAMP_LTZ_3, "The processing time: now."),
    FunctionDefinition(
        "CURRENT_WATERMARK",
        _current_watermark,
        "CURRENT_WATERMARK(rowtime)",
        "The watermark that stood before the row; NULL while there is none.",
        (1, 1),
        deterministic=False,
    ),
)

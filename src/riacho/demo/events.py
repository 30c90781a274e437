"""The events that the demo publishes: departures, arrivals and weather, each late by its own random lag.

Everything is derived from the tables and a seed, so the check can tell afterwards what was sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from riacho.demo.tables import NEW_YORK, flights, weather

MEDIAN_LAG_S = 30.0
P99_LAG_S = 15 * 60.0
"""How long after it happened an event is published, in event time: a log-normal lag. Topics are out of order."""

NORMAL_P99 = 2.3263478740408408
LAG_SIGMA = float(np.log(P99_LAG_S / MEDIAN_LAG_S)) / NORMAL_P99

MALFORMED_ONE_IN = 5_000
"""How rarely a value is cut short on its way, so that it is no JSON any more."""

EVENT_TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
"""Flink's SQL timestamp format; instants in UTC."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One topic's events in the order of their publication.

    `events` has the event's own columns (`id` and `event_time` among them), `publish_at` (event time plus lag, UTC
    microseconds) and `malformed`.
    """

    topic: str
    events: pl.DataFrame

    def open_values(self, rows: pl.DataFrame) -> pl.Series:
        """The records' JSON objects but for their last field and brace, which `stamped` adds."""
        payload = rows.drop("publish_at", "malformed")
        whole = payload.select(
            pl.struct(
                pl.col(name).dt.strftime(EVENT_TIME_FORMAT) if isinstance(kind, pl.Datetime) else pl.col(name)
                for name, kind in payload.schema.items()
            ).struct.json_encode()
        ).to_series()
        return whole.str.strip_suffix("}")


def stamped(open_values: pl.Series, malformed: pl.Series, published_ms: int) -> pl.Series:
    """The records' values, with the machine time of their publication. A malformed one is cut after two thirds.

    >>> stamped(pl.Series(['{"id":7', '{"id":8']), pl.Series([False, True]), 123).to_list()
    ['{"id":7,"published_ms":123}', '{"id":8,"published']
    """
    whole = open_values + f',"published_ms":{published_ms}}}'
    if not malformed.any():
        return whole
    cut = whole.str.slice(0, whole.str.len_chars() * 2 // 3)
    return whole.zip_with(~malformed, cut)


def streams(seed: int, first: date, last: date) -> list[Stream]:
    """The three event streams of some of New York's days, the same for the same seed."""
    generator = np.random.default_rng(seed)
    days = flights().filter(pl.col("day").is_between(first, last))
    hours = observations().filter(pl.col("event_time").dt.convert_time_zone(NEW_YORK).dt.date().is_between(first, last))
    return [
        _publish("flights.departures", departures(days), generator),
        _publish("flights.arrivals", arrivals(days), generator),
        _publish("flights.weather", hours, generator),
    ]


def departures(year: pl.DataFrame) -> pl.DataFrame:
    """One event per flight: when it left or, where it was cancelled, when it should have."""
    return year.select(
        "id",
        pl.coalesce("departure", "scheduled").alias("event_time"),
        "day",
        "scheduled",
        pl.col("departure_delay").alias("delay"),
        "cancelled",
        "carrier",
        "flight",
        "tailnum",
        "origin",
        "dest",
        "distance",
    )


def arrivals(year: pl.DataFrame) -> pl.DataFrame:
    """One event per landing that was reported, under its flight's id."""
    landed = year.filter(pl.col("arrival").is_not_null())
    return landed.select(
        "id", pl.col("arrival").alias("event_time"), pl.col("arrival_delay").alias("delay"), "carrier", "origin", "dest"
    )


def observations() -> pl.DataFrame:
    """One event per airport and hour."""
    return weather().rename({"observed": "event_time"})


def _publish(topic: str, events: pl.DataFrame, generator: np.random.Generator) -> Stream:
    lag_us = (MEDIAN_LAG_S * np.exp(generator.normal(0.0, LAG_SIGMA, events.height)) * 1e6).astype(np.int64)
    malformed = generator.integers(0, MALFORMED_ONE_IN, events.height) == 0
    return Stream(
        topic,
        events.with_columns(
            publish_at=pl.col("event_time") + pl.Series(lag_us).cast(pl.Duration("us")),
            malformed=pl.Series(malformed),
        ).sort("publish_at", "id"),
    )

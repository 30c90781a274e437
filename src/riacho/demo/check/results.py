"""What each result topic must hold, as a batch query over the events of a prefix.

The queries read the tables `departures`, `arrivals`, `weather` and `airlines`: the well-formed events that the job
had read, and nothing else. Windowed results also read `late`, the job's own record of rows behind the watermark, and
`closed`, one row: the time up to which windows have closed (null before the first watermark).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from riacho.demo.check.evidence import MOMENT


@dataclass(frozen=True, slots=True)
class Result:
    """A result topic: the job that writes it, its columns, which of them are the key, and the batch query.

    `context` are columns that the queries read but that are not compared.
    """

    topic: str
    job: str
    key: tuple[str, ...]
    columns: dict[str, pl.DataType | type[pl.DataType]]
    query: str
    context: dict[str, pl.DataType | type[pl.DataType]] = field(default_factory=dict)


DELAYS = Result(
    "flights.delays",
    "flights-delays",
    ("origin", "window_start"),
    {
        "origin": pl.String,
        "window_start": MOMENT,
        "departed": pl.Int64,
        "cancelled": pl.Int64,
        "mean_delay": pl.Float64,
        "max_delay": pl.Int64,
    },
    """
    SELECT origin, date_trunc('hour', event_time) AS window_start,
           count(*) FILTER (WHERE NOT cancelled) AS departed, count(*) FILTER (WHERE cancelled) AS cancelled,
           avg(delay) AS mean_delay, max(delay) AS max_delay
    FROM departures, closed
    WHERE id NOT IN (SELECT id FROM late WHERE missed_hour)
      AND date_trunc('hour', event_time) + INTERVAL 1 HOUR - INTERVAL 1 MILLISECOND <= closed.up_to
    GROUP BY ALL
    """,
)

ALERTS = Result(
    "flights.alerts",
    "flights-delays",
    ("origin", "window_start"),
    {
        "origin": pl.String,
        "window_start": MOMENT,
        "window_end": MOMENT,
        "departed": pl.Int64,
        "mean_delay": pl.Float64,
    },
    """
    WITH windowed AS (
      SELECT id, origin, delay,
             time_bucket(INTERVAL 5 MINUTE, event_time) - step * INTERVAL 5 MINUTE AS window_start,
             window_start + INTERVAL 30 MINUTE AS window_end
      FROM departures, unnest(range(6)) AS steps(step)
    )
    SELECT origin, window_start, window_end, count(delay) AS departed, avg(delay) AS mean_delay
    FROM closed, windowed LEFT JOIN late USING (id)
    WHERE window_end - INTERVAL 1 MILLISECOND <= closed.up_to
      AND (late.watermark IS NULL OR window_end - INTERVAL 1 MILLISECOND > late.watermark)
    GROUP BY ALL
    HAVING count(delay) >= 10 AND avg(delay) > 45
    """,
)

LATE = Result(
    "flights.late",
    "flights-delays",
    ("id",),
    {
        "id": pl.Int64,
        "origin": pl.String,
        "event_time": MOMENT,
        "missed_hour": pl.Boolean,
        "topic": pl.String,
        "partition": pl.Int64,
        "offset": pl.Int64,
    },
    # A row saw a watermark that its own partition had reached at the most; which one, the interleaving decides.
    """
    WITH seen AS (
      SELECT id, origin, event_time, part, off,
             max(event_time) OVER (PARTITION BY part ORDER BY off ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
                - INTERVAL 10 MINUTE AS limit_
      FROM departures
    )
    SELECT seen.id, seen.origin, seen.event_time,
           late.watermark >= date_trunc('hour', seen.event_time) + INTERVAL 1 HOUR - INTERVAL 1 MILLISECOND
             AS missed_hour,
           'flights.departures' AS topic, seen.part AS partition, seen.off AS "offset"
    FROM seen JOIN late USING (id)
    WHERE late.watermark BETWEEN seen.event_time AND limit_
    """,
    {"watermark": MOMENT},
)

AIRLINE_TOTALS = Result(
    "flights.airline_totals",
    "flights-airlines",
    ("carrier",),
    {
        "carrier": pl.String,
        "name": pl.String,
        "departed": pl.Int64,
        "cancelled": pl.Int64,
        "miles": pl.Int64,
        "mean_delay": pl.Float64,
    },
    """
    SELECT carrier, airlines.name, count(*) FILTER (WHERE NOT cancelled) AS departed,
           count(*) FILTER (WHERE cancelled) AS cancelled,
           sum(distance) FILTER (WHERE NOT cancelled)::BIGINT AS miles, avg(delay) AS mean_delay
    FROM departures LEFT JOIN airlines USING (carrier)
    GROUP BY ALL
    """,
)

AIRLINE_DAYS = Result(
    "flights.airline_days",
    "flights-airlines",
    ("day", "carrier"),
    {
        "day": pl.String,
        "carrier": pl.String,
        "departed": pl.Int64,
        "cancelled": pl.Int64,
        "mean_delay": pl.Float64,
    },
    """
    SELECT day, carrier, count(*) FILTER (WHERE NOT cancelled) AS departed,
           count(*) FILTER (WHERE cancelled) AS cancelled, avg(delay) AS mean_delay
    FROM departures
    GROUP BY ALL
    """,
)

CANCELLED_ROUTES = Result(
    "flights.cancelled_routes",
    "flights-routes",
    ("origin", "dest"),
    {"origin": pl.String, "dest": pl.String, "cancelled": pl.Int64, "scheduled": pl.Int64},
    """
    SELECT origin, dest, count(*) FILTER (WHERE cancelled) AS cancelled, count(*) AS scheduled
    FROM departures
    GROUP BY ALL
    HAVING count(*) FILTER (WHERE cancelled) > 0
    """,
)

ENRICHED = Result(
    "flights.enriched_departures",
    "flights-enriched",
    ("id",),
    {
        "id": pl.Int64,
        "event_time": MOMENT,
        "airline": pl.String,
        "origin": pl.String,
        "dest": pl.String,
        "delay": pl.Int64,
        "cancelled": pl.Boolean,
        "temperature": pl.Float64,
        "wind_speed": pl.Float64,
        "precipitation": pl.Float64,
        "visibility": pl.Float64,
        "partition": pl.Int64,
        "offset": pl.Int64,
    },
    """
    SELECT d.id, d.event_time, airlines.name AS airline, d.origin, d.dest, d.delay, d.cancelled,
           w.temperature, w.wind_speed, w.precipitation, w.visibility, d.part AS partition, d.off AS "offset"
    FROM departures AS d
    LEFT JOIN airlines USING (carrier)
    LEFT JOIN weather AS w ON d.origin = w.origin AND date_trunc('hour', d.scheduled) = w.event_time
    """,
)

WEATHER = Result(
    "flights.weather_by_hour",
    "flights-enriched",
    ("origin", "observed"),
    {
        "origin": pl.String,
        "observed": MOMENT,
        "temperature": pl.Float64,
        "wind_speed": pl.Float64,
        "precipitation": pl.Float64,
        "visibility": pl.Float64,
    },
    """
    SELECT origin, event_time AS observed, temperature, wind_speed, precipitation, visibility FROM weather
    """,
)

IN_THE_AIR = Result(
    "flights.in_the_air",
    "flights-in-the-air",
    ("id",),
    {
        "id": pl.Int64,
        "departed": MOMENT,
        "delay": pl.Int64,
        "carrier": pl.String,
        "flight": pl.Int64,
        "origin": pl.String,
        "dest": pl.String,
        "distance": pl.Int64,
        "published_ms": pl.Int64,
    },
    """
    SELECT id, event_time AS departed, delay, carrier, flight, origin, dest, distance, published_ms
    FROM departures
    WHERE NOT cancelled AND id NOT IN (SELECT id FROM arrivals)
    """,
)

RESULTS = (
    LATE,  # first: the windowed results read it
    DELAYS,
    ALERTS,
    AIRLINE_TOTALS,
    AIRLINE_DAYS,
    CANCELLED_ROUTES,
    ENRICHED,
    WEATHER,
    IN_THE_AIR,
)

EVENTS: dict[str, dict[str, pl.DataType | type[pl.DataType]]] = {
    "flights.departures": {
        "id": pl.Int64,
        "event_time": MOMENT,
        "day": pl.String,
        "scheduled": MOMENT,
        "delay": pl.Int64,
        "cancelled": pl.Boolean,
        "carrier": pl.String,
        "flight": pl.Int64,
        "tailnum": pl.String,
        "origin": pl.String,
        "dest": pl.String,
        "distance": pl.Int64,
        "published_ms": pl.Int64,
    },
    "flights.arrivals": {"id": pl.Int64, "event_time": MOMENT},
    "flights.weather": {
        "event_time": MOMENT,
        "origin": pl.String,
        "temperature": pl.Float64,
        "wind_speed": pl.Float64,
        "precipitation": pl.Float64,
        "visibility": pl.Float64,
    },
    "flights.airlines": {"carrier": pl.String, "name": pl.String},
}
"""The topics that the jobs read, and the columns that the queries need."""

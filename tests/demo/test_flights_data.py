"""The demo's events are the year's real flights, and as late, disordered and broken as they are meant to be."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from riacho.demo.events import Stream, arrivals, departures, observations, stamped, streams
from riacho.demo.tables import NEW_YORK, airports, flights, read_table


@pytest.fixture(scope="module")
def year() -> pl.DataFrame:
    return flights()


@pytest.fixture(scope="module")
def published() -> dict[str, Stream]:
    return {stream.topic: stream for stream in streams(2013, date(2013, 1, 1), date(2013, 12, 31))}


def local(moment: str, zone: str) -> pl.Expr:
    """A moment as the number that the source writes: 9:05 is 905."""
    at = pl.col(moment).dt.convert_time_zone(zone)
    return at.dt.hour().cast(pl.Int64) * 100 + at.dt.minute().cast(pl.Int64)


def test_all_of_the_years_flights_and_observations_are_there(year: pl.DataFrame) -> None:
    assert departures(year).height == 336_776
    assert arrivals(year).height == read_table("flights")["arr_time"].count()
    assert observations().height == 26_115


def test_the_blizzard_cancelled_more_than_half_of_its_flights(year: pl.DataFrame) -> None:
    storm = year.filter(pl.col("day").is_between(date(2013, 2, 8), date(2013, 2, 9)))
    assert (storm.height, storm["cancelled"].sum()) == (1_614, 865)


def test_departures_are_what_new_yorks_clocks_showed(year: pl.DataFrame) -> None:
    raw = read_table("flights").with_row_index("id").select(pl.col("id").cast(pl.Int64), "dep_time", "sched_dep_time")
    both = year.join(raw, on="id")
    assert both.filter(local("scheduled", NEW_YORK) != pl.col("sched_dep_time")).is_empty()
    assert both.filter(local("departure", NEW_YORK) != pl.col("dep_time") % 2400).is_empty()


def test_arrivals_are_what_the_destinations_clocks_showed(year: pl.DataFrame) -> None:
    raw = read_table("flights").with_row_index("id").select(pl.col("id").cast(pl.Int64), "arr_time", "air_time")
    landed = (
        year.filter(pl.col("arrival").is_not_null())
        .join(raw, on="id")
        .join(airports().select(dest="faa", zone="tzone"), on="dest")
    )
    zones = landed.partition_by("zone", as_dict=True)
    odd = pl.concat(
        [group.filter(local("arrival", str(zone)) != pl.col("arr_time") % 2400) for (zone,), group in zones.items()]
    )
    # 02:06 on the night of 10 March did not exist in New York.
    assert [moment.date() for moment in odd["arrival"]] == [date(2013, 3, 10)]
    on_ground = (landed["arrival"] - landed["departure"]).dt.total_minutes() - landed["air_time"]
    assert (on_ground > 0).all(), "no flight lands before it has flown"
    assert (on_ground < 4 * 60).all(), "nor hours later"


def test_the_islands_that_the_airports_leave_out_are_on_puerto_ricos_clock(year: pl.DataFrame) -> None:
    islands = airports().filter(pl.col("faa").is_in(["SJU", "BQN", "PSE", "STT"]))
    assert islands["tzone"].to_list() == ["America/Puerto_Rico"] * 4
    assert year.join(airports(), left_on="dest", right_on="faa", how="anti").is_empty()
    first = year.filter((pl.col("dest") == "SJU") & pl.col("arrival").is_not_null()).row(0, named=True)
    assert (first["departure"], first["arrival"]) == (
        datetime(2013, 1, 1, 11, 15, tzinfo=UTC),
        datetime(2013, 1, 1, 14, 39, tzinfo=UTC),
    )


@pytest.mark.parametrize("topic", ["flights.departures", "flights.arrivals", "flights.weather"])
def test_events_come_late_by_a_log_normal_lag(published: dict[str, Stream], topic: str) -> None:
    events = published[topic].events
    lag_s = (events["publish_at"] - events["event_time"]).dt.total_milliseconds() / 1000
    assert lag_s.median() == pytest.approx(30, rel=0.02)
    assert lag_s.quantile(0.99) == pytest.approx(15 * 60, rel=0.05)


def test_topics_are_out_of_order_and_some_rows_behind_the_watermark(published: dict[str, Stream]) -> None:
    moments = published["flights.departures"].events["event_time"]
    behind = (moments.cum_max().shift(1) - moments).drop_nulls().dt.total_minutes()
    assert 0.1 < (behind > 0).mean() < 0.3
    assert 0.005 < (behind >= 10).mean() < 0.05


def test_a_few_events_are_cut_short(published: dict[str, Stream]) -> None:
    malformed = sum(stream.events["malformed"].sum() for stream in published.values())
    assert 0 < malformed < 250


def test_the_same_seed_gives_the_same_events(published: dict[str, Stream]) -> None:
    first, last = date(2013, 2, 1), date(2013, 2, 2)
    again = [streams(7, first, last) for _ in range(2)]
    for one, other in zip(*again, strict=True):
        assert one.events.equals(other.events)
    assert not again[0][0].events.equals(streams(8, first, last)[0].events)


def test_a_value_is_json_unless_it_was_cut(published: dict[str, Stream]) -> None:
    stream = published["flights.departures"]
    rows = pl.concat([stream.events.filter("malformed")[:1], stream.events.filter(~pl.col("malformed"))[:1]])

    cut, whole = stamped(stream.open_values(rows), rows["malformed"], 1_700_000_000_000)

    assert not cut.endswith("}")
    described = pl.Series([whole]).str.json_decode(pl.Struct({"id": pl.Int64, "published_ms": pl.Int64}))[0]
    assert described == {"id": rows["id"][1], "published_ms": 1_700_000_000_000}

"""The demo's check finds what is wrong, and nothing where all is right."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date

import polars as pl
import pytest

from riacho.client.columns import RecordColumns
from riacho.demo.check.checker import prefix_of
from riacho.demo.check.compare import Compared, Cut, Oracle, topic_logs
from riacho.demo.check.published import published
from riacho.demo.check.results import RESULTS
from riacho.demo.events import stamped, streams
from riacho.demo.replay_options import ReplayOptions

DEPARTURE = {
    "id": 1,
    "event_time": "2013-02-08 14:05:00",
    "day": "2013-02-08",
    "scheduled": "2013-02-08 14:00:00",
    "delay": 5,
    "cancelled": False,
    "carrier": "UA",
    "flight": 10,
    "tailnum": "N1",
    "origin": "JFK",
    "dest": "BOS",
    "distance": 187,
    "published_ms": 1,
}
LATER = {
    **DEPARTURE,
    "id": 2,
    "event_time": "2013-02-08 16:30:00",
    "scheduled": "2013-02-08 16:00:00",
    "cancelled": True,
}
HOUR = {"origin": "JFK", "window_start": "2013-02-08 14:00:00"}


def compare(
    job: str, source: list[dict[str, object]], sinks: dict[str, list[tuple[object, object]]]
) -> dict[str, Compared]:
    logs = topic_logs()
    values = [json.dumps(event).encode() for event in source]
    logs["flights.departures"].append(RecordColumns.from_values(values, topic="flights.departures"))
    for topic, records in sinks.items():
        keys = [json.dumps(key).encode() for key, _ in records]
        rows = [None if value is None else json.dumps(value).encode() for _, value in records]
        logs[topic].append(RecordColumns.from_values(rows, keys=keys, topic=topic))
    cut = Cut(
        {"flights.departures": {0: len(source)}, "flights.airlines": {0: 0}, "flights.arrivals": {0: 0}},
        {result.topic: {0: len(sinks.get(result.topic, []))} for result in RESULTS if result.job == job},
    )
    return {each.topic: each for each in Oracle(logs).compare({job: cut})}


def hour(**changes: object) -> tuple[object, object]:
    row = {**HOUR, "departed": 1, "cancelled": 0, "mean_delay": 5.0, "max_delay": 5, **changes}
    return HOUR, row


def test_a_window_that_has_closed_with_the_right_row_differs_in_nothing() -> None:
    compared = compare("flights-delays", [DEPARTURE, LATER], {"flights.delays": [hour()]})
    assert (compared["flights.delays"].cells, compared["flights.delays"].differ) == (6, 0)
    assert compared["flights.alerts"].cells == 0


def test_a_wrong_cell_is_one_that_differs() -> None:
    compared = compare("flights-delays", [DEPARTURE, LATER], {"flights.delays": [hour(departed=2)]})
    assert compared["flights.delays"].differ == 1
    assert compared["flights.delays"].examples


def test_a_missing_row_and_a_row_too_many_differ() -> None:
    missing = compare("flights-delays", [DEPARTURE, LATER], {})
    assert missing["flights.delays"].differ > 0
    early = compare("flights-delays", [DEPARTURE], {"flights.delays": [hour()]})
    assert early["flights.delays"].differ > 0, "the window has not closed yet"


def test_a_row_that_missed_its_hour_is_left_out_of_it() -> None:
    late_row = {**DEPARTURE, "id": 3, "delay": 500}
    late = {
        "id": 3,
        "origin": "JFK",
        "event_time": DEPARTURE["event_time"],
        "watermark": "2013-02-08 16:20:00",
        "missed_hour": True,
        "topic": "flights.departures",
        "partition": 0,
        "offset": 2,
    }
    compared = compare(
        "flights-delays",
        [DEPARTURE, LATER, late_row],
        {"flights.delays": [hour()], "flights.late": [({"id": 3}, late)]},
    )
    assert compared["flights.delays"].differ == 0
    assert compared["flights.late"].differ == 0
    wrong = compare(
        "flights-delays",
        [DEPARTURE, late_row, LATER],
        {"flights.delays": [hour()], "flights.late": [({"id": 3}, {**late, "offset": 1})]},
    )
    assert wrong["flights.late"].differ > 0, "no watermark of its partition had passed the row by then"


def test_a_tombstone_removes_the_row_of_its_key() -> None:
    flying = {
        "id": 1,
        "departed": DEPARTURE["event_time"],
        **{
            name: DEPARTURE[name]
            for name in ("delay", "carrier", "flight", "origin", "dest", "distance", "published_ms")
        },
    }
    up = compare("flights-in-the-air", [DEPARTURE], {"flights.in_the_air": [({"id": 1}, flying)]})
    assert (up["flights.in_the_air"].cells, up["flights.in_the_air"].differ) == (9, 0)
    gone = compare("flights-in-the-air", [DEPARTURE], {"flights.in_the_air": [({"id": 1}, flying), ({"id": 1}, None)]})
    assert gone["flights.in_the_air"].differ > 0


ROUTE = {"origin": "JFK", "dest": "BOS", "cancelled": 1, "scheduled": 2}
PLACE = {"origin": "JFK", "dest": "BOS"}


def test_a_row_that_somebody_else_wrote_differs_in_all_of_its_cells() -> None:
    for foreign in ({}, {"origin": "XXX"}, ROUTE):
        records = [(PLACE, ROUTE), ({"origin": "XXX"}, foreign)]
        compared = compare("flights-routes", [DEPARTURE, LATER], {"flights.cancelled_routes": records})
        assert compared["flights.cancelled_routes"].differ == 4, foreign


@pytest.mark.parametrize(
    "broken", [b"{no json}", b'{"origin": 1', b'{"origin": "JFK", "cancelled": "many"}', b"17", b"\xff{"]
)
def test_a_record_that_is_no_row_is_found_among_good_ones(broken: bytes) -> None:
    logs = topic_logs()
    values = [json.dumps(event).encode() for event in (DEPARTURE, LATER)]
    logs["flights.departures"].append(RecordColumns.from_values(values, topic="flights.departures"))
    logs["flights.cancelled_routes"].append(
        RecordColumns.from_values(
            [json.dumps(ROUTE).encode(), broken, None],
            keys=[json.dumps(PLACE).encode(), b"odd", b"gone"],
            topic="flights.cancelled_routes",
        )
    )
    cut = Cut({"flights.departures": {0: 2}}, {"flights.cancelled_routes": {0: 3}})

    compared = Oracle(logs).compare({"flights-routes": cut})

    assert [(each.rows, each.differ) for each in compared] == [(2, 4)]


def test_the_prefix_is_what_every_job_has_read() -> None:
    ahead = Cut({"flights.departures": {0: 7}}, {})
    behind = Cut({"flights.departures": {0: 5}, "flights.arrivals": {0: 9}}, {})
    assert prefix_of({"a": ahead, "b": behind}) == 5


def test_only_the_prefix_that_a_job_has_reported_counts() -> None:
    logs = topic_logs()
    values = [json.dumps(event).encode() for event in (DEPARTURE, LATER)]
    logs["flights.departures"].append(RecordColumns.from_values(values, topic="flights.departures"))
    logs["flights.cancelled_routes"].append(
        RecordColumns.from_values([json.dumps(ROUTE).encode()], keys=[b"{}"], topic="flights.cancelled_routes")
    )
    oracle = Oracle(logs)
    before = Cut({"flights.departures": {0: 1}}, {"flights.cancelled_routes": {0: 0}})
    after = Cut({"flights.departures": {0: 2}}, {"flights.cancelled_routes": {0: 1}})
    assert [each.cells for each in oracle.compare({"flights-routes": before})] == [0]
    assert [(each.cells, each.differ) for each in oracle.compare({"flights-routes": after})] == [(4, 0)]


ONE_DAY = ReplayOptions(first=date(2013, 2, 8), last=date(2013, 2, 8))


def compare_departures(change: Callable[[pl.DataFrame], pl.DataFrame]) -> Compared:
    """A day's departures as the replay publishes them, but for a change, against the files."""
    stream = streams(ONE_DAY.seed, ONE_DAY.first, ONE_DAY.last)[0]
    events = change(stream.events)
    logs = topic_logs()
    logs[stream.topic].append(
        RecordColumns.from_values(
            [value.encode() for value in stamped(stream.open_values(events), events["malformed"], 1)],
            keys=[str(number).encode() for number in events["id"]],
            topic=stream.topic,
        )
    )
    (wanted,) = (each for each in published(ONE_DAY) if each.topic == stream.topic)
    return Oracle(logs).compare_published(wanted, {0: len(events)})


def test_events_that_were_published_as_the_files_have_them_differ_in_nothing() -> None:
    compared = compare_departures(lambda events: events)
    assert compared.rows > 900
    assert compared.differ == 0, compared.examples


@pytest.mark.parametrize(
    ("change", "differ"),
    [
        (lambda events: events[:-1], "a row"),
        (lambda events: pl.concat([events, events[:1]]), "a row"),
        (lambda events: events.with_columns(delay=pl.col("delay").replace({7: 8})), "cells"),
        (lambda events: events.with_columns(malformed=pl.lit(value=True)), "cells"),
    ],
    ids=["lost", "repeated", "altered", "cut short"],
)
def test_an_event_that_is_not_as_in_the_files_differs(
    change: Callable[[pl.DataFrame], pl.DataFrame], differ: str
) -> None:
    compared = compare_departures(change)
    columns = compared.cells // compared.rows
    assert (compared.differ == columns) if differ == "a row" else (compared.differ > 0)
    assert compared.examples

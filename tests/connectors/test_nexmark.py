"""The nexmark connector: its events are those that the benchmark's specification describes, each by its number."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from connecting import read_all, source
from hypothesis import given, settings
from hypothesis import strategies as st

from riacho.dataflow.connectors import ConnectorEnvironment
from riacho.dataflow.sources.nexmark_events import EVENT_TYPE, FIELDS, Nexmark, Rates
from riacho.errors import RiachoError
from riacho.host import ManualClock

EVERYTHING = {EVENT_TYPE: (), **{row: tuple(fields) for row, fields in FIELDS.items()}}
DECLARED = {
    EVENT_TYPE: "INT",
    **{
        row: f"ROW<{', '.join(f'`{name}` {kind.name()}' for name, kind in fields.items())}>"
        for row, fields in FIELDS.items()
    },
}
COLUMNS = ", ".join(f"{name} {kind}" for name, kind in DECLARED.items())
OPTIONS = {"connector": "nexmark"}
ODD = Nexmark(persons=2, auctions=5, bids=4, rates=Rates(7, 13, "SINE", 20), seed=3)

PERIOD = 50
SAMPLE = 200 * PERIOD


@pytest.fixture(scope="module")
def events() -> pl.DataFrame:
    return Nexmark(rates=Rates(1000, 1000)).frame(EVERYTHING, 0, SAMPLE)


def rows(events: pl.DataFrame, name: str) -> pl.DataFrame:
    """The rows of one kind, with the event's number."""
    kept = events.with_row_index("event").filter(pl.col(name).is_not_null())
    return kept.select("event", name).unnest(name)


@settings(max_examples=60, deadline=None)
@given(
    nexmark=st.sampled_from([Nexmark(), ODD, Nexmark(persons=0), Nexmark(auctions=0), Nexmark(persons=3, bids=0)]),
    first=st.integers(0, 10**12),
    count=st.integers(1, 150),
    data=st.data(),
)
def test_an_event_depends_on_its_number_alone(nexmark: Nexmark, first: int, count: int, data: st.DataObject) -> None:
    whole = nexmark.frame(EVERYTHING, first, count)
    start = data.draw(st.integers(0, count - 1))
    length = data.draw(st.integers(1, count - start))
    chosen: Mapping[str, tuple[str, ...]] = data.draw(
        st.fixed_dictionaries(
            {},
            optional={
                row: st.lists(st.sampled_from(list(fields)), min_size=1, unique=True).map(tuple)
                for row, fields in FIELDS.items()
            },
        )
    )
    part = nexmark.frame(chosen, first + start, length)
    for row, fields in chosen.items():
        for field in fields:
            expected = whole[start : start + length].get_column(row).struct.field(field)
            assert part.get_column(row).struct.field(field).equals(expected, null_equal=True)


def test_a_source_goes_on_from_the_event_where_it_stopped() -> None:
    options = OPTIONS | {"events.num": "5000"}
    whole = pl.concat([batch.frame for batch in read_all(source(COLUMNS, options))])
    assert whole.height == 5000
    stopped = source(COLUMNS, options)
    before = stopped.poll(1234, 1, 0)
    assert before is not None
    resumed = source(COLUMNS, options)
    resumed.seek(stopped.positions())
    assert resumed.lag() == 5000 - 1234
    after = pl.concat([batch.frame for batch in read_all(resumed)])
    assert pl.concat([before.frame, after]).equals(whole)
    assert resumed.lag() == 0


def test_events_are_the_same_however_many_are_asked_for_at_once() -> None:
    options = OPTIONS | {"events.num": "40000"}
    whole = pl.concat([batch.frame for batch in read_all(source(COLUMNS, options))])
    cut = source(COLUMNS, options)
    parts = []
    for rows in itertools.cycle((1, 500, 20_000, 777)):
        if cut.finished:
            break
        batch = cut.poll(rows, 1, 0)
        assert batch is not None
        assert len(batch) <= rows
        parts.append(batch.frame)
    assert pl.concat(parts).equals(whole)


def test_seeds_differ_and_one_seed_is_the_same_always() -> None:
    first, again, other = (Nexmark(seed=seed).frame(EVERYTHING, 0, 500) for seed in (1, 1, 2))
    assert first.equals(again)
    for row in FIELDS:
        numbers = first.get_column(row).struct.field("extra")
        assert not numbers.equals(other.get_column(row).struct.field("extra"))


def test_a_known_event_is_still_the_same() -> None:
    person, auction, bid = (Nexmark().frame(EVERYTHING, number, 1).rows()[0] for number in (0, 1, 4))
    assert (person[1]["name"], person[1]["creditCard"]) == ("Saul White", "7094 8295 9351 8034")
    assert (auction[2]["itemName"], auction[2]["initialBid"], auction[2]["category"]) == ("ss vsjnwyti", 133, 11)
    assert (bid[3]["price"], bid[3]["channel"]) == (30141542, "Facebook")


def test_each_period_has_a_person_three_auctions_and_forty_six_bids(events: pl.DataFrame) -> None:
    kinds = events.get_column(EVENT_TYPE).to_numpy().reshape(-1, PERIOD)
    assert (kinds == np.array([0] + [1] * 3 + [2] * 46)).all()
    for kind, row in enumerate(FIELDS):
        assert (events.get_column(row).is_not_null() == (events.get_column(EVENT_TYPE) == kind)).all()


def test_proportions_are_those_of_the_options() -> None:
    options = OPTIONS | {
        "events.num": "110",
        "person.proportion": "2",
        "auction.proportion": "5",
        "bid.proportion": "4",
    }
    kinds = pl.concat([batch.frame for batch in read_all(source("event_type INT", options))])
    assert kinds.get_column(EVENT_TYPE).to_list() == ([0] * 2 + [1] * 5 + [2] * 4) * 10


def test_people_and_auctions_are_numbered_without_a_gap(events: pl.DataFrame) -> None:
    for row, count in (("person", 200), ("auction", 600)):
        assert rows(events, row).get_column("id").to_list() == list(range(1000, 1000 + count))


def test_bids_are_on_auctions_and_by_people_that_are_known_or_soon_will_be(events: pl.DataFrame) -> None:
    for row, column, known, ahead, newest in (
        ("bid", "auction", "auction", 10, 101),
        ("bid", "bidder", "person", 10, 1000),
        ("auction", "seller", "person", 10, 1000),
    ):
        made = rows(events, known).select("event", last="id")
        joined = rows(events, row).join_asof(made, on="event")
        assert joined.get_column(column).min() >= 1000  # type: ignore[operator]
        assert (joined.get_column(column) <= joined.get_column("last") + ahead).all()
        hot = joined.get_column(column) % 100 <= 1
        assert (hot | (joined.get_column(column) >= joined.get_column("last") - newest)).all()


def test_hot_auctions_bidders_and_sellers_have_their_share() -> None:
    events = Nexmark().frame(EVERYTHING, 100_000, SAMPLE)
    bids, auctions = rows(events, "bid"), rows(events, "auction")
    hot_auctions = bids.get_column("auction") % 100 == 0
    hot_bidders = bids.get_column("bidder") % 100 == 1
    hot_sellers = auctions.get_column("seller") % 100 == 0
    assert 0.48 < hot_auctions.mean() < 0.53  # type: ignore[operator]
    assert 0.73 < hot_bidders.mean() < 0.78  # type: ignore[operator]
    assert 0.70 < hot_sellers.mean() < 0.80  # type: ignore[operator]


def test_prices_are_as_many_in_each_decade(events: pl.DataFrame) -> None:
    prices = rows(events, "bid").get_column("price")
    assert prices.min() >= 100  # type: ignore[operator]
    assert prices.max() <= 100_000_000  # type: ignore[operator]
    counts = np.histogram(np.log10(prices.to_numpy()), bins=6, range=(2, 8))[0]
    assert (abs(counts - len(prices) / 6) < len(prices) * 0.02).all()
    auctions = rows(events, "auction")
    assert (auctions.get_column("reserve") > auctions.get_column("initialBid")).all()
    assert set(auctions.get_column("category").unique()) == {10, 11, 12, 13, 14}


def test_events_are_as_long_as_the_options_say(events: pl.DataFrame) -> None:
    for row, average in (("person", 200), ("auction", 500), ("bid", 100)):
        table = rows(events, row)
        texts = [
            name
            for name, kind in FIELDS[row].items()
            if kind.name() == "STRING" and name not in ("channel", "url")  # which the estimate counts as 8 bytes
        ]
        numbers = 8 if row == "person" else 8 * 6 if row == "auction" else 8 * 4
        sizes = table.select(pl.sum_horizontal(pl.col(name).str.len_bytes() for name in texts)).to_series() + numbers
        assert abs(sizes.mean() - average) < 0.02 * average  # type: ignore[operator]
        assert sizes.min() >= 0.75 * average  # type: ignore[operator]


def test_texts_look_as_specified(events: pl.DataFrame) -> None:
    people, auctions, bids = (rows(events, row) for row in FIELDS)
    for table, column, pattern in (
        (people, "emailAddress", r"^[a-z ]{0,6}@[a-z ]{0,4}\.com$"),
        (people, "creditCard", r"^\d{4}( \d{4}){3}$"),
        (people, "name", r"^[A-Z][a-z]+ [A-Z][a-z]+$"),
        (auctions, "itemName", r"^[a-z ]{0,19}$"),
        (auctions, "description", r"^[a-z ]{0,99}$"),
        (bids, "extra", r"^[a-z]{54,81}$"),
        (
            bids,
            "url",
            r"^https://www\.nexmark\.com/[a-z_]{3,4}/[a-z_]{3,4}/[a-z_]{3,4}/item\.htm\?query=1(&channel_id=\d+)?$",
        ),
    ):
        assert table.get_column(column).str.contains(pattern).all(), column
    for table, column in ((auctions, "itemName"), (auctions, "description")):
        assert not table.get_column(column).str.contains(r"^ | $").any()
    assert people.get_column("city").n_unique() == 10
    assert people.get_column("state").n_unique() == 6


def test_half_of_the_bids_come_by_four_channels_and_most_others_name_theirs_in_the_address(
    events: pl.DataFrame,
) -> None:
    bids = rows(events, "bid")
    hot = bids.get_column("channel").is_in(["Google", "Facebook", "Baidu", "Apple"])
    assert 0.48 < hot.mean() < 0.52  # type: ignore[operator]
    others = bids.filter(~hot)
    assert others.get_column("channel").str.contains(r"^channel-\d{1,4}$").all()
    assert not bids.filter(hot).get_column("url").str.contains("channel_id").any()
    named = others.get_column("url").str.contains("channel_id")
    assert 0.87 < named.mean() < 0.93  # type: ignore[operator]
    assert bids.group_by("channel").agg(pl.col("url").n_unique()).get_column("url").max() == 1


def test_times_follow_the_rate_and_auctions_last_until_a_hundred_more_have_begun(events: pl.DataFrame) -> None:
    times = pl.concat([rows(events, row).select("event", "dateTime") for row in FIELDS]).sort("event")
    begin = datetime(2015, 7, 15, tzinfo=UTC).replace(tzinfo=None)
    assert times.get_column("dateTime").to_list() == [begin + timedelta(milliseconds=n) for n in range(SAMPLE)]
    auctions = rows(events, "auction")
    lasting = (auctions.get_column("expires") - auctions.get_column("dateTime")).dt.total_milliseconds()
    horizon = 100 * PERIOD // 3
    assert lasting.min() >= 1  # type: ignore[operator]
    assert lasting.max() <= 2 * horizon  # type: ignore[operator]
    assert abs(lasting.mean() - horizon) < 0.1 * horizon  # type: ignore[operator]


def test_rates_alternate_over_the_period() -> None:
    square = Nexmark(rates=Rates(10, 20, "SQUARE", 20), base_time_ms=0)
    moments = [square.time_ms(number) for number in (0, 1, 99, 100, 101, 299, 300, 301)]
    assert moments == [0, 100, 9_900, 10_000, 10_050, 19_950, 20_000, 20_100]
    sine = Nexmark(rates=Rates(10, 20, "SINE", 100), base_time_ms=0)
    seconds = [sine.time_ms(number) // 1000 for number in range(1500)]
    assert seconds == sorted(seconds)
    assert seconds.count(5) == 10
    assert seconds.count(55) == 20
    assert seconds[-1] == 99


def test_a_base_time_moves_all_times() -> None:
    options = OPTIONS | {"events.num": "1", "riacho.base-time": "2026-01-01 12:00:00"}
    (batch,) = read_all(source("person ROW<`dateTime` TIMESTAMP(3)>", options))
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC).replace(tzinfo=None)
    assert batch.frame.rows() == [({"dateTime": noon},)]


def test_events_come_when_they_are_due_if_they_are_to() -> None:
    clock, called = ManualClock(), threading.Event()
    environment = ConnectorEnvironment(clock=clock, on_arrival=called.set)
    options = OPTIONS | {"first-event.rate": "10", "next-event.rate": "10", "max-emit-speed": "false"}
    opened = source("event_type INT", options, environment)
    assert len(opened.poll(100, 1, 0) or ()) == 1
    assert opened.poll(100, 1, 0) is None
    assert called.wait(20)
    clock.advance(1_000)
    assert len(opened.poll(100, 1, 0) or ()) == 10
    assert opened.lag() is None
    opened.close()


def test_a_table_that_is_kept_alive_does_not_finish() -> None:
    opened = source("event_type INT", OPTIONS | {"events.num": "9", "stop-at": "5", "keep-alive": "true"})
    assert len(opened.poll(100, 1, 0) or ()) == 5
    assert opened.poll(100, 1, 0) is None
    assert not opened.finished
    assert not opened.finished_splits


@pytest.mark.parametrize(
    ("columns", "options", "complaint"),
    [
        ("event_type BIGINT", {}, "column 'event_type' has the type INT, not BIGINT"),
        ("person STRING", {}, "column 'person' is a ROW, not STRING"),
        ("persons ROW<id BIGINT>", {}, "events have no column 'persons'"),
        ("bid ROW<cost BIGINT>", {}, "a bid has no field 'cost'"),
        ("bid ROW<price INT>", {}, "column 'bid.price' has the type BIGINT, not INT"),
        ("ts TIMESTAMP(3) METADATA", {}, "nexmark has no metadata column 'ts'"),
        ("event_type INT", {"rate.shape": "ROUND"}, "'rate.shape' is 'ROUND', but must be 'SQUARE' or 'SINE'"),
        ("event_type INT", {"first-event.rate": "0"}, "a whole number of at least 1"),
        ("event_type INT", {"bid.avg-size": "big"}, "a size such as '128MB'"),
        ("event_type INT", {"riacho.base-time": "noon"}, "a time such as '2015-07-15 00:00:00'"),
        ("event_type INT", {"riacho.bad-records": "dead-letter"}, "a generated row has no topic"),
        (
            "event_type INT",
            {"person.proportion": "0", "auction.proportion": "0", "bid.proportion": "0"},
            "all proportions are 0",
        ),
    ],
)
def test_wrong_options_and_columns_are_told(columns: str, options: dict[str, str], complaint: str) -> None:
    with pytest.raises(RiachoError) as raised:
        source(columns, OPTIONS | options)
    assert complaint in str(raised.value)

"""What the topics of events must hold: the year's tables, as the replay's seed made events of them.

The jobs' results are compared with a batch over what the topics hold. Only with this they are compared with the files:
an event that was lost on its way would be missing from both.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from riacho.demo.check.evidence import BROKEN, MOMENT, WHOLE, Columns
from riacho.demo.check.results import EVENTS
from riacho.demo.events import Stream, streams
from riacho.demo.replay_options import ReplayOptions
from riacho.demo.tables import read_table
from riacho.demo.topics import EVENT_PARTITIONS

KEY = "key"
WHEN = "published_ms"
"""The machine time of a publication: the only thing about an event that is not known beforehand."""

PLACED: Columns = {KEY: pl.String, "part": pl.Int64, "state": pl.Int8}


@dataclass(frozen=True, slots=True)
class Published:
    """A topic's records as they must be: by `key`, in which partition and state, and the fields of the whole ones."""

    topic: str
    columns: Columns
    records: pl.DataFrame


def published(options: ReplayOptions) -> list[Published]:
    """All that a replay with these options publishes, and that the jobs read."""
    airlines = read_table("airlines").select(
        pl.struct("carrier").struct.json_encode().alias(KEY),
        pl.lit(0, pl.Int64).alias("part"),
        pl.lit(WHOLE, pl.Int8).alias("state"),
        "carrier",
        "name",
    )
    dimensions = [Published("flights.airlines", {**PLACED, **EVENTS["flights.airlines"]}, airlines)]
    return dimensions + [_events(stream) for stream in streams(options.seed, options.first, options.last)]


def _events(stream: Stream) -> Published:
    columns = {name: kind for name, kind in EVENTS[stream.topic].items() if name != WHEN}
    whole = ~pl.col("malformed")
    return Published(
        stream.topic,
        {**PLACED, **columns},
        stream.events.select(
            pl.col("id").cast(pl.String).alias(KEY),
            (pl.col("id") % EVENT_PARTITIONS[stream.topic]).cast(pl.Int64).alias("part"),
            pl.when(whole).then(WHOLE).otherwise(BROKEN).cast(pl.Int8).alias("state"),
            *(pl.when(whole).then(_field(name, kind)).alias(name) for name, kind in columns.items()),
        ),
    )


def _field(name: str, kind: pl.DataType | type[pl.DataType]) -> pl.Expr:
    """An event's field as its JSON is read again."""
    return pl.col(name).dt.replace_time_zone(None).cast(MOMENT) if kind == MOMENT else pl.col(name).cast(kind)

"""What was published and what the jobs made of it, as it stands in the topics: read with the client, decoded apart.

Nothing here uses the engine's own formats: an oracle that shared the decoder would share its errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

from riacho.client.columns import RecordColumns

MOMENT_FORMAT = "%Y-%m-%d %H:%M:%S%.f"

MOMENT = pl.Datetime("us")

Columns = Mapping[str, pl.DataType | type[pl.DataType]]


@dataclass(slots=True)
class TopicLog:
    """A topic's records so far: part, off, key and value, both as text."""

    frames: list[pl.DataFrame] = field(default_factory=list)

    def append(self, columns: RecordColumns) -> None:
        self.frames.append(
            pl.DataFrame(
                {
                    "part": pl.repeat(columns.partition, len(columns), dtype=pl.Int64, eager=True),
                    "off": columns.offset,
                    "key": _texts(columns.key),
                    "value": _texts(columns.value),
                }
            )
        )

    def records(self, before: dict[int, int]) -> pl.DataFrame:
        """The records below an offset per partition, in order."""
        everything = self._joined()
        bounds = pl.DataFrame(
            {"part": list(before), "bound": list(before.values())}, {"part": pl.Int64, "bound": pl.Int64}
        )
        below = everything.join(bounds, on="part", maintain_order="left").filter(pl.col("off") < pl.col("bound"))
        return below.drop("bound")

    def newest(self, before: dict[int, int]) -> pl.DataFrame:
        """The newest record of each key below an offset per partition, tombstones left out; forgets what they hid."""
        kept = self.records(before).unique("key", keep="last", maintain_order=True)
        everything = self._joined()
        later = everything.join(self.records(before).select("part", "off"), on=["part", "off"], how="anti")
        self.frames = [kept, later]
        return kept.filter(pl.col("value").is_not_null())

    def _joined(self) -> pl.DataFrame:
        schema = {"part": pl.Int64, "off": pl.Int64, "key": pl.String, "value": pl.String}
        joined = pl.concat([pl.DataFrame(schema=schema), *self.frames])
        self.frames = [joined]
        return joined


def decoded(records: pl.DataFrame, columns: Columns) -> pl.DataFrame:
    """part, off and the JSON fields of each record; what is no JSON is left out."""
    valid = records.filter(is_json(records["value"]))
    fields = [pl.Field(name, pl.String if kind == MOMENT else kind) for name, kind in columns.items()]
    rows = valid.select("part", "off", pl.col("value").str.json_decode(pl.Struct(fields)).alias("row")).unnest("row")
    moments = [name for name, kind in columns.items() if kind == MOMENT]
    return rows.with_columns(pl.col(name).str.to_datetime(MOMENT_FORMAT, time_unit="us") for name in moments)


def is_json(values: pl.Series) -> pl.Series:
    """Which values are whole JSON objects, as far as the demo breaks them: it cuts their end off."""
    return (values.str.starts_with("{") & values.str.ends_with("}")).fill_null(value=False)


def _texts(column: Iterable[bytes | None]) -> list[str | None]:
    return [None if content is None else content.decode() for content in column]

"""What was published and what the jobs made of it, as it stands in the topics: read with the client, decoded apart.

Nothing here uses the engine's own formats: an oracle that shared the decoder would share its errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

from riacho.client.columns import RecordColumns

MOMENT = pl.Datetime("us")
MOMENT_FORMAT = "%Y-%m-%d %H:%M:%S%.f"

Columns = Mapping[str, pl.DataType | type[pl.DataType]]

Bounds = Mapping[int, int]
"""An offset per partition: the records below it are meant."""

PLACE = {"part": pl.Int64, "off": pl.Int64, "key": pl.String, "state": pl.Int8}
WHOLE, BROKEN, TOMBSTONE = 0, 1, 2
"""The `state` of a record: a JSON object, something else, or no value at all."""


@dataclass(slots=True)
class TopicLog:
    """A topic's records so far: `PLACE`, then the fields of the JSON value by `columns`; each is decoded once."""

    columns: Columns
    frames: list[pl.DataFrame] = field(default_factory=list)
    _parts: list[int] = field(default_factory=list)
    _offsets: list[int] = field(default_factory=list)
    _keys: list[str | None] = field(default_factory=list)
    _values: list[str | None] = field(default_factory=list)
    """What was not decoded yet: decoding a few records costs as much as a few hundred."""

    def append(self, records: RecordColumns) -> None:
        """Keep records until somebody asks for them."""
        self._parts += [records.partition] * len(records)
        self._offsets += records.offset.tolist()
        self._keys += _texts(records.key)
        self._values += _texts(records.value)

    def _decode(self) -> None:
        """Decode what was appended."""
        placed = pl.DataFrame(
            {"part": self._parts, "off": self._offsets, "key": self._keys, "value": self._values},
            {"part": pl.Int64, "off": pl.Int64, "key": pl.String, "value": pl.String},
        )
        self._parts, self._offsets, self._keys, self._values = [], [], [], []
        value = pl.col("value")
        # The demo breaks a record by cutting its end off, so this tells whole objects from broken ones.
        whole = value.str.starts_with("{") & value.str.ends_with("}")
        state = pl.when(value.is_null()).then(TOMBSTONE).when(whole).then(WHOLE).otherwise(BROKEN)
        self.frames.append(self._decoded(placed.with_columns(state=state.cast(pl.Int8))))

    def _decoded(self, placed: pl.DataFrame) -> pl.DataFrame:
        """The columns of the values in place of their texts; what only looked whole becomes `BROKEN`."""
        fields = [pl.Field(name, pl.String if kind == MOMENT else kind) for name, kind in self.columns.items()]
        whole = pl.when(pl.col("state") == WHOLE).then("value")
        try:
            rows = placed.with_columns(whole.str.json_decode(pl.Struct(fields)).alias("row"))
        except pl.exceptions.ComputeError:  # somebody wrote what is no such object: find it by halving
            if placed.height > 1:
                half = placed.height // 2
                return pl.concat([self._decoded(placed[:half]), self._decoded(placed[half:])])
            return self._decoded(placed.with_columns(state=pl.lit(BROKEN, pl.Int8)))
        moments = [name for name, kind in self.columns.items() if kind == MOMENT]
        return (
            rows.drop("value")
            .unnest("row")
            .with_columns(pl.col(name).str.to_datetime(MOMENT_FORMAT, time_unit="us", strict=False) for name in moments)
        )

    def below(self, bounds: Bounds) -> pl.DataFrame:
        """The records below an offset per partition, in order, broken ones and tombstones too."""
        return self._joined().filter(_is_below(bounds))

    def newest(self, bounds: Bounds) -> pl.DataFrame:
        """The newest record of each key below an offset per partition, tombstones left out; forgets what they hid.

        A key whose newest record is broken stays, with nulls.
        """
        everything = self._joined()
        is_below = _is_below(bounds)
        kept = everything.filter(is_below).unique("key", keep="last", maintain_order=True)
        self.frames = [kept, everything.filter(~is_below)]
        return kept.filter(pl.col("state") != TOMBSTONE)

    def _joined(self) -> pl.DataFrame:
        if self._parts:
            self._decode()
        if len(self.frames) != 1:
            self.frames = [pl.concat([pl.DataFrame(schema={**PLACE, **self.columns}), *self.frames])]
        return self.frames[0]


def _is_below(bounds: Bounds) -> pl.Expr:
    return pl.any_horizontal(
        pl.lit(value=False), *((pl.col("part") == part) & (pl.col("off") < bound) for part, bound in bounds.items())
    )


def _texts(column: Iterable[bytes | None]) -> list[str | None]:
    return [None if content is None else content.decode(errors="replace") for content in column]

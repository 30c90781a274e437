"""OVER in another order than that of time: a row that comes or goes changes what the rows behind it have.

Flink: OverAggregate (NonTimeRangeUnboundedPrecedingFunction, NonTimeRowsUnboundedPrecedingFunction). Delta rule: for
each partition that a pass touched, −(a row with its old results) +(with its new ones) where they differ, − for rows
that went, + for those that came.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from riacho.dataflow.batch import Batch, Int64Array
from riacho.dataflow.columns import polars_schema
from riacho.dataflow.expressions import Settings
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.operators.over_frames import framed
from riacho.dataflow.operators.over_kinds import over_calls
from riacho.dataflow.state.expiry import Expiry
from riacho.dataflow.state.key_index import KeyIndex
from riacho.dataflow.state.partitioned_rows import PartitionedRows
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.state.strings import StringPool
from riacho.dataflow.state.words import RowCodec
from riacho.plan.relations import FrameUnit, Over, Schema

BoolArray = npt.NDArray[np.bool_]

NO_ROWS = np.empty(0, np.int64)


class _Rows(NamedTuple):
    """Rows of touched partitions: those that are kept, in their order, then those of the pass.

    `frame` has the input's fields; `partitions` are places among the touched ones.
    """

    frame: pl.DataFrame
    signs: npt.NDArray[np.int8]
    partitions: Int64Array
    arrivals: Int64Array


class OrderedOverOperator:
    """Keeps every row with its results, by partition and in order; rows that are equal in order are by arrival.

    A touched partition is computed anew, so a pass costs as much as the partitions that it touches have rows. Of equal
    rows the one that came first goes first. Partitions whose time to live is over are forgotten whole.
    """

    def __init__(self, relation: Over, settings: Settings) -> None:
        below = relation.input.schema
        self._relation = relation
        self._schema = relation.schema
        self._fields = below.fields
        self._rows = PartitionedRows(below, relation.partition, self._schema.fields)
        self._expiry = Expiry(settings.clock, settings.state_ttl_ms)

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        (batch,) = inputs
        self._expiry.begin()
        self._forget(self._expiry.sweep(self._rows.partition_slots))
        output = self._changes(batch) if len(batch) else empty_batch(self._schema, batch.watermark)
        self._rows.end_pass()
        return output

    def _changes(self, batch: Batch) -> Batch:
        touched, partitions = np.unique(self._partitions(batch), return_inverse=True)
        places, slots = self._rows.rows_of(touched)
        kept = self._rows.store.frame(slots)
        rows = _Rows(
            pl.concat([kept.select(kept.columns[: len(self._fields)]), batch.frame]),
            np.concatenate((np.ones(len(slots), np.int8), batch.signs())),
            np.concatenate((places, partitions)),
            np.concatenate((self._rows.arrivals[slots], self._rows.number(len(batch)))),
        )
        now = self._in_order(rows, self._stay(rows))
        shown = rows.frame[now].hstack(self._results(rows, now))
        # A row that stays, with the same results, is not told again.
        told = np.ones(len(now), np.bool_)
        known = now < len(slots)
        told[known] = self._differ(kept[now[known]], shown.filter(pl.Series(known)))
        over = np.ones(len(slots), np.bool_)
        over[now[~told]] = False
        moments = np.zeros(len(touched), np.int64)
        np.maximum.at(moments, partitions, batch.sequence)
        output = self._emit(batch, rows, moments, (kept, np.flatnonzero(over)), (shown, now, np.flatnonzero(told)))
        self._rows.store.release(slots[over])
        after = np.empty(len(now), np.int64)
        after[~told] = slots[now[~told]]
        after[told] = self._rows.keep(shown.filter(pl.Series(told)), rows.arrivals[now[told]])
        self._rows.chain(touched, rows.partitions[now], after)
        self._forget_partitions(self._rows.without_rows(touched))
        return output

    def _partitions(self, batch: Batch) -> Int64Array:
        """The slots of the rows' partitions."""
        if self._expiry:
            self._forget(self._expiry.stale(self._rows.known(batch.frame)))
        partitions = self._rows.find(batch.frame)
        self._expiry.write(partitions, self._rows.partition_slots)
        return partitions

    def _stay(self, rows: _Rows) -> Int64Array:
        """The rows that are there after the pass: each that goes takes the first of its equals along."""
        stays = rows.signs > 0
        if not stays.all():
            codec = RowCodec(self._fields, StringPool())
            equals, _ = KeyIndex(codec.width).upsert(codec.encode(rows.frame.get_columns(), rows.frame.height))
            takes = np.bincount(equals[~stays], minlength=int(equals.max()) + 1)
            added = np.flatnonzero(stays)
            added = added[np.argsort(equals[added], kind="stable")]
            groups = equals[added]
            numbers = np.arange(len(groups)) - np.searchsorted(groups, groups)
            stays[added[numbers < takes[groups]]] = False
        return np.flatnonzero(stays)

    def _in_order(self, rows: _Rows, chosen: Int64Array) -> Int64Array:
        """These rows by partition, order and arrival."""
        (key,) = self._relation.order
        frame = pl.DataFrame(
            {
                "row": chosen,
                "partition": rows.partitions[chosen],
                "value": rows.frame.to_series(key.column)[chosen],
                "arrival": rows.arrivals[chosen],
            }
        ).sort("partition", "value", "arrival", nulls_last=[False, not key.nulls_first, False])
        order: Int64Array = frame.to_series().to_numpy()
        return order

    def _results(self, rows: _Rows, now: Int64Array) -> pl.DataFrame:
        """What the calls give for each row, over all rows of its partition up to it."""
        names = self._schema.names[len(self._fields) :]
        if not len(now):
            return pl.DataFrame(schema=polars_schema(Schema(self._schema.fields[len(self._fields) :])))
        frame, (key,) = rows.frame[now], self._relation.order
        values = frame.to_series(key.column)
        peers = values.ne_missing(values.shift()).cum_sum().cast(pl.Int64).to_numpy()
        ranged = self._relation.frame.unit is FrameUnit.RANGE
        every = np.ones(len(now), np.bool_)
        frames = framed(frame, rows.partitions[now], peers, every, self._relation.frame, peers=ranged)
        results: dict[int, pl.Series] = {}
        for places, call in over_calls(self._relation, StringPool()):
            results |= dict(zip(places, call.values(frames), strict=True))
        return pl.DataFrame([results[place].alias(name) for place, name in enumerate(names)])

    def _differ(self, before: pl.DataFrame, after: pl.DataFrame) -> BoolArray:
        """Which rows have other results than before."""
        differ = np.zeros(before.height, np.bool_)
        for place in range(len(self._fields), len(self._schema)):
            differ |= before.to_series(place).ne_missing(after.to_series(place)).to_numpy()
        return differ

    def _emit(
        self,
        batch: Batch,
        rows: _Rows,
        moments: Int64Array,
        before: tuple[pl.DataFrame, Int64Array],
        after: tuple[pl.DataFrame, Int64Array, Int64Array],
    ) -> Batch:
        """− the kept rows that are over, + the shown ones that are told; those of a partition at its last moment."""
        (kept, over), (shown, now, told) = before, after
        if not len(over) and not len(told):
            return empty_batch(self._schema, batch.watermark)
        origins = np.concatenate((over, now[told]))
        partitions = rows.partitions[origins]
        diff = np.repeat(np.array([-1, 1], np.int8), [len(over), len(told)])
        place_of = np.full(len(rows.partitions), -1, np.int64)
        place_of[now] = np.arange(len(now))
        order = np.lexsort((diff, place_of[origins], partitions, moments[partitions]))
        changes = pl.concat([kept[over], shown[told]])[order]
        diff = diff[order]
        return Batch(changes, moments[partitions][order], batch.watermark, diff if len(over) else None)

    def _forget(self, partitions: Int64Array) -> None:
        """Let go of partitions whose time is over; what they gave stays as it is, as in Flink."""
        if not len(partitions):
            return
        _, slots = self._rows.rows_of(partitions)
        self._rows.chain(partitions, NO_ROWS, NO_ROWS)
        self._rows.store.release(slots)
        self._forget_partitions(partitions)

    def _forget_partitions(self, partitions: Int64Array) -> None:
        self._rows.forget(partitions)
        self._expiry.forget(partitions)

    def snapshot(self) -> StateArrays:
        expiry = self._expiry.snapshot(self._rows.partition_slots)
        return {**prefixed("rows", self._rows.snapshot()), **prefixed("expiry", expiry)}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._rows.restore(section("rows", state))
        self._expiry.restore(section("expiry", state), self._rows.live())

    @property
    def state_bytes(self) -> int:
        return self._rows.bytes + self._expiry.bytes

    @property
    def late_rows(self) -> int:
        return 0

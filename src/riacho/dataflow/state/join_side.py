"""One input of a join: its rows by slot, and what the join knows of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import Batch
from riacho.dataflow.operator import StateArrays
from riacho.dataflow.state.arena import Growable
from riacho.dataflow.state.expiry import Expiry
from riacho.dataflow.state.row_index import RowIndex
from riacho.dataflow.state.rows import NO_SLOTS, RowStore
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.plan.relations import Schema

Int64Array = npt.NDArray[np.int64]


class Taken(NamedTuple):
    """A pass's rows: the slot of each, which equal ones share, and the slots that were not needed after all."""

    rows: Int64Array
    spare: Int64Array


class LinkedRows:
    """Rows of a store, of each of which kernels know so many `columns`."""

    def __init__(self, store: RowStore, columns: int) -> None:
        self.store = store
        self._links = Growable(np.int64, width=columns)
        self._links.reserve(1)

    @property
    def links(self) -> Int64Array:
        """What the kernels know of each row; replaced when a pass's rows come."""
        values: Int64Array = self._links.values
        return values


class JoinSide(LinkedRows):
    """The rows of one input.

    Rows that may be retracted are found by their whole content, and equal ones are one that occurs several times;
    rows that are only added are kept one by one.
    """

    def __init__(self, schema: Schema, expiry: Expiry, columns: int, *, updating: bool) -> None:
        super().__init__(RowStore(schema.fields), columns)
        self.expiry = expiry
        self._index = RowIndex(self.store) if updating else None

    @property
    def written(self) -> Int64Array:
        """When each row was last written to; empty where rows live for ever."""
        return self.expiry.written(self.store.slots_used)

    @property
    def bytes(self) -> int:
        index = 0 if self._index is None else self._index.bytes
        return self.store.bytes + self._links.bytes + self.expiry.bytes + index

    def take(self, batch: Batch) -> Taken:
        """Give a pass's rows their slots."""
        store, index = self.store, self._index
        spare = NO_SLOTS
        if not len(batch.sequence):
            return Taken(NO_SLOTS, NO_SLOTS)
        if index is None:
            rows = store.keep(batch.rows)
        else:
            slots = store.stage(batch.rows)
            rows = index.upsert(slots)
            new = rows == slots
            store.settle(slots[new])
            spare = slots[~new]
        self._links.reserve(store.slots_used)
        return Taken(rows, spare)

    def release(self, gone: Int64Array, spare: Int64Array = NO_SLOTS) -> None:
        """Forget rows that occur no more, each given once, and slots that held none."""
        if len(gone):
            if self._index is not None:
                self._index.remove(gone)
            self.store.release(gone)
            self.expiry.forget(gone)
        if len(spare):
            self.store.release(spare)

    def snapshot(self) -> StateArrays:
        used = self.store.slots_used
        return {
            **prefixed("rows", self.store.snapshot()),
            "links": self._links.copy(used),
            **prefixed("expiry", self.expiry.snapshot(used)),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self.store.restore(section("rows", state))
        self._links.load(state["links"])
        self.expiry.restore(section("expiry", state), self.store.live())
        if self._index is not None:
            self._index.rebuild()


class SameRows(LinkedRows):
    """An input with the same rows as a side that keeps them: of each the join knows columns of its own for it."""

    def __init__(self, side: JoinSide, columns: int) -> None:
        super().__init__(side.store, columns)

    @property
    def bytes(self) -> int:
        return self._links.bytes

    def follow(self, taken: Taken) -> Taken:
        """The slots of a pass's rows, which the side has taken."""
        self._links.reserve(self.store.slots_used)
        return Taken(taken.rows, NO_SLOTS)

    def snapshot(self) -> StateArrays:
        return {"links": self._links.copy(self.store.slots_used)}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._links.load(state["links"])

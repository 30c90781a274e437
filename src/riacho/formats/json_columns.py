"""The columns of a batch of JSON objects: those that a kernel fills, and those made of the texts that it finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import polars as pl

from riacho.formats import arrow, values
from riacho.formats.decoding import Bytes, Int64Array, Scratch, Spans, check_size
from riacho.formats.fields import Field, FieldType, Kind
from riacho.formats.json_location import Located, Plan, elements_of
from riacho.formats.values import Failures, Rules, Target, Texts, ValueColumn, convert, report
from riacho.kernels import json_targets, tokens


class Memory:
    """Where the values of a batch go: one piece of memory for all columns, as a column for itself costs its calls."""

    def __init__(self, plan: Plan, builders: Sequence[Builder]) -> None:
        slots = len(plan.slot_end)
        self._template = plan.targets()
        self._bytes = np.zeros(slots, np.int64)
        self.filled: dict[int, _FilledBuilder] = {}
        """The columns that the kernel fills, by their slots."""
        self.located: list[_LocatedBuilder] = []
        """Those whose values it only finds."""
        for builder in builders:
            builder.describe(self)
        self._before = np.concatenate((np.zeros(1, np.int64), np.cumsum(self._bytes)))
        self._statuses = int(self._before[-1]) + np.arange(slots)

    def describe(self, slot: int, aimed: Sequence[int], value_bytes: int) -> None:
        """Say what the kernel is to do with the values of a slot."""
        self._template[slot, _DESCRIBED] = aimed
        self._bytes[slot] = value_bytes

    def lend(self, data: Bytes, rows: int, target: Target) -> Batch:
        """Memory of zeros for a batch of so many rows, whose texts are in `data`."""
        room = max(-(-rows // _ALIGNED_ROWS), 1) * _ALIGNED_ROWS
        memory = np.zeros(room * (int(self._before[-1]) + len(self._bytes)), np.uint8)
        targets = self._template.copy()
        address = arrow.address_of(memory)
        values, statuses = room * self._before[:-1], room * self._statuses
        targets[:, json_targets.VALUES] = address + values
        targets[:, json_targets.STATUS] = address + statuses
        return Batch(
            data,
            rows,
            target,
            memory,
            address,
            values.tolist(),
            statuses.tolist(),
            self._bytes,
            targets,
            [0] * len(self._bytes),
            _Texts(data),
        )


_ALIGNED_ROWS = 16
"""Columns begin at multiples of so many values: Arrow asks for views that are aligned."""

_DESCRIBED = [json_targets.ACTION, json_targets.SHIFT, json_targets.LEAST, json_targets.GREATEST, json_targets.UNIT]


class _Texts:
    """The buffer that views of a batch point into, as the columns of strings have it."""

    __slots__ = ("addresses", "buffers")

    def __init__(self, data: Bytes) -> None:
        self.buffers = (data, np.array([len(data)], np.int64))
        self.addresses = tuple([arrow.address_of(buffer) for buffer in self.buffers])


@dataclass(slots=True)  # not frozen, as columns are not
class Batch:
    """The columns of one batch while they are filled: where in `memory` each slot's values and statuses are.

    `others` counts the rows of each slot that hold no value.
    """

    data: Bytes
    rows: int
    target: Target
    memory: Bytes
    address: int
    values: Sequence[int]
    statuses: Sequence[int]
    bytes: Int64Array
    first_targets: Int64Array
    others: list[int]
    texts: _Texts

    def status(self, slot: int) -> Bytes:
        """What has become of each row's value of a slot."""
        start = self.statuses[slot]
        return self.memory[start : start + self.rows]

    def valid(self, slot: int) -> tuple[arrow.BoolArray | None, int]:
        """Which rows have a value (None: all), and the address of that."""
        if not self.others[slot]:
            return None, 0
        return self.status(slot).view(np.bool_), self.address + self.statuses[slot]

    def targets(self, first: int) -> Int64Array:
        """A table for the kernel that fills the rows from `first` on."""
        if first == 0:
            return self.first_targets
        targets = self.first_targets.copy()
        targets[:, json_targets.VALUES] += first * self.bytes
        targets[:, json_targets.STATUS] += first
        return targets


class Builder(Protocol):
    """A field's column of one batch after another."""

    def describe(self, memory: Memory) -> None:
        """Say what the kernel is to do with the values of its slots."""
        ...

    def finish(self, batch: Batch) -> arrow.Column: ...


class _FilledBuilder(Builder, Protocol):
    """One whose column the kernel fills, but for some rows."""

    def settle(self, located: Located, first: int, batch: Batch) -> None:
        """Do what the kernel has left to do in the rows of a chunk, from `first` on."""
        ...


class _LocatedBuilder(Builder, Protocol):
    """One whose column grows by the rows of a chunk."""

    def begin(self, batch: Batch) -> None: ...

    def take(self, located: Located, first: int) -> None: ...


def builder_of(item: Field, path: tuple[str, ...], plan: Plan, rules: Rules) -> Builder:
    """What makes the columns of a field."""
    slot = plan.slots[path]
    match item.type.kind:
        case Kind.ROW:
            children = [
                (child.name, builder_of(child, (*path, child.name), plan, rules)) for child in item.type.children
            ]
            return _RowBuilder(item.type, path, slot, children)
        case Kind.ARRAY | Kind.MAP:
            return _ContainerBuilder(item.type, path, slot)
        case _:
            aimed = values.aim(item.type, rules)
            if aimed is None:
                return _ConvertedBuilder(item.type, path, slot)
            return _ScalarBuilder(item.type, path, slot, aimed)


class _ScalarBuilder:
    """A column that the kernel fills."""

    def __init__(self, kind: FieldType, path: tuple[str, ...], slot: int, aimed: Sequence[int]) -> None:
        self._kind = kind
        self._path = ".".join(path)
        self._slot = slot
        self._aimed = aimed
        self._bytes = values.value_bytes(kind)
        self._dtype = np.dtype(values.storage(kind)[0])
        self._code = "" if kind.kind is Kind.STRING else values.arrow_code(kind)
        self._buffers: list[Bytes] = []
        """Of a string: the buffers that views of this batch point into, where the data is not the only one."""

    def describe(self, memory: Memory) -> None:
        memory.describe(self._slot, self._aimed, self._bytes)
        memory.filled[self._slot] = self

    def settle(self, located: Located, first: int, batch: Batch) -> None:
        rows = len(located.faults)
        target = batch.target.at(self._path).part(first, rows)
        texts = located.texts(self._slot)
        status = batch.status(self._slot)[first : first + rows]
        start = batch.values[self._slot] + first * self._bytes
        out = batch.memory[start : start + rows * self._bytes].view(self._dtype)
        if not self._buffers:
            self._buffers.append(batch.data)
        batch.others[self._slot] -= int(np.count_nonzero(status == tokens.HARD))
        batch.others[self._slot] += values.settle(self._kind, texts, out, status, self._buffers, target)

    def finish(self, batch: Batch) -> arrow.Column:
        start, rows = batch.values[self._slot], batch.rows
        out = batch.memory[start : start + rows * self._bytes]
        valid, there = batch.valid(self._slot)
        at = batch.address + start
        if self._code:
            return arrow.Column(self._code, rows, (out.view(self._dtype),), valid, (), (there, (at,)))
        check_size(batch.data)
        buffers, self._buffers = self._buffers, []
        if len(buffers) > 1:
            return arrow.strings(out, buffers, valid)
        texts = batch.texts
        return arrow.Column("vu", rows, (out, *texts.buffers), valid, (), (there, (at, *texts.addresses)))


class _ConvertedBuilder:
    """A scalar of a type that is converted once its texts are found."""

    def __init__(self, kind: FieldType, path: tuple[str, ...], slot: int) -> None:
        self._kind = kind
        self._path = ".".join(path)
        self._slot = slot

    def describe(self, memory: Memory) -> None:
        memory.located.append(self)

    def begin(self, batch: Batch) -> None:
        self._target = batch.target.at(self._path)
        self._column = ValueColumn(self._kind, batch.rows)

    def take(self, located: Located, first: int) -> None:
        del first  # the column goes on from what it has
        self._column.fill(located.texts(self._slot), self._target)

    def finish(self, batch: Batch) -> arrow.Column:
        del batch
        return self._column.finish()


class _RowBuilder:
    def __init__(self, kind: FieldType, path: tuple[str, ...], slot: int, children: list[tuple[str, Builder]]) -> None:
        self._kind = kind
        self._path = ".".join(path)
        self._slot = slot
        self._children = children

    def describe(self, memory: Memory) -> None:
        memory.describe(self._slot, (json_targets.IS_OBJECT, 0, 0, 0, 0), 0)
        memory.filled[self._slot] = self
        for _, child in self._children:
            child.describe(memory)

    def settle(self, located: Located, first: int, batch: Batch) -> None:
        rows = len(located.faults)
        status = batch.status(self._slot)[first : first + rows]
        bad = status == tokens.HARD
        report(self._kind, located.texts(self._slot), batch.target.at(self._path).part(first, rows), bad)
        status[bad] = tokens.ABSENT

    def finish(self, batch: Batch) -> arrow.Column:
        valid, there = batch.valid(self._slot)
        children = tuple([(name, child.finish(batch)) for name, child in self._children])
        return arrow.Column("+s", batch.rows, (), valid, children, (there, ()))


class _ContainerBuilder:
    """An ARRAY or a MAP: its texts are kept until all are there, then its elements are columns of their own."""

    def __init__(self, kind: FieldType, path: tuple[str, ...], slot: int) -> None:
        self._kind = kind
        self._path = ".".join(path)
        self._slot = slot

    def describe(self, memory: Memory) -> None:
        memory.located.append(self)

    def begin(self, batch: Batch) -> None:
        rows = batch.rows
        self._target = batch.target.at(self._path)
        self._texts = Texts(batch.data, np.empty(rows, np.int64), np.empty(rows, np.int32), np.empty(rows, np.uint8))

    def take(self, located: Located, first: int) -> None:
        texts = located.texts(self._slot)
        stop = first + len(texts)
        self._texts.start[first:stop] = texts.start
        self._texts.length[first:stop] = texts.length
        self._texts.kind[first:stop] = texts.kind

    def finish(self, batch: Batch) -> arrow.Column:
        del batch
        return decode_values(self._kind, self._texts, self._target)


def decode_values(kind: FieldType, texts: Texts, target: Target) -> arrow.Column:
    """The Arrow column of JSON values of any type."""
    match kind.kind:
        case Kind.ARRAY:
            return _lists(kind, texts, target)
        case Kind.MAP:
            return _maps(kind, texts, target)
        case Kind.ROW:
            return _rows(kind, texts, target)
        case _:
            return convert(kind, texts, target)


def _lists(kind: FieldType, texts: Texts, target: Target) -> arrow.Column:
    offsets, status, elements, _ = elements_of(texts, tokens.ARRAY)
    report(kind, texts, target, status == 2)
    element = kind.children[0]
    inner = _inside(target, f"{target.path}[]", offsets)
    values = decode_values(element.type, elements, inner)
    return arrow.Column("+L", len(texts), (offsets,), _present(status), ((element.name, values),))


def _maps(kind: FieldType, texts: Texts, target: Target) -> arrow.Column:
    offsets, status, elements, keys = elements_of(texts, tokens.OBJECT)
    report(kind, texts, target, status == 2)
    offsets, kept = _in_order_of_keys(offsets, keys)
    if kept is not None:
        elements, keys = elements.take(kept), keys.take(kept)
    key, value = kind.children
    inner = _inside(target, f"{target.path}{{}}", offsets)
    entries = arrow.Column(
        "+s",
        len(elements),
        (),
        None,
        ((key.name, decode_values(key.type, keys, inner)), (value.name, decode_values(value.type, elements, inner))),
    )
    return arrow.Column("+L", len(texts), (offsets,), _present(status), (("item", entries),))


def _rows(kind: FieldType, texts: Texts, target: Target) -> arrow.Column:
    """Objects inside arrays and maps: located like records of their own."""
    is_object = texts.kind == tokens.OBJECT
    report(kind, texts, target, (texts.kind > tokens.NULL) & ~is_object)
    plan = Plan.of(kind.children)
    objects = Spans(texts.data, texts.start, np.where(is_object, texts.length, np.int32(-1)))
    located = Located.of(plan, objects, Scratch())
    assert not located.faults.any(), "values inside a checked text are checked"
    children = []
    for child in kind.children:
        inner = target.at(f"{target.path}.{child.name}")
        values = located.texts(plan.slots[(child.name,)])
        children.append((child.name, decode_values(child.type, values, inner)))
    return arrow.Column("+s", len(texts), (), None if is_object.all() else is_object, tuple(children))


def _inside(target: Target, path: str, offsets: Int64Array) -> Target:
    """The target of the elements: each belongs to the record of its container."""
    return Target(path, np.repeat(target.record, np.diff(offsets)), target.failures, target.rules)


def _present(status: Bytes) -> arrow.BoolArray | None:
    valid = status == 0
    return None if valid.all() else valid


def _in_order_of_keys(offsets: Int64Array, keys: Texts) -> tuple[Int64Array, Int64Array | None]:
    """The entries of maps to take, and the offsets then; None: all as they stand.

    Of equal keys the last counts. Maps with the same entries become the same values, since groups, joins and rows that
    are taken back go by the whole of a value; where Flink has a hash map, its order is as far from the text's.
    """
    if len(keys) == 0:
        return offsets, None
    owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    names = arrow.to_frame([("key", convert(_TEXT, keys, _UNREPORTED))], len(keys))
    names = names.with_columns(pl.Series("owner", owner))
    in_order = (pl.col("owner") != pl.col("owner").shift()) | (pl.col("key") > pl.col("key").shift())
    if names.select(in_order.all()).item():
        return offsets, None
    last = names.with_row_index().filter(pl.struct("owner", "key").is_last_distinct()).sort("owner", "key")
    counts = np.bincount(last["owner"].to_numpy(), minlength=len(offsets) - 1)
    bounds = np.concatenate((np.zeros(1, np.int64), np.cumsum(counts))).astype(np.int64)
    return bounds, last["index"].to_numpy().astype(np.int64)


_TEXT = FieldType(Kind.STRING, "STRING")
_UNREPORTED = Target("", np.empty(0, np.int64), Failures(lenient=True), Rules())

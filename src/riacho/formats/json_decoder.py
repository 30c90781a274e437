"""JSON objects to columns, as Flink's JSON format reads them: only the wanted fields, a column at a time.

Source: Flink, "JSON Format"; conversions as its JsonParserToRowDataConverters makes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import polars as pl

from riacho.formats import arrow, values
from riacho.formats.buffered import BufferedColumns, Columnar, frame_of
from riacho.formats.decoding import BadRecord, Bytes, Decoded, Int64Array, Scratch, Spans
from riacho.formats.fields import Field, FieldType, Kind
from riacho.formats.json_location import Located, Plan, elements_of, not_json
from riacho.formats.values import Failures, Rules, Target, Texts, ValueColumn, convert, report
from riacho.kernels import json_targets, tokens
from riacho.kernels.json_syntax import Fault

CHUNK = 16_384
"""Rows located before their values are converted: their bytes are then still in the outer cache, and a column costs its
calls for many rows."""


class JsonDecoder:
    """Decodes the fields that it was made for; other members of an object are checked and skipped.

    A top-level array gives a row for each of its objects. Conversions are Flink's: a missing field is null, numbers
    may stand in strings, a STRING takes any value as its text. `ignore_parse_errors` turns a value that does not
    fit into null and leaves out a record that is no JSON; both are counted.
    """

    def __init__(
        self,
        fields: Sequence[Field],
        *,
        rules: Rules | None = None,
        fail_on_missing_field: bool = False,
        ignore_parse_errors: bool = False,
    ) -> None:
        self._fields = tuple(fields)
        self._plan = Plan.of(self._fields)
        self._rules = rules or Rules()
        self._fail_on_missing = fail_on_missing_field
        self._lenient = ignore_parse_errors
        self._scratch = Scratch()
        self._builders = [_builder(item, (item.name,), self._plan) for item in self._fields]
        self._memory = _Memory(self._plan, self._builders, self._rules)

    def decode(self, records: Spans) -> Decoded:
        """The rows of JSON texts. Never raises because of their content."""
        failures = Failures(self._lenient)
        rows, record = self._decode(records, np.arange(len(records), dtype=np.int64), failures)
        bad = tuple(BadRecord(place, failures.reasons[place]) for place in sorted(failures.reasons))
        if bad:
            keep = ~np.isin(record, np.array([item.record for item in bad], np.int64))
            rows, record = frame_of(rows).filter(pl.Series(keep)), record[keep]
        return Decoded(rows, record, bad, failures.ignored)

    def _decode(self, records: Spans, record: Int64Array, failures: Failures) -> tuple[Columnar, Int64Array]:
        rows = len(records)
        target = Target("", record, failures, self._rules)
        lent = self._memory.lend(rows)
        for builder in self._builders:
            builder.begin(rows, lent, records.data, target)
        given = records.length >= 0
        arrays: list[tuple[int, Spans]] = []
        for first in range(0, rows, CHUNK):
            chunk = records.slice(first, first + CHUNK)
            targets = lent.targets(first)
            located = Located.of(self._plan, chunk, self._scratch, targets)
            if located.faults.any():
                arrays += self._faults(chunk, located, first, given, target)
            if self._fail_on_missing:
                self._report_missing(located, first, given, target)
            outcomes = targets.tolist()
            for builder in self._builders:
                builder.take(located, outcomes, first)
        names = tuple(item.name for item in self._fields)
        made: Columnar = BufferedColumns(names, tuple([builder.finish() for builder in self._builders]), rows)
        if not given.all():
            made, record = frame_of(made).filter(pl.Series(given)), record[given]
        if arrays:
            parts = [(made, record)]
            for row, elements in arrays:
                owner = np.full(len(elements), target.record[row], np.int64)
                parts.append(self._decode(elements, owner, failures))
            return _in_order(parts)
        return made, record

    def _faults(
        self, chunk: Spans, located: Located, first: int, given: arrow.BoolArray, target: Target
    ) -> list[tuple[int, Spans]]:
        """Report the texts that are no objects and mark them as not given; the elements of those that are arrays."""
        arrays = []
        for place in np.flatnonzero(located.faults).tolist():
            row = first + place
            given[row] = False
            fault = Fault(int(located.faults[place]))
            if fault is Fault.EMPTY and chunk.length[place] == 0:
                continue  # Flink leaves out a message without bytes
            position = int(located.fault_position[place])
            if fault is Fault.AN_ARRAY:
                elements = _top_level_array(chunk, place)
                if elements is not None:
                    arrays.append((row, elements))
                    continue
            target.failures.add(target.record[row : row + 1], partial(not_json, fault, position))
        return arrays

    def _report_missing(self, located: Located, first: int, given: arrow.BoolArray, target: Target) -> None:
        for path, slot in self._plan.slots.items():
            missing = (located.kind[slot] == tokens.MISSING) & given[first : first + len(located.faults)]
            if len(path) > 1:  # of an object that is null nothing is missing
                missing &= located.kind[self._plan.slots[path[:-1]]] == tokens.OBJECT
            rows = first + np.flatnonzero(missing)
            if len(rows):
                target.failures.add(target.record[rows], partial(_missing, ".".join(path)))


def _missing(path: str, _place: int) -> str:
    return f"field {path!r} is missing"


class _Memory:
    """Where the values of a batch go: one piece of memory for all columns, as a column for itself costs its calls."""

    def __init__(self, plan: Plan, builders: Sequence[_Builder], rules: Rules) -> None:
        slots = len(plan.slot_end)
        self._template = plan.targets()
        self._bytes = np.zeros(slots, np.int64)
        for builder in builders:
            builder.describe(self._template, self._bytes, rules)
        self._before = np.concatenate((np.zeros(1, np.int64), np.cumsum(self._bytes)))
        self._statuses = int(self._before[-1]) + np.arange(slots)

    def lend(self, rows: int) -> _Lent:
        room = max(-(-rows // _ALIGNED_ROWS), 1) * _ALIGNED_ROWS
        memory = np.zeros(room * (int(self._before[-1]) + len(self._bytes)), np.uint8)
        targets = self._template.copy()
        address = memory.ctypes.data
        targets[:, json_targets.VALUES] = address + room * self._before[:-1]
        targets[:, json_targets.STATUS] = address + room * self._statuses
        return _Lent(memory, rows, room, self._before.tolist(), self._bytes, targets)


_ALIGNED_ROWS = 16
"""Columns begin at multiples of so many values: Arrow asks for views that are aligned."""


@dataclass(frozen=True, slots=True)
class _Lent:
    """The memory of one batch. Values of slot s begin at `room` rows of all `before[s]` bytes; then come statuses."""

    memory: Bytes
    rows: int
    room: int
    before: Sequence[int]
    bytes: Int64Array
    first_targets: Int64Array

    def of(self, slot: int) -> tuple[Bytes, Bytes]:
        """A slot's values and statuses."""
        start = self.room * self.before[slot]
        stop = start + self.rows * (self.before[slot + 1] - self.before[slot])
        status = self.room * (self.before[-1] + slot)
        return self.memory[start:stop], self.memory[status : status + self.rows]

    def targets(self, first: int) -> Int64Array:
        """A table for the kernel that fills the rows from `first` on."""
        if first == 0:
            return self.first_targets
        targets = self.first_targets.copy()
        targets[:, json_targets.VALUES] += first * self.bytes
        targets[:, json_targets.STATUS] += first
        return targets


class _Builder(Protocol):
    """A field's column of one batch after another; each grows by the rows of a chunk."""

    def describe(self, targets: Int64Array, value_bytes: Int64Array, rules: Rules) -> None:
        """Say in its slots' rows of `targets` what the kernel is to do with their values."""
        ...

    def begin(self, rows: int, lent: _Lent, data: Bytes, target: Target) -> None: ...

    def take(self, located: Located, outcomes: Sequence[Sequence[int]], first: int) -> None:
        """Do what the kernel has left to do; `outcomes` are the rows of `targets` now."""
        ...

    def finish(self) -> arrow.Column: ...


def _builder(item: Field, path: tuple[str, ...], plan: Plan) -> _Builder:
    slot = plan.slots[path]
    match item.type.kind:
        case Kind.ROW:
            children = [(child.name, _builder(child, (*path, child.name), plan)) for child in item.type.children]
            return _RowBuilder(item.type, path, slot, children)
        case Kind.ARRAY | Kind.MAP:
            return _ContainerBuilder(item.type, path, slot)
        case _:
            return _ScalarBuilder(item.type, path, slot)


class _ScalarBuilder:
    def __init__(self, kind: FieldType, path: tuple[str, ...], slot: int) -> None:
        self._kind = kind
        self._path = ".".join(path)
        self._slot = slot

    def describe(self, targets: Int64Array, value_bytes: Int64Array, rules: Rules) -> None:
        value_bytes[self._slot] = values.value_bytes(self._kind)
        aimed = values.aim(self._kind, rules)
        if aimed is not None:
            targets[self._slot, _DESCRIBED] = aimed

    def begin(self, rows: int, lent: _Lent, data: Bytes, target: Target) -> None:
        self._target = target
        self._column = ValueColumn(self._kind, rows, lent.of(self._slot))
        self._column.begin(data)

    def take(self, located: Located, outcomes: Sequence[Sequence[int]], first: int) -> None:
        del first  # the column goes on from what it has
        outcome = outcomes[self._slot]
        texts = located.texts(self._slot)
        if outcome[json_targets.ACTION] == json_targets.LOCATE:
            self._column.fill(texts, self._target.at(self._path))
        else:
            self._column.settle(
                texts, outcome[json_targets.OTHERS], outcome[json_targets.LEFT], self._target, self._path
            )

    def finish(self) -> arrow.Column:
        return self._column.finish()


_DESCRIBED = [json_targets.ACTION, json_targets.SHIFT, json_targets.LEAST, json_targets.GREATEST, json_targets.UNIT]


class _RowBuilder:
    def __init__(self, kind: FieldType, path: tuple[str, ...], slot: int, children: list[tuple[str, _Builder]]) -> None:
        self._kind = kind
        self._path = ".".join(path)
        self._slot = slot
        self._children = children

    def describe(self, targets: Int64Array, value_bytes: Int64Array, rules: Rules) -> None:
        targets[self._slot, json_targets.ACTION] = json_targets.IS_OBJECT
        for _, child in self._children:
            child.describe(targets, value_bytes, rules)

    def begin(self, rows: int, lent: _Lent, data: Bytes, target: Target) -> None:
        _, self._status = lent.of(self._slot)
        self._others = 0
        self._target = target
        for _, child in self._children:
            child.begin(rows, lent, data, target)

    def take(self, located: Located, outcomes: Sequence[Sequence[int]], first: int) -> None:
        outcome = outcomes[self._slot]
        self._others += outcome[json_targets.OTHERS]
        if outcome[json_targets.LEFT]:
            rows = len(located.faults)
            bad = self._status[first : first + rows] == tokens.HARD
            report(self._kind, located.texts(self._slot), self._target.at(self._path).part(first, rows), bad)
        for _, child in self._children:
            child.take(located, outcomes, first)

    def finish(self) -> arrow.Column:
        valid = self._status == tokens.VALUE if self._others else None
        return arrow.Column(
            "+s", len(self._status), (), valid, tuple([(name, child.finish()) for name, child in self._children])
        )


class _ContainerBuilder:
    """An ARRAY or a MAP: its texts are kept until all are there, then its elements are columns of their own."""

    def __init__(self, kind: FieldType, path: tuple[str, ...], slot: int) -> None:
        self._kind = kind
        self._path = ".".join(path)
        self._slot = slot

    def describe(self, targets: Int64Array, value_bytes: Int64Array, rules: Rules) -> None:
        """Nothing is put anywhere yet."""

    def begin(self, rows: int, lent: _Lent, data: Bytes, target: Target) -> None:
        del lent  # the elements' columns are made when all texts are there
        self._target = target.at(self._path)
        self._texts = Texts(data, np.empty(rows, np.int64), np.empty(rows, np.int32), np.empty(rows, np.uint8))

    def take(self, located: Located, outcomes: Sequence[Sequence[int]], first: int) -> None:
        del outcomes
        texts = located.texts(self._slot)
        stop = first + len(texts)
        self._texts.start[first:stop] = texts.start
        self._texts.length[first:stop] = texts.length
        self._texts.kind[first:stop] = texts.kind

    def finish(self) -> arrow.Column:
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
    offsets, kept = _without_repeated_keys(offsets, keys)
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


def _without_repeated_keys(offsets: Int64Array, keys: Texts) -> tuple[Int64Array, Int64Array | None]:
    """The entries to keep where a map names a key twice (the last counts), and the offsets then; None: all."""
    if len(keys) == 0:
        return offsets, None
    owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    names = arrow.to_frame([("key", convert(_TEXT, keys, _UNREPORTED))], len(keys))
    last = pl.struct("owner", "key").is_last_distinct()
    kept = names.with_columns(pl.Series("owner", owner)).select(last).to_series().to_numpy()
    if kept.all():
        return offsets, None
    counts = np.bincount(owner[kept], minlength=len(offsets) - 1)
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(counts))).astype(np.int64), np.flatnonzero(kept)


_TEXT = FieldType(Kind.STRING, "STRING")
_UNREPORTED = Target("", np.empty(0, np.int64), Failures(lenient=True), Rules())


def _top_level_array(records: Spans, row: int) -> Spans | None:
    """The elements of a record that is an array; None where it is not well-formed."""
    text = records[row]
    assert text is not None
    probe = Spans.of([b'{"":' + text + b"}"])
    plan = Plan.of([Field("", FieldType(Kind.ARRAY, "ARRAY"))])
    located = Located.of(plan, probe, Scratch())
    if located.faults[0]:
        return None
    _, _, elements, _ = elements_of(located.texts(0), tokens.ARRAY)
    return Spans(elements.data, elements.start, elements.length)


def _in_order(parts: list[tuple[Columnar, Int64Array]]) -> tuple[Columnar, Int64Array]:
    record = np.concatenate([owner for _, owner in parts])
    order = np.argsort(record, kind="stable")
    return pl.concat([frame_of(rows) for rows, _ in parts])[order], record[order]

"""JSON objects to columns, as Flink's JSON format reads them: only the wanted fields, a column at a time.

Source: Flink, "JSON Format"; conversions as its JsonParserToRowDataConverters makes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import polars as pl

from riacho.formats import arrow
from riacho.formats.buffered import BufferedColumns, Columnar, frame_of
from riacho.formats.decoding import BadRecord, Decoded, Int64Array, Scratch, Spans
from riacho.formats.fields import Field, FieldType, Kind
from riacho.formats.json_columns import Memory, builder_of
from riacho.formats.json_location import Located, Plan, elements_of, not_json
from riacho.formats.values import Failures, Rules, Target
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
        self._names = tuple(item.name for item in self._fields)
        self._plan = Plan.of(self._fields)
        self._rules = rules or Rules()
        self._fail_on_missing = fail_on_missing_field
        self._lenient = ignore_parse_errors
        self._scratch = Scratch()
        self._builders = [builder_of(item, (item.name,), self._plan, self._rules) for item in self._fields]
        self._memory = Memory(self._plan, self._builders)

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
        batch = self._memory.lend(records.data, rows, Target("", record, failures, self._rules))
        for column in self._memory.located:
            column.begin(batch)
        given: arrow.BoolArray | None = None
        arrays: list[tuple[int, Spans]] = []
        for first in range(0, rows, CHUNK):
            chunk = records.slice(first, first + CHUNK) if rows > CHUNK else records
            targets = batch.targets(first)
            located = Located.of(self._plan, chunk, self._scratch, targets)
            if located.objects < len(chunk):
                given = records.length >= 0 if given is None else given
                arrays += self._faults(chunk, located, first, given, batch.target)
            if self._fail_on_missing:
                self._report_missing(located, first, given, batch.target)
            for slot, (others, left) in enumerate(targets[:, json_targets.OTHERS :].tolist()):
                batch.others[slot] += others
                if left:
                    self._memory.filled[slot].settle(located, first, batch)
            for column in self._memory.located:
                column.take(located, first)
        columns = tuple([builder.finish(batch) for builder in self._builders])
        made: Columnar = BufferedColumns(self._names, columns, rows)
        if given is not None and not given.all():
            made, record = frame_of(made).filter(pl.Series(given)), record[given]
        if arrays:
            parts = [(made, record)]
            for row, elements in arrays:
                owner = np.full(len(elements), batch.target.record[row], np.int64)
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

    def _report_missing(self, located: Located, first: int, given: arrow.BoolArray | None, target: Target) -> None:
        for path, slot in self._plan.slots.items():
            missing = located.kind[slot] == tokens.MISSING
            if given is not None:
                missing &= given[first : first + len(missing)]
            if len(path) > 1:  # of an object that is null nothing is missing
                missing &= located.kind[self._plan.slots[path[:-1]]] == tokens.OBJECT
            rows = first + np.flatnonzero(missing)
            if len(rows):
                target.failures.add(target.record[rows], partial(_missing, ".".join(path)))


def _missing(path: str, _place: int) -> str:
    return f"field {path!r} is missing"


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

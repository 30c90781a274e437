"""Records of change data capture as rows with signs, and rows with signs as such records.

Source: Flink, "Debezium Format", "Canal Format", "Maxwell Format".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import polars as pl

from riacho.formats.buffered import Columnar, frame_of
from riacho.formats.change_events import (
    CANAL,
    DEBEZIUM,
    SKIPPED,
    TEXT,
    UNKNOWN,
    Complaint,
    Int8Array,
    Metadata,
    Shape,
    Spread,
    included,
    operations_of,
    text_series,
)
from riacho.formats.decoding import BadRecord, Decoded, Encoder, Int64Array, Scratch, Spans
from riacho.formats.fields import Field, FieldType, Kind
from riacho.formats.json_decoder import CHUNK, JsonDecoder
from riacho.formats.json_location import Located, Plan, not_json
from riacho.formats.values import Failures, Rules
from riacho.kernels import tokens
from riacho.kernels.json_syntax import Fault


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Which events are taken, by the names in one of their members: Canal's `database.include`, `table.include`."""

    member: str
    pattern: re.Pattern[str]


class ChangelogJsonDecoder:
    """Finds the rows that records tell of, then decodes them all at once; of a bad record no row is delivered.

    `metadata` maps columns to what the format knows of an event. Under `payload` (Debezium's `schema-include`) the
    event stands in a member of its own.
    """

    def __init__(
        self,
        shape: Shape,
        fields: Sequence[Field],
        *,
        rules: Rules,
        ignore_parse_errors: bool,
        inclusions: Sequence[Inclusion] = (),
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        self._shape = shape
        self._lenient = ignore_parse_errors
        self._inclusions = tuple(inclusions)
        self._scratch = Scratch()
        self._plan = Plan.of(_nested(shape.payload, [Field(name, TEXT) for name in shape.members]))
        self._rows = JsonDecoder(fields, rules=rules, ignore_parse_errors=ignore_parse_errors)
        self._fields = tuple(fields)
        self._row_plan = Plan.of(self._fields)
        self._metadata = {column: shape.metadata[key] for column, key in (metadata or {}).items()}
        self._metadata_decoders = {
            column: JsonDecoder(_nested(_path(shape, entry)[:-1], [Field(entry.path[-1], entry.type)]), rules=rules)
            for column, entry in self._metadata.items()
        }

    def decode(self, records: Spans) -> Decoded:
        """The rows of these records, in order, each with its sign. Never raises because of their content."""
        failures = Failures(lenient=False)
        parts = [
            self._spread(records.slice(first, first + CHUNK), first, failures)
            for first in range(0, max(len(records), 1), CHUNK)
        ]
        spread = _joined(parts)
        frame, row = self._decoded(records, spread, failures)
        record = spread.record[row]
        if failures.reasons:
            kept = ~np.isin(record, np.fromiter(failures.reasons, np.int64))
            frame, record, row = frame.filter(pl.Series(kept)), record[kept], row[kept]
        columns = {column: self._metadata_column(column, records, record) for column in self._metadata}
        frame = frame.with_columns(**columns) if frame.width else _frame_of(columns, len(record))
        ignored = len(failures.reasons) if self._lenient else 0
        bad = (
            ()
            if self._lenient
            else tuple(BadRecord(place, failures.reasons[place]) for place in sorted(failures.reasons))
        )
        return Decoded(frame, record, bad, ignored + failures.ignored, spread.sign[row])

    def _spread(self, chunk: Spans, first: int, failures: Failures) -> Spread:
        located = Located.of(self._plan, chunk, self._scratch)
        given = chunk.length > 0
        record = np.arange(first, first + len(chunk))
        for place in np.flatnonzero(given & (located.faults != 0)).tolist():
            fault = Fault(int(located.faults[place]))
            position = int(located.fault_position[place])
            failures.add(record[place : place + 1], partial(not_json, fault, position))
        given &= located.faults == 0
        members = {name: located.texts(self._plan.slots[(*self._shape.payload, name)]) for name in self._shape.members}
        named = members[self._shape.operation]
        taken = given.copy()
        for inclusion in self._inclusions:
            names = members[inclusion.member]
            nameless = taken & (names.kind == tokens.MISSING)
            failures.add(record[nameless], partial(_missing, inclusion.member))
            taken &= ~nameless & included(names, inclusion.pattern)
        operation = np.where(taken, operations_of(self._shape, named), SKIPPED)
        unknown = operation == UNKNOWN
        if unknown.any():
            found = text_series(named.take(np.flatnonzero(unknown)))
            what = f'unknown "{self._shape.operation}" value '
            failures.add(record[unknown], lambda place: f"{what}{found[place]!r}")
            operation = np.where(unknown, SKIPPED, operation)
        spread, complaints = self._shape.spread(members, operation)
        for complaint in complaints:
            places = np.flatnonzero(complaint.records)
            failures.add(record[places], partial(_complaint, complaint, places))
        return replace(spread, record=spread.record + first)

    def _decoded(self, records: Spans, spread: Spread, failures: Failures) -> tuple[pl.DataFrame, Int64Array]:
        """The rows that can be read, and the place of each in the spread."""
        # A record that is known to be bad may have spans that are no objects.
        usable = np.ones(len(spread.record), np.bool_)
        if failures.reasons:
            usable = ~np.isin(spread.record, np.fromiter(failures.reasons, np.int64))
        length = np.where(usable, spread.length, np.int32(-1))
        decoded = self._rows.decode(Spans(records.data, spread.start, length))
        self._take_failures(decoded, spread.record, failures)
        patched = np.flatnonzero(usable & (spread.patch_length >= 0))
        if not len(patched) or not self._fields:
            return decoded.frame, decoded.record
        patches = Spans(records.data, spread.patch_start[patched], spread.patch_length[patched])
        old = self._rows.decode(patches)
        self._take_failures(old, spread.record[patched], failures)
        located = Located.of(self._row_plan, patches, Scratch())
        row = np.full(len(spread.record), -1)
        row[decoded.record] = np.arange(len(decoded.record))
        target = row[patched[old.record]]
        columns = []
        for item in self._fields:
            present = located.kind[self._row_plan.slots[(item.name,)]][old.record] != tokens.MISSING
            present &= target >= 0
            columns.append(_overlaid(decoded.frame[item.name], old.frame[item.name], target, present))
        return pl.DataFrame(columns), decoded.record

    @staticmethod
    def _take_failures(decoded: Decoded, record: Int64Array, failures: Failures) -> None:
        failures.ignored += decoded.ignored
        for bad in decoded.bad:
            failures.reasons.setdefault(int(record[bad.record]), bad.reason)

    def _metadata_column(self, column: str, records: Spans, record: Int64Array) -> pl.Series:
        """What the events of these records say, a value per row."""
        entry = self._metadata[column]
        wanted, place = np.unique(record, return_inverse=True)
        some = Spans(records.data, records.start[wanted], records.length[wanted])
        decoded = self._metadata_decoders[column].decode(some)
        values = decoded.frame.to_series()
        for part in _path(self._shape, entry)[1:]:
            values = values.struct.field(part)
        at = np.full(len(wanted), -1)
        at[decoded.record] = np.arange(len(decoded.record))
        index = pl.Series(at[place])
        values = values.gather(index.set(index < 0, None)).alias(column)
        if entry.instant_ms:
            values = (values * (1000 * entry.instant_ms)).cast(pl.Datetime("us", "UTC"))
        return values


def _missing(name: str, _place: int) -> str:
    return f'the field "{name}" is missing'


def _complaint(complaint: Complaint, places: Int64Array, place: int) -> str:
    return complaint.reason(int(places[place]))


def _path(shape: Shape, entry: Metadata) -> tuple[str, ...]:
    """Where metadata stands in a record."""
    return entry.path if entry.beside_payload else (*shape.payload, *entry.path)


def _nested(path: Sequence[str], fields: Sequence[Field]) -> list[Field]:
    """These fields inside objects of objects."""
    inner = list(fields)
    for name in reversed(path):
        inner = [Field(name, FieldType(Kind.ROW, "ROW", children=tuple(inner)))]
    return inner


def _joined(parts: Sequence[Spread]) -> Spread:
    if len(parts) == 1:
        return parts[0]
    return Spread(
        np.concatenate([part.record for part in parts]),
        np.concatenate([part.start for part in parts]),
        np.concatenate([part.length for part in parts]),
        np.concatenate([part.patch_start for part in parts]),
        np.concatenate([part.patch_length for part in parts]),
        np.concatenate([part.sign for part in parts]),
    )


def _overlaid(
    rows: pl.Series, old: pl.Series, target: Int64Array, present: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> pl.Series:
    """The column with the old values of those rows that have some."""
    if not present.any():
        return rows
    source = np.full(len(rows), -1)
    source[target[present]] = np.flatnonzero(present)
    index = pl.Series(source)
    replaced = index >= 0
    values = old.gather(index.set(~replaced, None))
    return pl.select(pl.when(replaced).then(values).otherwise(rows)).to_series().alias(rows.name)


def _frame_of(columns: Mapping[str, pl.Series], height: int) -> pl.DataFrame:
    return pl.DataFrame(dict(columns)) if columns else pl.DataFrame(height=height)


class ChangelogJsonEncoder:
    """Writes a record per row and sign: an added row as an insertion, a removed one as a deletion, as Flink does."""

    def __init__(self, shape: Shape, encoder: Encoder) -> None:
        """`encoder` writes JSON objects of `envelope_fields`."""
        self._shape = shape
        self._encoder = encoder

    def encode(self, rows: Columnar) -> Spans:
        """The records of rows that are added."""
        return self.encode_changes(frame_of(rows), np.ones(rows.height, np.int8))

    def encode_changes(self, frame: pl.DataFrame, signs: Int8Array) -> Spans:
        """The records of changes; valid until the next call. Raises `RiachoError` for a value that JSON cannot hold."""
        row, added = frame.to_struct("row"), pl.Series(signs > 0)
        if self._shape.name == DEBEZIUM.name:
            names = pl.when(added).then(pl.lit("c")).otherwise(pl.lit("d"))
            before, after = pl.when(~added).then(row), pl.when(added).then(row)
            return self._encoder.encode(pl.select(before=before, after=after, op=names))
        names = pl.when(added).then(pl.lit("INSERT")).otherwise(pl.lit("DELETE"))
        if self._shape.name == CANAL.name:
            return self._encoder.encode(pl.select(data=pl.concat_list(row), type=names))
        return self._encoder.encode(pl.select(data=row, type=names.str.to_lowercase()))


def envelope_fields(shape: Shape, columns: Sequence[Field]) -> tuple[Field, ...]:
    """The members of the records that are written."""
    row = FieldType(Kind.ROW, "ROW", children=tuple(columns))
    if shape.name == DEBEZIUM.name:
        return Field("before", row), Field("after", row), Field("op", TEXT)
    rows = FieldType(Kind.ARRAY, "ARRAY", children=(Field("item", row),)) if shape.name == CANAL.name else row
    return Field("data", rows), Field("type", TEXT)

"""Where the wanted members of JSON objects are, before anything is converted: a span and a kind of token for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from riacho.formats.decoding import Bytes, Int32Array, Int64Array, Scratch, Spans
from riacho.formats.fields import Field, Kind
from riacho.formats.values import Texts
from riacho.kernels import json as kernels
from riacho.kernels import json_elements, json_targets, tokens
from riacho.kernels.json_syntax import MAX_DEPTH, Fault

_FAULTS = {
    Fault.EMPTY: "it is empty",
    Fault.NOT_AN_OBJECT: "it is not an object",
    Fault.AN_ARRAY: "an array stands where an object must",
    Fault.UNTERMINATED: "it ends in the middle",
    Fault.EXPECTED_KEY: "a name in double quotes must stand here",
    Fault.EXPECTED_COLON: "':' must stand here",
    Fault.EXPECTED_COMMA: "',' or the closing bracket must stand here",
    Fault.EXPECTED_VALUE: "no value begins like this",
    Fault.BAD_ESCAPE: "no escape is written like this",
    Fault.BAD_UTF8: "the bytes are not UTF-8",
    Fault.BAD_NUMBER: "no number is written like this",
    Fault.TOO_DEEP: f"values nest deeper than {MAX_DEPTH}",
}


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The wanted fields as `kernels.locate` takes them, and the slot of each field at every level."""

    names: Bytes
    nodes: Int32Array
    members: Int32Array
    slot_end: Int32Array
    slots: dict[tuple[str, ...], int]

    def targets(self) -> Int64Array:
        """A table of targets, one a slot: every value is located, and none converted."""
        return np.zeros((len(self.slot_end), json_targets.TARGET_COLUMNS), np.int64)

    @staticmethod
    def of(fields: Sequence[Field]) -> Plan:
        names = bytearray()
        slots: dict[tuple[str, ...], int] = {}
        slot_end: list[int] = []
        nodes: list[list[list[int]]] = []

        def add(level: Sequence[Field], path: tuple[str, ...]) -> int:
            node = len(nodes)
            members: list[list[int]] = []
            nodes.append(members)
            for item in level:
                encoded = item.name.encode()
                slot = len(slot_end)
                slots[(*path, item.name)] = slot
                slot_end.append(slot)
                member = [len(names), len(encoded), slot, -1]
                names.extend(encoded)
                members.append(member)
                if item.type.kind is Kind.ROW:
                    member[3] = add(item.type.children, (*path, item.name))
                    slot_end[slot] = len(slot_end) - 1
            return node

        add(fields, ())
        table: list[tuple[int, int]] = []
        rows: list[list[int]] = []
        for members in nodes:
            table.append((len(rows), len(members)))
            rows.extend(members)
        return Plan(
            np.frombuffer(bytes(names), np.uint8),
            np.array(table, np.int32).reshape(-1, 2),
            np.array(rows, np.int32).reshape(-1, 4),
            np.array(slot_end, np.int32),
            slots,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """Where the values are: a row per slot, a column per record."""

    data: Bytes
    start: Int64Array
    length: Int32Array
    kind: Bytes
    faults: Bytes
    fault_position: Int64Array
    objects: int
    """How many of the records are objects: neither null nor faulty."""

    @staticmethod
    def of(plan: Plan, records: Spans, scratch: Scratch, targets: Int64Array | None = None) -> Located:
        """Find the values; those that `targets` wants in columns are put there, and their spans are undefined."""
        slots, rows = len(plan.slot_end), len(records)
        start = scratch.array("start", np.int64, slots * rows).reshape(slots, rows)
        length = scratch.array("length", np.int32, slots * rows).reshape(slots, rows)
        kind = scratch.array("kind", np.uint8, slots * rows).reshape(slots, rows)
        faults = scratch.array("faults", np.uint8, rows)
        fault_position = scratch.array("fault_position", np.int64, rows)
        objects = kernels.locate(
            records.data,
            records.start,
            records.length,
            plan.names,
            plan.nodes,
            plan.members,
            plan.slot_end,
            start,
            length,
            kind,
            faults,
            fault_position,
            plan.targets() if targets is None else targets,
            scratch.array("workspace", np.int64, kernels.workspace_words(len(plan.nodes), slots)),
            scratch.array("names", np.uint8, 6 * len(plan.names) + 16),
        )
        return Located(records.data, start, length, kind, faults, fault_position, objects)

    def texts(self, slot: int) -> Texts:
        return Texts(self.data, self.start[slot], self.length[slot], self.kind[slot])


def elements_of(texts: Texts, container: int) -> tuple[Int64Array, Bytes, Texts, Texts]:
    """(offsets, status, elements, keys) of arrays or objects."""
    offsets = np.empty(len(texts) + 1, np.int64)
    status = np.empty(len(texts), np.uint8)
    total = json_elements.count_elements(texts.data, texts.start, texts.length, texts.kind, container, offsets, status)
    spans = [
        Texts(texts.data, np.empty(size, np.int64), np.empty(size, np.int32), np.empty(size, np.uint8))
        for size in (total, total if container == tokens.OBJECT else 0)
    ]
    elements, keys = spans
    json_elements.list_elements(
        texts.data,
        texts.start,
        texts.length,
        texts.kind,
        container,
        elements.start,
        elements.length,
        elements.kind,
        keys.start,
        keys.length,
        keys.kind,
    )
    return offsets, status, elements, keys


def not_json(fault: Fault, position: int, _place: int) -> str:
    return f"not JSON: {_FAULTS[fault]} (byte {position + 1})"

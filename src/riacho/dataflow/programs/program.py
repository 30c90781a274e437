"""Chains of filters and projections as programs of `kernels.programs`: one call a batch, whatever the chain.

Polars evaluates a step at a time, which for a few hundred rows costs what its calls cost. Programs know integers,
points in time, booleans, the equality of strings and whole values passed on; a step with anything else, or with an
expression that can fail, is not for them. The two ways give the same rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import Batch, Int64Array
from riacho.dataflow.buffered import BufferedColumns, buffers_of
from riacho.dataflow.evaluation.settings import Settings
from riacho.dataflow.expressions.compiler import fold_constants
from riacho.dataflow.programs.assembler import Assembler
from riacho.dataflow.programs.values import Computed, Given, Unsupported, Value, arrow_code, layout_of
from riacho.formats.arrow import Buffers, Column, memory_at, strings, view_data
from riacho.kernels import programs as kernel
from riacho.kernels.row_words import INLINE_BYTES
from riacho.plan.expressions import conjuncts
from riacho.plan.relations import Filter, Project, Schema
from riacho.plan.types import BooleanType, DataType, RowType, is_bytes, is_text

NO_LAYOUT: Final = -1
"""That of a ROW, which has only its validity."""

ALIGNED: Final = 64
"""Outputs begin at multiples of this, as Arrow advises."""

_WIDTHS = {kernel.BIT: 1, kernel.INT8: 1, kernel.INT16: 2, kernel.INT32: 4, kernel.INT64: 8, kernel.WIDE: 16}

_KINDS: dict[int, type[np.generic]] = {
    kernel.INT8: np.int8,
    kernel.INT16: np.int16,
    kernel.INT32: np.int32,
    kernel.INT64: np.int64,
}


@dataclass(frozen=True, slots=True)
class _Output:
    """A column of the result: its values' place among the outputs of the kernel, or those of a ROW's fields."""

    type: DataType
    place: int
    path: tuple[int, ...] | None
    """Where the input has the value, if it is passed on."""
    children: tuple[tuple[str, _Output], ...] = ()


class Program:
    """A chain of steps that was found to be one for the kernel; made by `program_of`."""

    def __init__(self, assembler: Assembler, values: Sequence[Value], names: tuple[str, ...], *, filters: bool) -> None:
        self._names = names
        self._filters = filters
        self._rows: list[tuple[int, int, int]] = []
        """(layout, register, source) of each output of the kernel; a ROW alone has no layout."""
        self._outputs = [self._output(assembler, value) for value in values]
        self._registers = max(len(assembler.lines), 1)
        self._paths = list(assembler.sources)
        self._roots = sorted({path[0] for path in self._paths})
        self._texts = [_constant(text) for text in assembler.texts]
        self._program = _instructions(assembler)
        self._text_addresses = [text.ctypes.data for _, text in self._texts]
        self._sources = self._source_table()
        self._laid_out: tuple[int, Int64Array, int] = (-1, np.empty((0, kernel.OUT_COLUMNS), np.int64), 0)
        self._words = np.empty((self._registers, kernel.BLOCK), np.int64)
        self._valid = np.empty((self._registers, kernel.BLOCK), np.uint8)

    def _output(self, assembler: Assembler, value: Value) -> _Output:
        place = len(self._rows)
        if isinstance(value, Computed):
            layout = kernel.INT8 if isinstance(value.type, BooleanType) else layout_of(value.type)
            self._rows.append((layout, value.register, -1))
            return _Output(value.type, place, None)
        source = assembler.source(value.path)
        if not isinstance(value.type, RowType):
            self._rows.append((layout_of(value.type), -1, source))
            return _Output(value.type, place, value.path)
        self._rows.append((NO_LAYOUT, -1, source))
        children = tuple(
            (item.name, self._output(assembler, Given(item.type, (*value.path, index))))
            for index, item in enumerate(value.type)
        )
        return _Output(value.type, place, value.path, children)

    def run(self, batch: Batch) -> Batch:
        """The rows that the chain makes of a batch, which has some."""
        rows = len(batch)
        found, owner = buffers_of(batch.rows, self._roots)
        given = dict(zip(self._roots, found, strict=True))
        sources, addresses = self._locate(given)
        table, size = self._lay_out(rows)
        arena = np.empty(size, np.uint8)
        has_nulls = np.zeros(len(table), np.uint8)
        kept = np.empty(rows if self._filters else 0, np.int64)
        count = kernel.run_program(
            self._program,
            sources,
            addresses,
            table,
            rows,
            self._registers,
            self._words,
            self._valid,
            arena,
            has_nulls,
            kept,
        )
        result = _Result(table, arena, has_nulls, count, given, owner)
        made = BufferedColumns(self._names, tuple(result.column(output) for output in self._outputs), count)
        return batch.with_rows(made) if count == rows else batch.with_rows_of(made, kept[:count])

    def _locate(self, given: Mapping[int, Buffers]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
        """The kernel's tables of sources, and of the buffers of those that are strings."""
        sources = self._sources.copy()
        addresses = list(self._text_addresses)
        for number, path in enumerate(self._paths):
            place = given[path[0]] if len(path) == 1 else _within(given, path)
            data = place.data
            sources[number, :4] = (place.valid, data[0] if data else 0, place.offset, len(addresses))
            if len(data) > 1:
                addresses += data[1:-1]  # the last one holds the others' sizes
        return sources, np.array(addresses or [0], np.uint64)

    def _source_table(self) -> npt.NDArray[np.uint64]:
        """What stays the same of the table of sources: which are within which, and the constants."""
        sources = np.zeros((len(self._paths) + len(self._texts), kernel.SOURCE_COLUMNS), np.uint64)
        for number, path in enumerate(self._paths):
            sources[number, kernel.SOURCE_PARENT] = self._paths.index(path[:-1]) + 1 if len(path) > 1 else 0
            sources[number, kernel.SOURCE_STEP] = 1
        for number, (view, _) in enumerate(self._texts):
            row = sources[len(self._paths) + number]
            row[kernel.SOURCE_DATA], row[kernel.SOURCE_BUFFERS] = view.ctypes.data, number
        return sources

    def _lay_out(self, rows: int) -> tuple[Int64Array, int]:
        """The kernel's table of outputs, and the size of the arena that they fill: those of the batch before, perhaps.

        Where every row stays, the values that are passed on stay where they are, but for bits.
        """
        known, table, size = self._laid_out
        if known == rows:
            return table, size
        table, size = np.empty((len(self._rows), kernel.OUT_COLUMNS), np.int64), 0
        for out, (layout, register, source) in enumerate(self._rows):
            stays = register < 0 and not self._filters and layout != kernel.BIT
            data = -1
            if layout != NO_LAYOUT and not stays:
                data, size = size, size + _padded(_WIDTHS[layout] * rows)
            table[out] = (layout, register, source, data, size)
            size += _padded(rows)
        self._laid_out = rows, table, size
        return table, size


@dataclass(frozen=True, slots=True)
class _Result:
    """What the kernel wrote: so many `rows`."""

    table: Int64Array
    arena: npt.NDArray[np.uint8]
    has_nulls: npt.NDArray[np.uint8]
    rows: int
    given: Mapping[int, Buffers]
    owner: object

    def column(self, output: _Output) -> Column:
        layout, _, _, data, validity = self.table[output.place].tolist()
        valid = None
        if self.has_nulls[output.place]:
            valid = self.arena[validity : validity + self.rows].view(np.bool_)
        if isinstance(output.type, RowType):
            children = tuple((name, self.column(child)) for name, child in output.children)
            return Column("+s", self.rows, (), valid, children)
        if isinstance(output.type, BooleanType):
            bits = np.packbits(self.arena[data : data + self.rows], bitorder="little")
            return Column("b", self.rows, (bits,), valid)
        if data >= 0:
            values = self.arena[data : data + _WIDTHS[layout] * self.rows]
        else:
            place = _within(self.given, output.path or ())
            values = memory_at(place.data[0] + place.offset * _WIDTHS[layout], self.rows * _WIDTHS[layout], self.owner)
        if is_text(output.type) or is_bytes(output.type):
            assert output.path is not None, "strings are not computed"
            kept = view_data(_within(self.given, output.path), self.owner)
            return strings(values, kept, valid, text=is_text(output.type))
        code = arrow_code(output.type)
        return Column(code, self.rows, (values if layout == kernel.WIDE else values.view(_KINDS[layout]),), valid)


def _within(given: Mapping[int, Buffers], path: tuple[int, ...]) -> Buffers:
    found = given[path[0]]
    for place in path[1:]:
        found = found.children[place]
    return found


def _padded(size: int) -> int:
    """The size rounded up, so that whatever follows is aligned."""
    return -(-size // ALIGNED) * ALIGNED


def _constant(text: bytes) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
    """A string constant as a view and the buffer that it may point into."""
    data = np.frombuffer(text.ljust(16, b"\0"), np.uint8).copy()
    view = np.zeros(4, np.int32)
    view[0] = len(text)
    if len(text) <= INLINE_BYTES:
        view[1:] = data[:INLINE_BYTES].view(np.int32)
    else:
        view[1] = data[:4].view(np.int32)[0]
    return view, data


def _instructions(assembler: Assembler) -> Int64Array:
    lines = np.zeros((len(assembler.lines), kernel.INSTRUCTION_COLUMNS), np.int64)
    texts = len(assembler.sources)
    for line, (operation, *operands) in enumerate(assembler.lines):
        if operation == kernel.TEXT_EQUAL:
            operands = [texts - 1 - operand if operand < 0 else operand for operand in operands]
        lines[line] = (operation, line, *operands)
    return lines


def program_of(steps: Sequence[Filter | Project], schema: Schema, settings: Settings) -> tuple[Program | None, int]:
    """A program for as many of the steps, from the first, as programs know; and how many those are.

    `schema` is what the first step reads.
    """
    assembler = Assembler(settings)
    fields: list[Value] = [Given(item.type, (index,)) for index, item in enumerate(schema)]
    names, filters, done = schema.names, False, 0
    before = Assembler(settings)
    for step in steps:
        try:
            if isinstance(step, Filter):
                for part in conjuncts(fold_constants(step.predicate, settings)):
                    assembler.emit(kernel.KEEP, assembler.register(assembler.value(part, fields)))
                filters = True
            else:
                fields = [assembler.value(fold_constants(part, settings), fields) for part in step.expressions]
                names = step.names
        except Unsupported:
            assembler = before
            break
        done += 1
        before = assembler.copy()
    try:
        for value in fields:
            _check_output(value.type)
    except Unsupported:
        return None, 0
    if not done or (not filters and not assembler.lines):
        return None, 0  # columns that are only picked need no kernel
    return Program(assembler, fields, names, filters=filters), done


def _check_output(data_type: DataType) -> None:
    """Raises `Unsupported` for a type that is not written."""
    if isinstance(data_type, RowType):
        for item in data_type:
            _check_output(item.type)
    else:
        layout_of(data_type)

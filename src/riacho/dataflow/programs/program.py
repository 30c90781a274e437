"""Chains of filters and projections as programs of `kernels.programs`: one call a batch, whatever the chain.

Polars evaluates a step at a time, which for a few hundred rows costs what its calls cost. Programs know integers,
points in time, decimals, booleans, strings as they are, and whole values passed on. The two ways give the same rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import Batch, Int64Array
from riacho.dataflow.evaluation.settings import Settings
from riacho.dataflow.expressions.compiler import fold_constants
from riacho.dataflow.programs.assembler import Assembler, Line
from riacho.dataflow.programs.derived import DerivedColumns
from riacho.dataflow.programs.inputs import Input, Inputs
from riacho.dataflow.programs.values import Computed, Given, Unsupported, Value, arrow_code, layout_of
from riacho.formats.arrow import Column, strings
from riacho.formats.buffered import BufferedColumns
from riacho.kernels import program_memory as memory
from riacho.kernels import programs as kernel
from riacho.plan.expressions import Expression, conjuncts
from riacho.plan.relations import Filter, Project, Schema
from riacho.plan.types import BooleanType, DataType, FloatType, RowType, is_bytes, is_text

NO_LAYOUT: Final = 0
"""That of a ROW, which has only its validity."""

ALIGNED: Final = 64
"""Outputs begin at multiples of this, as Arrow advises."""

_WIDTHS = {memory.BIT: 1, memory.INT8: 1, memory.INT16: 2, memory.INT32: 4, memory.INT64: 8, memory.WIDE: 16}

_KINDS: dict[int, type[np.generic]] = {
    memory.INT8: np.int8,
    memory.INT16: np.int16,
    memory.INT32: np.int32,
    memory.INT64: np.int64,
}

_OPERANDS: dict[int, int] = {
    kernel.LOAD: 0,
    kernel.CONSTANT: 0,
    **dict.fromkeys(range(kernel.ADD, kernel.TEXT_EQUAL + 1), 2),
    **dict.fromkeys((kernel.AND, kernel.OR), 2),
    **dict.fromkeys((kernel.SELECT, kernel.WIDE_SELECT), 3),
}
"""How many of an operation's operands are registers, where that is not one."""


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

    def __init__(self, assembler: Assembler, values: Sequence[Value], names: tuple[str, ...]) -> None:
        self._names = names
        self._rows: list[tuple[int, int, tuple[int, ...]]] = []
        """(layout, register, path) of each output of the kernel."""
        self._has_data: list[bool] = []
        self._outputs = [self._output(value) for value in values]
        filters = _needed(assembler, assembler.conditions)
        results = _needed(assembler, (register for _, register, _ in self._rows if register >= 0))
        kept: list[tuple[Line, int]] = [((kernel.KEEP, each, 0, 0), 0) for each in assembler.conditions]
        self._filters = len(filters) + len(kept)
        lines = [*filters, *kept, *results]
        read = {line[1] for line, _ in lines if line[0] == kernel.LOAD}
        paths = [path for path, number in assembler.sources.items() if number in read]
        self._paths = _with_rows_around([*paths, *(path for _, register, path in self._rows if register < 0)])
        numbers = {number: self._paths.index(path) for path, number in assembler.sources.items() if number in read}
        self._lines = len(lines)
        self._program = _instructions(lines, numbers, len(filters))
        registers = max(assembler.registers, 1)
        assert registers <= memory.BLOCK, "the kernel keeps a byte for each register, a block of them"
        self._long_texts = [np.frombuffer(text, np.uint8) for text in assembler.long_texts]
        self._text_addresses = [text.ctypes.data for text in self._long_texts]
        width = len(assembler.schema)
        self._inputs = Inputs(self._paths, width)
        self._derived = None
        if assembler.derived and any(path[0] >= width for path in self._paths):
            self._derived = DerivedColumns(assembler.derived, assembler.schema, assembler.settings)
        self._laid_out: tuple[int, Int64Array, int] = (-1, np.empty(0, np.int64), 0)
        self._words = np.empty((registers + 1) * memory.BLOCK, np.int64)
        self._valid = np.empty(registers * memory.BLOCK, np.uint8)
        self._scratch = np.empty(kernel.scratch_words(len(self._paths), len(self._rows)), np.int64)
        self._null_places = np.empty(len(self._rows), np.int64)

    def _output(self, value: Value) -> _Output:
        place = len(self._rows)
        row = isinstance(value.type, RowType)
        layout = NO_LAYOUT if row else layout_of(value.type)
        self._has_data.append(not row)
        if isinstance(value, Computed):
            self._rows.append((memory.INT8 if layout == memory.BIT else layout, value.register, ()))
            return _Output(value.type, place, None)
        self._rows.append((layout, -1, value.path))
        children: tuple[tuple[str, _Output], ...] = ()
        if isinstance(value.type, RowType):
            children = tuple(
                (item.name, self._output(Given(item.type, (*value.path, index))))
                for index, item in enumerate(value.type)
            )
        return _Output(value.type, place, value.path, children)

    def run(self, batch: Batch) -> Batch:
        """The rows that the chain makes of a batch, which has some.

        Raises `RowError` where a derived column fails, which may be in a row that a filter would drop.
        """
        rows = len(batch)
        derived = [] if self._derived is None else self._derived.of(batch)
        inputs = self._inputs.of(batch.rows, derived)
        sources, addresses = inputs.tables(self._text_addresses)
        table, size = self._lay_out(rows)
        arena = np.empty(size, np.uint8)
        plain = not self._filters or (batch.diff is None and batch.split is None)
        numbers = batch.sequence if plain else np.arange(rows, dtype=np.int64)
        kept = np.empty(rows if self._filters else 0, np.int64)
        count = kernel.run_program(
            self._program,
            self._filters,
            self._lines,
            sources,
            len(self._paths),
            addresses,
            table,
            rows,
            numbers,
            self._words,
            self._valid,
            self._scratch,
            kept,
            arena,
            self._null_places,
        )
        result = _Result(self._rows, table.tolist(), arena, self._null_places.tolist(), count, inputs, self._long_texts)
        made = BufferedColumns(self._names, tuple([result.column(output) for output in self._outputs]), count)
        if not self._filters:
            return batch.with_rows(made)
        return Batch(made, kept[:count], batch.watermark) if plain else batch.with_rows_of(made, kept[:count])

    def _lay_out(self, rows: int) -> tuple[Int64Array, int]:
        """The kernel's table of outputs, and the size of the arena that they fill: those of the batch before, perhaps.

        Where every row stays, the values that are passed on stay where they are, but for bits.
        """
        known, table, size = self._laid_out
        if known == rows:
            return table, size
        table, size = np.empty((len(self._rows), memory.OUT_COLUMNS), np.int64), 0
        for out, (layout, register, path) in enumerate(self._rows):
            stays = register < 0 and not self._filters and layout != memory.BIT
            data = -1
            if self._has_data[out] and not stays:
                data, size = size, size + _padded(_WIDTHS[layout] * rows)
            table[out] = (layout, register, self._paths.index(path) if register < 0 else -1, data, size)
            size += _padded(rows)
        self._laid_out = rows, table.reshape(-1), size
        return self._laid_out[1], size


@dataclass(frozen=True, slots=True)
class _Result:
    """What the kernel wrote: so many `rows`."""

    outputs: Sequence[tuple[int, int, tuple[int, ...]]]
    table: list[int]
    arena: npt.NDArray[np.uint8]
    null_places: list[int]
    rows: int
    inputs: Input
    long_texts: list[npt.NDArray[np.uint8]]

    def column(self, output: _Output) -> Column:
        place = output.place
        layout, data, nulls = self.outputs[place][0], self.table[5 * place + memory.OUT_DATA], self.null_places[place]
        valid = None if nulls == memory.NO_NULLS else self.arena[nulls : nulls + self.rows].view(np.bool_)
        if output.children:
            children = tuple([(name, self.column(child)) for name, child in output.children])
            return Column("+s", self.rows, (), valid, children)
        if isinstance(output.type, BooleanType):
            bits = np.packbits(self.arena[data : data + self.rows], bitorder="little")
            return Column("b", self.rows, (bits,), valid)
        if data >= 0:
            values = self.arena[data : data + _WIDTHS[layout] * self.rows]
        else:
            assert output.path is not None
            values = self.inputs.values(output.path, _WIDTHS[layout], self.rows)
        if is_text(output.type) or is_bytes(output.type):
            texts = self.inputs.texts(output.path) if output.path else [*self.long_texts, *self.inputs.all_texts()]
            return strings(values, texts, valid, text=is_text(output.type))
        numbers = values if layout == memory.WIDE else values.view(_kind(output.type, layout))
        return Column(arrow_code(output.type), self.rows, (numbers,), valid)


def _kind(data_type: DataType, layout: int) -> type[np.generic]:
    if isinstance(data_type, FloatType):
        return np.float32 if layout == memory.INT32 else np.float64
    return _KINDS[layout]


def _padded(size: int) -> int:
    """The size rounded up, so that whatever follows is aligned."""
    return -(-size // ALIGNED) * ALIGNED


def _needed(assembler: Assembler, registers: Iterable[int]) -> list[tuple[Line, int]]:
    """The instructions that these registers depend on, in their order, and each one's own register."""
    wanted = set(registers)
    found = []
    for line, register in reversed(assembler.lines.items()):
        if register in wanted:
            found.append((line, register))
            wanted.update(line[1 : 1 + _OPERANDS.get(line[0], 1)])
    return found[::-1]


def _with_rows_around(paths: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """The paths and those of the ROWs around them, which come first."""
    return sorted({path[:length] for path in paths for length in range(1, len(path) + 1)})


def _instructions(lines: Sequence[tuple[Line, int]], sources: dict[int, int], filters: int) -> Int64Array:
    """The kernel's table of instructions, the first of which are the filter's."""
    table = np.zeros((len(lines), kernel.INSTRUCTION_COLUMNS), np.int64)
    before = set(lines[:filters])
    for place, ((operation, first, second, third), register) in enumerate(lines):
        first = sources[first] if operation == kernel.LOAD else first
        repeated = place >= filters and lines[place] in before
        table[place] = (operation, register, first, second, third, int(repeated))
    return table.reshape(-1)


def program_of(
    steps: Sequence[Filter | Project], schema: Schema, settings: Settings, *, derives: bool = False
) -> tuple[Program | None, int]:
    """A program for as many of the steps, from the first, as programs know; and how many those are.

    `schema` is what the first step reads. One that `derives` has columns computed by other means before it runs, also
    costly ones.
    """
    assembler = Assembler(settings, schema, [], derives)
    fields: list[Value] = [Given(item.type, (index,)) for index, item in enumerate(schema)]
    names, done = schema.names, 0
    before = assembler.copy()
    for step in steps:
        try:
            if isinstance(step, Filter):
                for part in conjuncts(fold_constants(step.predicate, settings)):
                    assembler.keep(assembler.register(assembler.value(part, fields)))
                fields = [assembler.settled(value) for value in fields]
            else:
                made = [assembler.value(fold_constants(part, settings), fields) for part in step.expressions]
                for value in made:
                    _check_output(value.type)
                fields, names = made, step.names
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
    if not done or not (assembler.conditions or assembler.lines or assembler.derived):
        return None, 0  # columns that are only picked need no kernel
    return Program(assembler, fields, names), done


def filter_program(condition: Expression, schema: Schema, settings: Settings) -> Program | None:
    """A program whose output has no columns, only the rows that a condition is true for; None: programs cannot tell."""
    assembler = Assembler(settings, schema, None)
    fields: list[Value] = [Given(item.type, (index,)) for index, item in enumerate(schema)]
    try:
        for part in conjuncts(fold_constants(condition, settings)):
            assembler.keep(assembler.register(assembler.value(part, fields)))
    except Unsupported:
        return None
    return Program(assembler, (), ()) if assembler.conditions else None


def _check_output(data_type: DataType) -> None:
    """Raises `Unsupported` for a type that is not written."""
    if isinstance(data_type, RowType):
        for item in data_type:
            _check_output(item.type)
    else:
        layout_of(data_type)

"""Chains of filters and projections as programs of `kernels.programs`: one call a batch, whatever the chain.

Polars evaluates a step at a time, which for a few hundred rows costs what its calls cost. Programs know integers,
points in time, decimals, booleans, strings as they are, and whole values passed on. The two ways give the same rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import Batch, Int64Array, WatermarkSteps
from riacho.dataflow.evaluation.failures import RowError
from riacho.dataflow.evaluation.settings import Settings
from riacho.dataflow.expressions.compiler import fold_constants
from riacho.dataflow.programs.assembler import Assembler, Line
from riacho.dataflow.programs.derived import DerivedColumns
from riacho.dataflow.programs.inputs import Input, Inputs, Places
from riacho.dataflow.programs.values import Computed, Given, Unsupported, Value, arrow_code, layout_of
from riacho.formats.arrow import Buffers, Column, Uint64Array, address_of, strings
from riacho.formats.buffered import Columnar, LateColumns, Slice, Tables, Truths
from riacho.kernels import program_memory as memory
from riacho.kernels import programs as kernel
from riacho.kernels.rows import SOURCE_BUFFERS, SOURCE_COLUMNS, SOURCE_DATA
from riacho.plan.expressions import Expression, conjuncts
from riacho.plan.relations import Filter, Project, Schema
from riacho.plan.types import DataType, FloatType, RowType, is_bytes, is_text

NO_LAYOUT: Final = 0
"""That of a ROW, which has only its validity."""

BoolArray = npt.NDArray[np.bool_]
Uint8Array = npt.NDArray[np.uint8]

ALIGNED: Final = 64
"""Outputs begin at multiples of this, as Arrow advises."""

EVERY_ROW = np.empty(0, np.int64)
"""To the kernel: nobody asks which rows are kept."""

LAYOUTS: Final = 64
"""Sizes of batches whose layouts are remembered."""

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

    place: int
    code: str
    """Arrow's."""
    width: int
    """Bytes of a value."""
    kind: type[np.generic] | None
    """What NumPy calls a value; None for a string."""
    path: tuple[int, ...] | None
    """Where the input has the value, if it is passed on."""
    children: tuple[tuple[str, _Output], ...] = ()


def _is_simple(output: _Output) -> bool:
    """Whether what the kernel writes is the column as it is, and, of strings, they are the input's."""
    return output.code != "b" and (output.kind is not None or output.path is not None)


class Program:
    """A chain of steps that was found to be one for the kernel; made by `program_of`."""

    def __init__(self, assembler: Assembler, values: Sequence[Value], names: tuple[str, ...]) -> None:
        self._names = names
        self._rows: list[tuple[int, int, tuple[int, ...]]] = []
        """(layout, register, path) of each output of the kernel."""
        self._has_data: list[bool] = []
        self.outputs = [self._output(value) for value in values]
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
        self.long_texts = [np.frombuffer(text, np.uint8) for text in assembler.long_texts]
        width = len(assembler.schema)
        self._inputs = Inputs(self._paths, width, [text.ctypes.data for text in self.long_texts])
        self._derived = None
        if assembler.derived and any(path[0] >= width for path in self._paths):
            self._derived = DerivedColumns(assembler.derived, assembler.schema, assembler.settings)
        self._laid_out: dict[int, _Layout] = {}
        self._words = np.empty((registers + 1) * memory.BLOCK, np.int64)
        self._valid = np.empty(registers * memory.BLOCK, np.uint8)
        self._scratch = np.empty(kernel.scratch_words(len(self._paths), len(self._rows)), np.int64)
        self._null_places = np.empty(len(self._rows), np.int64)
        self._nested = any(output.children for output in self.outputs)
        self._texts: tuple[Places, Uint64Array, Uint64Array] | None = None
        self._whole: _Whole | None = None
        """What was made of the rows that the last batch was a part of: often the next one is, too."""
        self._failing: Columnar | None = None
        """Or those of which a derived column fails in some."""

    def texts_of(self, inputs: Input) -> tuple[Uint64Array, Uint64Array]:
        """The buffers that strings of the input point into, and where each output's begin among them.

        Mostly they are those of the batch before, which was a part of the same rows.
        """
        known = self._texts
        if known is None or known[0] is not inputs.places:
            buffers: list[int] = []
            firsts = []
            for output in self.outputs:
                firsts.append(len(buffers))
                if output.path is not None and output.kind is None and not output.children:
                    given = inputs.places[output.path]
                    texts = given.addresses()[1] if isinstance(given, Column) else given.data
                    buffers += texts[1:-1]
            known = self._texts = inputs.places, np.array(buffers or [0], np.uint64), np.array(firsts, np.uint64)
        return known[1], known[2]

    def _output(self, value: Value) -> _Output:
        place = len(self._rows)
        if isinstance(value.type, RowType):
            assert isinstance(value, Given), "a ROW is not computed"
            self._has_data.append(False)
            self._rows.append((NO_LAYOUT, -1, value.path))
            children = tuple(
                (item.name, self._output(Given(item.type, (*value.path, index))))
                for index, item in enumerate(value.type)
            )
            return _Output(place, "+s", 0, None, value.path, children)
        layout = layout_of(value.type)
        self._has_data.append(True)
        path = value.path if isinstance(value, Given) else None
        if isinstance(value, Computed):
            self._rows.append((memory.INT8 if layout == memory.BIT else layout, value.register, ()))
        else:
            self._rows.append((layout, -1, value.path))
        if is_text(value.type) or is_bytes(value.type):
            return _Output(place, "vu" if is_text(value.type) else "vz", _WIDTHS[layout], None, path)
        return _Output(place, arrow_code(value.type), _WIDTHS[layout], _kind(value.type, layout), path)

    def run(self, batch: Batch) -> Batch:
        """The rows that the chain makes of a batch, which has some.

        Raises `RowError` where a derived column fails, which may be in a row that a filter would drop.
        """
        if (part := self._part(batch)) is not None:
            whole, first, stop = part
            if whole.places is None:
                return batch.with_rows(Slice(whole.made, first, stop - first))
            low, high = whole.kept_between(first, stop)
            return batch.with_rows_of(Slice(whole.made, low, high - low), whole.places[low:high] - first)
        derived = self._derive(batch)
        plain = not self._filters or (batch.diff is None and batch.split is None)
        result, kept = self._run(batch.rows, derived, batch.sequence if plain else np.arange(len(batch)))
        made = self._columns(result)
        if kept is None:
            return batch.with_rows(made)
        return Batch(made, kept, batch.watermark) if plain else batch.with_rows_of(made, kept)

    def numbers(self, batch: Batch) -> tuple[Int64Array, BoolArray | None]:
        """The only column that the chain makes, of 64-bit integers, and which are not null (None: all)."""
        if (part := self._part(batch)) is not None:
            whole, first, stop = part
            if whole.numbers is None:
                whole.numbers = whole.result.numbers(0)
            values, valid = whole.numbers
            return values[first:stop], None if valid is None else valid[first:stop]
        return self._run(batch.rows, self._derive(batch), batch.sequence)[0].numbers(0)

    def _part(self, batch: Batch) -> tuple[_Whole, int, int] | None:
        """What is made of the rows that these are a part of, and which part; None where they are no part.

        A source decodes many rows together and small passes take a few of them each: one call for all costs less than
        one for each pass. Derived columns that tell the time are computed in their pass, and so are all where one
        fails somewhere, which is an error only once its row comes.
        """
        rows = batch.rows
        if not isinstance(rows, Slice) or (self._derived is not None and self._derived.tell_time):
            return None
        all_rows, first = rows.whole, rows.first
        whole = self._whole
        if whole is None or whole.rows is not all_rows:
            if self._failing is all_rows:
                return None
            numbers = np.arange(all_rows.height)
            try:
                derived = self._derive(Batch(all_rows, numbers, WatermarkSteps.still()))
            except RowError:
                self._failing = all_rows
                return None
            result, places = self._run(all_rows, derived, numbers)
            whole = self._whole = _Whole(all_rows, result, self._columns(result), places)
        return whole, first, first + rows.height

    def _derive(self, batch: Batch) -> Sequence[Column]:
        return () if self._derived is None else self._derived.of(batch)

    def _columns(self, result: _Result) -> LateColumns:
        return LateColumns(
            self._names,
            result.made,
            result.rows,
            locate=result.located,
            truths=result.truths,
            tables=None if self._nested else result.tables,
        )

    def _run(
        self, given: Columnar, derived: Sequence[Column], numbers: Int64Array
    ) -> tuple[_Result, Int64Array | None]:
        """What the kernel makes of rows, and the numbers of those that it keeps (None: it keeps all)."""
        rows = given.height
        inputs = self._inputs.of(given, derived)
        layout = self._lay_out(rows)
        arena = np.empty(layout.size, np.uint8)
        kept = np.empty(rows, np.int64) if self._filters else EVERY_ROW
        count = kernel.run_program(
            self._program,
            self._filters,
            self._lines,
            inputs.sources,
            len(self._paths),
            inputs.addresses,
            layout.table,
            rows,
            numbers,
            self._words,
            self._valid,
            self._scratch,
            kept,
            arena,
            self._null_places,
        )
        result = _Result(self, layout, arena, self._null_places.tolist(), count, inputs)
        return result, kept[:count] if self._filters else None

    def _lay_out(self, rows: int) -> _Layout:
        """Where the outputs for so many rows of input are to be.

        Where every row stays, the values that are passed on stay where they are, but for bits.
        """
        known = self._laid_out.get(rows)
        if known is not None:
            return known
        table, size = np.empty((len(self._rows), memory.OUT_COLUMNS), np.int64), 0
        for out, (layout, register, path) in enumerate(self._rows):
            stays = register < 0 and not self._filters and layout != memory.BIT
            data = -1
            if self._has_data[out] and not stays:
                data, size = size, size + _padded(_WIDTHS[layout] * rows)
            table[out] = (layout, register, self._paths.index(path) if register < 0 else -1, data, size)
            size += _padded(rows)
        if len(self._laid_out) >= LAYOUTS:
            self._laid_out.clear()
        places: list[int] = table[:, memory.OUT_DATA].tolist()
        lines = np.zeros((len(places), SOURCE_COLUMNS), np.uint64)
        lines[:, SOURCE_DATA] = table[:, memory.OUT_DATA]
        written = all(_is_simple(output) for output in self.outputs) and min(places, default=0) >= 0
        self._laid_out[rows] = known = _Layout(table.reshape(-1), size, places, lines, written)
        return known


class _Layout(NamedTuple):
    """The kernel's table of outputs, the size of the arena that they fill, and where in it each one's values are.

    The places are also the `lines` of those who read them; `written`: each output is as the kernel has written it.
    """

    table: Int64Array
    size: int
    places: list[int]
    lines: Uint64Array
    written: bool


@dataclass(slots=True, eq=False)
class _Whole:
    """What was made of some rows, as columns too, and the places of those that were kept (None: all)."""

    rows: Columnar
    result: _Result
    made: LateColumns
    places: Int64Array | None
    numbers: tuple[Int64Array, BoolArray | None] | None = None
    """The only column, once `Program.numbers` has been asked for it."""
    _asked: tuple[int, int] = 0, 0
    """Up to which row was asked, and how many before it were kept: small passes go on from there."""

    def kept_between(self, first: int, stop: int) -> tuple[int, int]:
        """How many of the rows before `first`, and before `stop`, were kept, where some were not."""
        assert self.places is not None
        asked, low = self._asked
        if asked != first:
            low = int(self.places.searchsorted(first))
        high = low + int(self.places[low : low + stop - first].searchsorted(stop))
        self._asked = stop, high
        return low, high


class _Result:
    """What the kernel wrote: so many `rows`. A column is made of it when it is asked for."""

    __slots__ = (
        "_found",
        "_tables",
        "arena",
        "inputs",
        "kept",
        "layout",
        "null_places",
        "places",
        "program",
        "rows",
        "start",
    )

    def __init__(
        self, program: Program, layout: _Layout, arena: Uint8Array, null_places: list[int], rows: int, inputs: Input
    ) -> None:
        self.program = program
        self.layout = layout
        self.places = layout.places
        self.arena = arena
        self.start = address_of(arena)
        self.null_places = null_places
        self.rows = rows
        self.inputs = inputs
        self.kept: list[object] = []
        """The bitmaps that `located` has told of."""
        self._found: dict[int, Buffers] = {}
        self._tables: Tables | None = None
        """What was told before: small passes ask for each of their parts."""

    def made(self, place: int) -> Column:
        """A column of the result."""
        return self._column(self.program.outputs[place])

    def located(self, place: int) -> Buffers:
        """Where a column of the result is in memory, as long as this lives."""
        found = self._found.get(place)
        if found is None:
            found = self._found[place] = self._located(self.program.outputs[place])
        return found

    def _located(self, output: _Output) -> Buffers:
        data, nulls = self.places[output.place], self.null_places[output.place]
        bitmap = 0
        if nulls != memory.NO_NULLS:
            bits = np.packbits(self.arena[nulls : nulls + self.rows], bitorder="little")
            self.kept.append(bits)
            bitmap = address_of(bits)
        if output.children:
            return Buffers(0, bitmap, (), tuple([self._located(child) for _, child in output.children]))
        if data < 0 or output.code == "b" or output.kind is None:
            given = None if output.path is None else self.inputs.places[output.path]
            if data < 0 or output.code == "b" or given is None:
                column = self._column(output)
                self.kept.append(column)
                return Buffers(0, bitmap, column.addresses()[1], ())
            texts = given.addresses()[1] if isinstance(given, Column) else given.data
            return Buffers(0, bitmap, (self.start + data, *texts[1:]), ())
        return Buffers(0, bitmap, (self.start + data,), ())

    def tables(self) -> Tables:
        """Where all columns of the result are in memory, as long as this lives. None may be a ROW."""
        if self._tables is None:
            self._tables = self._make_tables()
        return self._tables

    def _make_tables(self) -> Tables:
        program, places = self.program, self.places
        buffers, firsts = program.texts_of(self.inputs)
        sources = self.layout.lines.copy()
        sources[:, SOURCE_DATA] += np.uint64(self.start)
        sources[:, SOURCE_BUFFERS] = firsts
        if self.layout.written and self.null_places.count(memory.NO_NULLS) == len(places):
            return sources, buffers
        more: list[int] = []
        for place, (output, data, nulls) in enumerate(zip(program.outputs, places, self.null_places, strict=True)):
            if _is_simple(output) and data >= 0 and nulls == memory.NO_NULLS:
                continue
            found = self._located(output)
            own = len(buffers) + len(more)
            more += found.data[1:-1]
            sources[place] = found.valid, found.data[0], found.offset, own
        return sources, np.append(buffers, np.array(more, np.uint64)) if more else buffers

    def truths(self, place: int) -> Truths:
        """A column of booleans as the kernel has written it: a byte each."""
        at = self.program.outputs[place].place
        return self._bytes(self.places[at]), self._valid(at)

    def _bytes(self, start: int) -> BoolArray:
        return self.arena[start : start + self.rows].view(np.bool_)

    def _valid(self, at: int) -> BoolArray | None:
        nulls = self.null_places[at]
        return None if nulls == memory.NO_NULLS else self._bytes(nulls)

    def numbers(self, place: int) -> tuple[Int64Array, BoolArray | None]:
        """The values of a column of 64-bit integers, and which are not null (None: all)."""
        at = self.program.outputs[place].place
        data = self.places[at]
        if data < 0:
            column = self.made(place)
            return column.buffers[0], column.valid
        return self.arena[data : data + 8 * self.rows].view(np.int64), self._valid(at)

    def _column(self, output: _Output) -> Column:
        place = output.place
        data, nulls = self.places[place], self.null_places[place]
        valid = self._valid(place)
        there = 0 if valid is None else self.start + nulls
        if output.children:
            children = tuple([(name, self._column(child)) for name, child in output.children])
            return Column("+s", self.rows, (), valid, children, (there, ()))
        if output.code == "b":
            bits = np.packbits(self.arena[data : data + self.rows], bitorder="little")
            return Column("b", self.rows, (bits,), valid)
        if data >= 0:
            values, address = self.arena[data : data + output.width * self.rows], self.start + data
        else:
            assert output.path is not None
            values = self.inputs.values(output.path, output.width, self.rows)
            address = address_of(values)
        if output.kind is not None:
            return Column(output.code, self.rows, (values.view(output.kind),), valid, (), (there, (address,)))
        given = None if output.path is None else self.inputs.places[output.path]
        if isinstance(given, Column):  # the same buffers: neither their sizes nor their addresses are asked for again
            addresses = there, (address, *given.addresses()[1][1:])
            return Column(output.code, self.rows, (values, *given.buffers[1:]), valid, (), addresses)
        inputs = self.inputs
        texts = inputs.texts(output.path) if output.path else [*self.program.long_texts, *inputs.all_texts()]
        return strings(values, texts, valid, text=output.code == "vu")


def _kind(data_type: DataType, layout: int) -> type[np.generic]:
    if layout in (memory.WIDE, memory.BIT):
        return np.uint8
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
                    assembler.keep(assembler.register(assembler.result(part, fields)))
                fields = [assembler.settled(value) for value in fields]
            else:
                made = [assembler.result(fold_constants(part, settings), fields) for part in step.expressions]
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
            assembler.keep(assembler.register(assembler.result(part, fields)))
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

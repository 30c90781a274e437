"""A running job: the nodes of its dataflow, one pass at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from riacho.dataflow.batch import END_OF_SEQUENCE, END_OF_TIME, NO_WATERMARK, Batch, WatermarkSteps
from riacho.dataflow.compile import Node, compile_job
from riacho.dataflow.expressions import Settings
from riacho.dataflow.operator import Divided, StateArrays, Timed
from riacho.dataflow.operators.batches import empty_batch
from riacho.dataflow.operators.lookup_join import LookupJoinOperator
from riacho.dataflow.operators.rejects import RejectedRow, Rejects
from riacho.dataflow.operators.union import UnionOperator
from riacho.dataflow.operators.watermark import WatermarkOperator
from riacho.dataflow.state.snapshots import prefixed, section
from riacho.dataflow.watermark import BEFORE_ALL_ROWS, CombinedWatermark
from riacho.errors import RiachoError
from riacho.plan.relations import Alignment, Job, Relation, Scan, Sink


class SnapshotMismatchError(RiachoError):
    """A snapshot was taken of another query: its arrays would mean something else."""


@dataclass(frozen=True, slots=True)
class OperatorMetrics:
    """What an operator has done so far. `watermark` is its output's, in milliseconds; nobody waits for an `idle` one.

    `relation` is what it computes, `inputs` are the places of those that it reads.
    """

    id: str
    relation: Relation
    inputs: tuple[int, ...]
    rows_in: int
    rows_out: int
    late_rows: int
    state_bytes: int
    watermark: int
    idle: bool


class _Step:
    """A node that is not a scan, and what a pass asks of it."""

    __slots__ = ("divided", "inputs", "node", "operator", "place", "watermark")

    def __init__(self, place: int, node: Node) -> None:
        self.place = place
        self.node = node
        self.inputs = node.inputs
        self.operator = node.operator
        operator: object = node.operator
        self.divided = operator if isinstance(operator, Divided) else None
        # A table that is looked up says with its watermark that it has been read: event time is the left input's.
        combines = len(node.inputs) > 1 and not isinstance(operator, LookupJoinOperator)
        self.watermark = CombinedWatermark(waits=not isinstance(operator, UnionOperator)) if combines else None


class Graph:
    """The dataflow of a job.

    `scans` and `sinks` are the job's ends by id. A graph that raised an error in a pass is to be thrown away: the
    pass may be half done.
    """

    def __init__(self, nodes: list[Node], rejects: Rejects) -> None:
        self._nodes = nodes
        self._rejects = rejects
        self._watermarks = [WatermarkSteps.still()] * len(nodes)
        self._ended: set[str] = set()
        self._last_sequence = BEFORE_ALL_ROWS
        """Of all rows of the passes so far."""
        self._since = BEFORE_ALL_ROWS
        """And of those before the pass, or the part of it, that runs."""
        operators: list[object] = [node.operator for node in nodes]
        self._timed = [operator for operator in operators if isinstance(operator, Timed)]
        self._steps = [_Step(place, node) for place, node in enumerate(nodes) if not isinstance(node.relation, Scan)]
        self._watermark_steps = [each for each in operators if isinstance(each, WatermarkOperator)]
        self._scan_places = [place for place, node in enumerate(nodes) if isinstance(node.relation, Scan)]
        self._sinks = [(node.id, place) for place, node in enumerate(nodes) if isinstance(node.relation, Sink)]
        self.scans = {node.id: node.relation for node in nodes if isinstance(node.relation, Scan)}
        self.sinks = {node.id: node.relation for node in nodes if isinstance(node.relation, Sink)}

    @staticmethod
    def build(job: Job, settings: Settings) -> Graph:
        """The dataflow of a job, its state empty. Raises `RiachoError` for a function that cannot be evaluated."""
        rejects = Rejects()
        return Graph(compile_job(job, settings, rejects), rejects)

    def run_pass(self, inputs: Mapping[str, Batch]) -> Iterator[dict[str, Batch]]:
        """Run what has arrived, a batch per scan id, through the graph; yields each sink's change.

        A pass that a join would make very large is divided, and its parts are yielded one after another: take all.

        A scan without a batch has had no rows. Sequence numbers rise from pass to pass and are unique in the job;
        within a pass every batch ascends. After `WatermarkSteps.then(…, END_OF_TIME)` a scan has ended.

        Raises `RowError` for an expression that fails past a join or an aggregate, where rows have no source.
        """
        self._since = self._last_sequence
        for operator in self._watermark_steps:
            operator.since = self._since
        outputs: dict[int, Batch] = {}
        for place in self._scan_places:
            node = self._nodes[place]
            outputs[place] = scanned = self._scanned(node, inputs.get(node.id))
            if rows := len(scanned.sequence):
                node.rows_out += rows
                self._last_sequence = max(self._last_sequence, int(scanned.sequence[-1]))
            self._watermarks[place] = scanned.watermark
        return self._run_steps(self._steps, outputs)

    def _run_steps(self, steps: Sequence[_Step], outputs: dict[int, Batch]) -> Iterator[dict[str, Batch]]:
        """Run these; `outputs` has those of all scans and of the steps before."""
        for step in steps:
            inputs = step.inputs
            taken = (outputs[inputs[0]],) if len(inputs) == 1 else tuple([outputs[below] for below in inputs])
            if step.watermark is not None:
                taken = step.watermark.over(taken, self._since)
            if step.divided is not None:
                parts = step.divided.parts(taken)
                bound, output = next(parts)
                if bound != END_OF_SEQUENCE:
                    yield from self._run_parts(step, outputs, chain([(bound, output)], parts))
                    return
                exhausted = next(parts, None)
                assert exhausted is None, "the part for all numbers is the last one"
            else:
                output = taken[0] if step.operator is None else step.operator.process(taken)
            self._has_made(step, output)
            outputs[step.place] = output
        yield {sink: outputs[place] for sink, place in self._sinks}

    def _run_parts(
        self, step: _Step, outputs: dict[int, Batch], parts: Iterable[tuple[int, Batch]]
    ) -> Iterator[dict[str, Batch]]:
        """Run what follows a step that gave its output in parts several times: each over the rows of a part."""
        later = [other for other in self._steps if other.place > step.place]
        low = BEFORE_ALL_ROWS - 1
        for bound, output in parts:
            self._has_made(step, output)
            part = {below: batch.between(low, bound) for below, batch in outputs.items()}
            part[step.place] = output
            yield from self._run_steps(later, part)
            low = self._since = bound

    def _has_made(self, step: _Step, output: Batch) -> None:
        step.node.rows_out += len(output.sequence)
        self._watermarks[step.place] = output.watermark

    def _rows_in(self, node: Node) -> int:
        """All that its inputs have made."""
        return sum(self._nodes[below].rows_out for below in node.inputs)

    def _scanned(self, node: Node, batch: Batch | None) -> Batch:
        ended = node.id in self._ended
        if batch is None:
            return empty_batch(node.schema, WatermarkSteps.still(END_OF_TIME if ended else NO_WATERMARK))
        assert not ended, f"{node.id} has ended"
        if batch.watermark.after == END_OF_TIME:
            self._ended.add(node.id)
        return batch

    @property
    def wake_at_ms(self) -> int | None:
        """When a pass is due though no input comes, in milliseconds of wall-clock time; None: not for time's sake."""
        if not self._timed:
            return None
        moments = [moment for operator in self._timed if (moment := operator.wake_at_ms) is not None]
        return min(moments, default=None)

    def take_rejected(self) -> list[RejectedRow]:
        """The source rows that expressions refused since the last call: the source's policy decides about them.

        A row may have gone through other branches of the graph all the same.
        """
        return self._rejects.take()

    def assign_splits(self, scan_id: str, splits: Iterable[int]) -> None:
        """The source of a scan reads these splits: each holds the watermark back until it has rows."""
        splits = list(splits)
        for operator in self._watermark_operators(scan_id):
            operator.assign_splits(splits)

    def finish_splits(self, scan_id: str, splits: Iterable[int]) -> None:
        """These splits have ended; the watermark no longer waits for them."""
        splits = list(splits)
        for operator in self._watermark_operators(scan_id):
            operator.finish_splits(splits)

    def not_asked(self, scan_id: str) -> None:
        """The source of a scan is made to wait: it does not become idle by that."""
        for operator in self._watermark_operators(scan_id):
            operator.not_asked()

    def _watermark_operators(self, scan_id: str) -> list[WatermarkOperator]:
        """Those over a scan: only steps of one input stand between."""
        reached = {next(place for place, node in enumerate(self._nodes) if node.id == scan_id)}
        found = []
        for place, node in enumerate(self._nodes):
            if len(node.inputs) == 1 and node.inputs[0] in reached:
                if isinstance(node.operator, WatermarkOperator):
                    found.append(node.operator)
                else:
                    reached.add(place)
        return found

    def slowest_splits(self) -> dict[str, tuple[int, int]]:
        """By scan id, which split holds the watermark back, and how far its own is. A scan without one is not there."""
        found = {}
        for scan_id in self.scans:
            slowest = [split for each in self._watermark_operators(scan_id) if (split := each.slowest_split())]
            if slowest:
                found[scan_id] = min(slowest, key=lambda split: split[1])
        return found

    def idle_scans(self) -> list[str]:
        """The ids of the scans that nobody waits for, since nothing has come from there for long."""
        return [scan for scan in self.scans if any(each.idle for each in self._watermark_operators(scan))]

    def alignments(self) -> dict[str, Alignment]:
        """By scan id, with which others it is read."""
        found = {scan_id: [item.alignment for item in self._watermark_operators(scan_id)] for scan_id in self.scans}
        return {scan_id: each for scan_id, given in found.items() if (each := next(filter(None, given), None))}

    def metrics(self) -> list[OperatorMetrics]:
        """One entry per node, inputs first."""
        return [
            OperatorMetrics(
                node.id,
                node.relation,
                node.inputs,
                self._rows_in(node),
                node.rows_out,
                node.operator.late_rows if node.operator is not None else 0,
                node.operator.state_bytes if node.operator is not None else 0,
                watermark.after,
                watermark.idle,
            )
            for node, watermark in zip(self._nodes, self._watermarks, strict=True)
        ]

    def snapshot(self) -> StateArrays:
        """All state after the last pass, as arrays named `node.part.array`; the next pass does not alter them.

        How far the job has come is `job.sequence`.
        """
        arrays: StateArrays = {"job.sequence": np.array([self._last_sequence])}
        for node in self._nodes:
            state = node.operator.snapshot() if node.operator is not None else {}
            ended = np.array([node.id in self._ended])
            mark = np.frombuffer(node.fingerprint.encode(), np.uint8)
            counters = np.array([self._rows_in(node), node.rows_out], np.int64)
            arrays |= prefixed(node.id, {"plan": mark, "ended": ended, "rows": counters, **prefixed("state", state)})
        for step in self._steps:
            if step.watermark is not None:
                arrays[f"{step.node.id}.watermark"] = step.watermark.snapshot()
        return arrays

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take over a snapshot before the first pass.

        Raises `SnapshotMismatchError` where it was taken of another query.
        """
        known = {name.partition(".")[0] for name in state}
        if known != {"job", *(node.id for node in self._nodes)}:
            raise self._mismatch("the query has other steps")
        sections = [section(node.id, state) for node in self._nodes]
        for node, part in zip(self._nodes, sections, strict=True):
            if part["plan"].tobytes().decode() != node.fingerprint:
                raise self._mismatch(f"step {node.id} is another")
        for node, part in zip(self._nodes, sections, strict=True):
            _, node.rows_out = part["rows"].tolist()
            if part["ended"][0]:
                self._ended.add(node.id)
            if node.operator is not None:
                node.operator.restore(section("state", part))
        (self._last_sequence,) = state["job.sequence"].tolist()
        for step in self._steps:
            if step.watermark is not None:
                step.watermark.restore(sections[step.place]["watermark"])

    @staticmethod
    def _mismatch(reason: str) -> SnapshotMismatchError:
        return SnapshotMismatchError(
            f"the stored state belongs to a different query: {reason}",
            mend="restore with the query that stored it, or start this one with empty state",
        )

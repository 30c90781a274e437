"""Plan to dataflow: which physical operator runs each relation, and which rows it may reject."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from riacho.dataflow.expressions import Settings
from riacho.dataflow.fingerprint import Fingerprints
from riacho.dataflow.operator import Operator
from riacho.dataflow.operators.aggregate import AggregateOperator
from riacho.dataflow.operators.bounded import EmptyGroupOperator, MaterializeOperator
from riacho.dataflow.operators.bounded_over import BoundedOverOperator
from riacho.dataflow.operators.cached_lookup_join import cached_lookup_join, lookup_of
from riacho.dataflow.operators.calc import Calc
from riacho.dataflow.operators.deduplicate import DeduplicateOperator, FirstArrivalOperator
from riacho.dataflow.operators.expand import ExpandOperator
from riacho.dataflow.operators.first_in_time import FirstInTimeOperator
from riacho.dataflow.operators.group_window_aggregate import GroupWindowAggregateOperator
from riacho.dataflow.operators.interval_join import IntervalJoinOperator
from riacho.dataflow.operators.join import JoinOperator
from riacho.dataflow.operators.lookup_join import LookupJoinOperator
from riacho.dataflow.operators.multi_join import MultiJoinOperator
from riacho.dataflow.operators.normalize import NormalizeOperator
from riacho.dataflow.operators.ordered_over import OrderedOverOperator
from riacho.dataflow.operators.over import OverOperator
from riacho.dataflow.operators.rank import RankOperator
from riacho.dataflow.operators.rejects import Rejects
from riacho.dataflow.operators.remembering_calc import RememberingCalc
from riacho.dataflow.operators.replicate import ReplicateOperator
from riacho.dataflow.operators.session_aggregate import SessionAggregateOperator
from riacho.dataflow.operators.session_table import SessionTableOperator
from riacho.dataflow.operators.sort import ArrivalSortOperator, SortOperator
from riacho.dataflow.operators.temporal_join import TemporalJoinOperator
from riacho.dataflow.operators.union import UnionOperator
from riacho.dataflow.operators.unnest import UnnestOperator
from riacho.dataflow.operators.upsert_materialize import UpsertMaterializeOperator
from riacho.dataflow.operators.values import ValuesOperator
from riacho.dataflow.operators.versioned_view import VersionedViewOperator
from riacho.dataflow.operators.watermark import WatermarkOperator, postponed
from riacho.dataflow.operators.window_aggregate import WindowAggregateOperator
from riacho.dataflow.operators.window_join import WindowJoinOperator
from riacho.dataflow.operators.window_rank import WindowRankOperator
from riacho.dataflow.operators.window_table import WindowTableOperator
from riacho.plan.changelog import is_updating
from riacho.plan.determinism import must_remember
from riacho.plan.expressions import Column
from riacho.plan.relations import (
    Aggregate,
    BoundedOver,
    Deduplicate,
    EmptyGroup,
    Expand,
    Filter,
    Interval,
    Job,
    Join,
    Lookup,
    Materialize,
    MultiJoin,
    Normalize,
    Over,
    Project,
    Rank,
    Relation,
    Replicate,
    Scan,
    Schema,
    Sink,
    Sort,
    TimeAttribute,
    Union,
    Unnest,
    UpsertMaterialize,
    Values,
    VersionedView,
    Versions,
    Watermark,
    WindowAggregate,
    WindowJoin,
    WindowKind,
    WindowRank,
    WindowTable,
    readers_of,
    walk_relations,
)
from riacho.plan.result_columns import calls_with_columns


@dataclass(slots=True)
class Node:
    """A step of the dataflow: its operator (None for a scan or a sink) and the nodes whose output it takes.

    `id` is the same for the same job text in every process; `fingerprint` says what its state means.
    """

    id: str
    kind: str
    schema: Schema
    operator: Operator | None
    inputs: tuple[int, ...]
    fingerprint: str
    relation: Relation
    rows_out: int = field(default=0)


def compile_job(job: Job, settings: Settings, rejects: Rejects) -> list[Node]:
    """The nodes of a job, inputs before the nodes that read them; equal sub-plans are one node."""
    compiler = _Compiler(job, settings, rejects)
    for sink in job.sinks:
        compiler.node(sink)
    return compiler.nodes


class _Compiler:
    def __init__(self, job: Job, settings: Settings, rejects: Rejects) -> None:
        self._settings = settings
        self._rejects = rejects
        self._places: dict[Relation, int] = {}
        self._watermarks: dict[Watermark, int] = {}
        self._fingerprints = Fingerprints()
        self._readers = readers_of(job.sinks)
        self.nodes: list[Node] = []

    def node(self, relation: Relation) -> int:
        """The place of the node that computes a relation."""
        # Two equal sinks are two sinks: each INSERT writes.
        if relation in self._places and not isinstance(relation, Sink):
            return self._places[relation]
        steps, under = self._chain(relation)
        lookup = None if steps else lookup_of(relation)
        if steps and under is not None:
            inputs: tuple[int, ...] = (self._before_projection(under),)
        else:
            below = steps[0].inputs if steps else relation.inputs
            if lookup is not None:
                below = below[:1]  # the operator reads the table itself, again and again
            inputs = tuple(self.node(part) for part in below)
        kind = type(steps[-1] if len(steps) == 1 else relation).__name__ if len(steps) < 2 else "Calc"
        if lookup is not None:
            operator: Operator | None = cached_lookup_join(lookup, self._settings)
        else:
            operator = self._operator(relation, steps)
        self._places[relation] = self._add(kind, relation, operator, inputs)
        return self._places[relation]

    def _add(self, kind: str, relation: Relation, operator: Operator | None, inputs: tuple[int, ...]) -> int:
        place = len(self.nodes)
        name, mark = f"{place}-{kind.lower()}", self._fingerprints.of(relation)
        self.nodes.append(Node(name, kind, relation.schema, operator, inputs, mark, relation))
        return place

    def _chain(self, relation: Relation) -> tuple[list[Filter | Project], Watermark | None]:
        """The filters and projections that end in this relation, from the lowest, read by nobody else in between.

        Down to a watermark that leaves its projection to them they have it too, and that watermark is named.
        """
        steps: list[Filter | Project] = []
        last = relation
        while isinstance(last, Filter | Project) and (not steps or len(self._readers[last]) == 1):
            steps.insert(0, last)
            last = last.input
        projection = postponed(last, self._settings)
        if projection is None:
            return steps, None
        assert isinstance(last, Watermark)
        return [projection, *steps], last

    def _before_projection(self, watermark: Watermark) -> int:
        """The place of the node that makes the watermark, of the rows before its projection."""
        if watermark not in self._watermarks:
            projection = postponed(watermark, self._settings)
            assert projection is not None
            (scan,) = projection.inputs
            rejects = self._rejects if _keeps_sources(watermark) else None
            operator = WatermarkOperator(watermark, self._settings, rejects, projection)
            place = self._add("Watermark", watermark, operator, (self.node(scan),))
            self.nodes[place].schema = scan.schema
            self._watermarks[watermark] = place
        return self._watermarks[watermark]

    def _is_looked_through(self, relation: Relation) -> bool:
        """Whether those that read it, perhaps under other names, look at a few fields of all rows, then at few rows."""
        readers = self._readers.get(relation, ())
        return not is_updating(relation) and all(
            isinstance(reader, Rank) or (_only_picks(reader) and self._is_looked_through(reader)) for reader in readers
        )

    def _operator(self, relation: Relation, steps: list[Filter | Project]) -> Operator | None:
        settings, rejects = self._settings, self._rejects if _keeps_sources(relation) else None
        if steps:
            calc = Calc(steps, settings, rejects)
            if must_remember(steps, self._readers.get(relation, ())):
                return RememberingCalc(calc, steps[0].input.schema, relation.schema)
            return calc
        if isinstance(relation, Aggregate | WindowAggregate):
            relation = replace(relation, calls=calls_with_columns(relation, self._readers))
        match relation:
            case Scan() | Sink():
                return None
            case Values():
                return ValuesOperator(relation, settings)
            case Watermark():
                return WatermarkOperator(relation, settings, rejects)
            case Normalize():
                return NormalizeOperator(relation, settings)
            case WindowTable(kind=WindowKind.SESSION):
                return SessionTableOperator(relation, settings, rejects)
            case WindowTable():
                return WindowTableOperator(relation, settings, rejects)
            case WindowAggregate(kind=WindowKind.SESSION):
                return SessionAggregateOperator(relation, settings, rejects)
            case WindowAggregate() if relation.updates:
                return GroupWindowAggregateOperator(relation, settings, rejects)
            case WindowAggregate():
                return WindowAggregateOperator(relation, settings, rejects)
            case Rank():
                return RankOperator(relation, settings)
            case WindowRank():
                return WindowRankOperator(relation, settings)
            case Sort():
                by_row_time = relation.input.schema[relation.order[0].column].time is TimeAttribute.ROWTIME
                return SortOperator(relation) if by_row_time else ArrivalSortOperator(relation)
            case Deduplicate():
                by_time = relation.input.schema[relation.time].time is TimeAttribute.ROWTIME
                first = FirstInTimeOperator if by_time else FirstArrivalOperator
                kind = DeduplicateOperator if relation.keep_last else first
                return kind(relation, settings)
            case VersionedView():
                return VersionedViewOperator(relation, settings)
            case Aggregate():
                return AggregateOperator(relation, settings)
            case BoundedOver():
                return BoundedOverOperator(relation)
            case Over() if relation.by_time:
                return OverOperator(relation, settings, rejects)
            case Over():
                return OrderedOverOperator(relation, settings)
            case WindowJoin():
                return WindowJoinOperator(relation, settings)
            case Join(time=Interval()):
                return IntervalJoinOperator(relation, settings)
            case Join(time=Versions()):
                return TemporalJoinOperator(relation, settings)
            case Join(time=Lookup()):
                return LookupJoinOperator(relation, settings)
            case Join():
                return JoinOperator(relation, settings, late=self._is_looked_through(relation))
            case MultiJoin():
                return MultiJoinOperator(relation, settings, late=self._is_looked_through(relation))
            case Replicate():
                return ReplicateOperator(relation)
            case Expand():
                return ExpandOperator(relation)
            case Unnest():
                return UnnestOperator(relation, settings, rejects)
            case Union():
                return UnionOperator(relation)
            case Materialize():
                return MaterializeOperator(relation)
            case EmptyGroup():
                return EmptyGroupOperator(relation, settings)
            case UpsertMaterialize():
                return UpsertMaterializeOperator(relation, settings)
        raise AssertionError(f"no operator for {type(relation).__name__}")


def _only_picks(relation: Relation) -> bool:
    """Whether it has columns of its input as they are, in some order, and no others."""
    return isinstance(relation, Project) and all(isinstance(part, Column) for part in relation.expressions)


def _keeps_sources(relation: Relation) -> bool:
    """Whether each of the relation's input rows is one row of a source, which a policy can drop."""
    stateful = (
        Aggregate,
        WindowAggregate,
        Join,
        Materialize,
        MultiJoin,
        Normalize,
        Over,
        Rank,
        Deduplicate,
        UpsertMaterialize,
        VersionedView,
    )
    return not any(
        isinstance(part, stateful) or (isinstance(part, WindowTable) and part.kind is WindowKind.SESSION)
        for below in relation.inputs
        for part in walk_relations(below)
    )

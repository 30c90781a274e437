"""Relational algebra: what a query computes, with the schema of each step. Nothing here runs.

A relation is immutable and knows its `schema`; expressions refer to fields of its input by index. Field names are
unique within a schema (the second `id` is `id0`, as in Flink), so that a batch's columns may carry them.
"""

from riacho.plan.relations.aggregate import Aggregate
from riacho.plan.relations.bounded import EmptyGroup, Materialize
from riacho.plan.relations.calc import Filter, Project
from riacho.plan.relations.expand import Expand, GroupingSet
from riacho.plan.relations.job import Job, Sink, UpsertMaterialize
from riacho.plan.relations.join import Interval, Join, JoinKind, JoinTime, Lookup, Versions
from riacho.plan.relations.multi_join import KeyOf, MultiJoin, SharedKey, SourceField, with_leaves
from riacho.plan.relations.over import BoundedOver, Frame, FrameUnit, Over
from riacho.plan.relations.rank import Deduplicate, Rank, RankKind, VersionedView, WindowRank
from riacho.plan.relations.relation import Relation, Unary, readers_of, rewrite_relation, walk_relations
from riacho.plan.relations.replicate import Replicate
from riacho.plan.relations.schema import Field, Schema, TimeAttribute, unique_names
from riacho.plan.relations.sort import Sort
from riacho.plan.relations.sources import Alignment, Normalize, Scan, Values, Watermark
from riacho.plan.relations.union import Union
from riacho.plan.relations.unnest import Unnest, element_names, element_type, element_types
from riacho.plan.relations.window_join import WindowJoin
from riacho.plan.relations.windows import EmitStrategy, WindowAggregate, WindowKind, WindowProperty, WindowTable

__all__ = [
    "Aggregate",
    "Alignment",
    "BoundedOver",
    "Deduplicate",
    "EmitStrategy",
    "EmptyGroup",
    "Expand",
    "Field",
    "Filter",
    "Frame",
    "FrameUnit",
    "GroupingSet",
    "Interval",
    "Job",
    "Join",
    "JoinKind",
    "JoinTime",
    "KeyOf",
    "Lookup",
    "Materialize",
    "MultiJoin",
    "Normalize",
    "Over",
    "Project",
    "Rank",
    "RankKind",
    "Relation",
    "Replicate",
    "Scan",
    "Schema",
    "SharedKey",
    "Sink",
    "Sort",
    "SourceField",
    "TimeAttribute",
    "Unary",
    "Union",
    "Unnest",
    "UpsertMaterialize",
    "Values",
    "VersionedView",
    "Versions",
    "Watermark",
    "WindowAggregate",
    "WindowJoin",
    "WindowKind",
    "WindowProperty",
    "WindowRank",
    "WindowTable",
    "element_names",
    "element_type",
    "element_types",
    "readers_of",
    "rewrite_relation",
    "unique_names",
    "walk_relations",
    "with_leaves",
]

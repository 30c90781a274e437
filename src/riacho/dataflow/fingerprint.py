"""What identifies a plan's state: a digest of the parts that give stored arrays their meaning."""

from __future__ import annotations

import hashlib
from dataclasses import fields
from enum import Enum

from riacho.plan.relations import Relation, Sink
from riacho.plan.tables import Table


def fingerprint(relation: Relation) -> str:
    """Equal for equal relations, wherever they stand in their SQL text and however their tables are connected.

    A query that is reformatted, or whose tables got other WITH options, keeps its state; one whose steps, types or
    expressions changed does not.
    """
    return hashlib.sha256(_canonical(relation).encode()).hexdigest()[:16]


def _canonical(part: object) -> str:
    if isinstance(part, Table):
        columns = ",".join(f"{column.name} {column.type}" for column in part.columns)
        return f"Table({part.name}:{columns})"
    if isinstance(part, Sink):
        return f"Sink({part.table.name},{_canonical(part.input)})"
    if isinstance(part, Enum):
        return part.name
    if isinstance(part, tuple):
        return "(" + ",".join(_canonical(item) for item in part) + ")"
    if hasattr(part, "__dataclass_fields__"):
        values = (_canonical(getattr(part, item.name)) for item in fields(part) if item.compare)  # type: ignore[arg-type]
        return f"{type(part).__name__}({','.join(values)})"
    return repr(part)

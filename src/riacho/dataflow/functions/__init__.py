"""What Flink's functions compute, on whole columns: a family a module, an entry a function, named as in the plan."""

from types import MappingProxyType

from riacho.dataflow.evaluation.invocation import Evaluate
from riacho.dataflow.functions import (
    arithmetic,
    bits,
    collection,
    comparison,
    conditional,
    conversion,
    hashing,
    java_classes,
    json,
    logical,
    pattern,
    random,
    string,
    temporal,
)

_FAMILIES = (
    comparison,
    logical,
    arithmetic,
    bits,
    random,
    string,
    pattern,
    temporal,
    conditional,
    conversion,
    collection,
    json,
    hashing,
    java_classes,
)

FUNCTIONS: MappingProxyType[str, Evaluate] = MappingProxyType(
    {name: evaluate for family in _FAMILIES for name, evaluate in family.FUNCTIONS.items()}
)
"""Canonical name to evaluator."""

NON_DETERMINISTIC = frozenset(random.FUNCTIONS) | temporal.NON_DETERMINISTIC
"""Functions whose calls must not be computed once and for all."""

NOT_FOLDED = NON_DETERMINISTIC | json.CONSTRUCTORS
"""Functions whose calls stay calls even over constants."""

__all__ = ["FUNCTIONS", "NON_DETERMINISTIC", "NOT_FOLDED"]

"""Scalar expressions over batches: compiled once, evaluated columnar, exact to Flink's rules."""

from riacho.dataflow.evaluation.failures import RowError, RowFailure
from riacho.dataflow.evaluation.settings import Settings
from riacho.dataflow.evaluation.zones import UTC, Zone, zone
from riacho.dataflow.expressions.evaluator import Evaluator, Predicate

__all__ = ["UTC", "Evaluator", "Predicate", "RowError", "RowFailure", "Settings", "Zone", "zone"]

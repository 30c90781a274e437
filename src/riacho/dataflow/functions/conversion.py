"""Functions about types."""

from __future__ import annotations

import polars as pl

from riacho.dataflow.evaluation.invocation import Evaluate

FUNCTIONS: dict[str, Evaluate] = {"TYPEOF": lambda call: pl.lit(str(call.type(0)))}

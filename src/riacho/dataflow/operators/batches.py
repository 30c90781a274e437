"""Making, joining and ordering batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl

from riacho.dataflow.batch import Batch, WatermarkSteps
from riacho.dataflow.columns import polars_schema
from riacho.formats.buffered import frame_of, renamed
from riacho.plan.relations import Schema


def empty_batch(schema: Schema, watermark: WatermarkSteps) -> Batch:
    """No rows, only a watermark."""
    known = _no_rows.get(id(schema))
    if known is None or known[0] is not schema:
        if len(_no_rows) >= MOST_EMPTY:
            _no_rows.clear()
        known = _no_rows[id(schema)] = schema, pl.DataFrame(schema=polars_schema(schema))
    return Batch(known[1], NO_SEQUENCE, watermark)


MOST_EMPTY = 1024
"""Frames without rows that are kept."""

NO_SEQUENCE = np.empty(0, np.int64)

_no_rows: dict[int, tuple[Schema, pl.DataFrame]] = {}
"""By the identity of their schemas, whose hash takes longer than the rest of an empty batch: most passes need some."""


def concatenate(batches: list[Batch], names: tuple[str, ...], watermark: WatermarkSteps) -> Batch:
    """The rows of all batches in order of sequence, earlier batches first among equals.

    The frames agree in the number and types of their columns, which get these names.
    """
    filled = [batch for batch in batches if len(batch)] or batches[:1]
    if len(filled) == 1:
        (only,) = filled
        return Batch(renamed(only.rows, names), only.sequence, watermark, only.diff)
    frames = [frame_of(renamed(batch.rows, names)) for batch in filled]
    sequence = np.concatenate([batch.sequence for batch in filled])
    signed = any(batch.diff is not None for batch in filled)
    diff = np.concatenate([batch.signs() for batch in filled]) if signed else None
    order = np.argsort(sequence, kind="stable")
    return Batch(pl.concat(frames)[order], sequence[order], watermark, None if diff is None else diff[order])


def whole_output(parts: Iterable[tuple[int, Batch]], schema: Schema, inputs: Sequence[Batch]) -> Batch:
    """The output of a pass from its parts, each with the last sequence number that it is for.

    The inputs all have the operator's watermark.
    """
    batches = [batch for _, batch in parts]
    if len(batches) == 1:
        return batches[0]
    return concatenate(batches, schema.names, inputs[0].watermark)

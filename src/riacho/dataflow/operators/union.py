"""UNION ALL: the rows of all inputs in order of arrival."""

from __future__ import annotations

from riacho.dataflow.batch import Batch, WatermarkSteps
from riacho.dataflow.operators.batches import concatenate
from riacho.dataflow.operators.stateless import Stateless
from riacho.plan.relations import Union


class UnionOperator(Stateless):
    """Merges by sequence; its watermark is the least of its inputs'."""

    def __init__(self, relation: Union) -> None:
        self._names = relation.schema.names

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        watermark = WatermarkSteps.minimum([batch.watermark for batch in inputs])
        return concatenate(list(inputs), self._names, watermark)

"""UNION ALL: the rows of all inputs in order of arrival."""

from __future__ import annotations

from riacho.dataflow.batch import Batch
from riacho.dataflow.operators.batches import concatenate
from riacho.dataflow.operators.stateless import Stateless
from riacho.plan.relations import Union


class UnionOperator(Stateless):
    """Merges by sequence."""

    def __init__(self, relation: Union) -> None:
        self._names = relation.schema.names

    def process(self, inputs: tuple[Batch, ...]) -> Batch:
        return concatenate(list(inputs), self._names, inputs[0].watermark)

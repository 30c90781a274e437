"""Functions about types; CAST and TRY_CAST are their own expression. Source: Flink, Type Conversion Functions."""

from __future__ import annotations

from riacho.plan.types import STRING
from riacho.sql.functions.definition import FunctionDefinition
from riacho.sql.functions.parameters import any_type, boolean, function, gives_nullable

FUNCTIONS: tuple[FunctionDefinition, ...] = (
    FunctionDefinition(
        "TYPEOF",
        function("TYPEOF(value[, serializable])", (any_type, boolean), gives_nullable(STRING), "", optional=1).infer,
        "TYPEOF(value[, serializable])",
        "The SQL type of the expression, as text.",
        (1, 2),
    ),
)

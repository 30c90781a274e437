"""Riacho: a Kafka-compatible log, Flink-SQL jobs and live views, in one Python package.

`udf`, `udaf` and `udtf` declare Python functions for SQL; the classes are for functions with more than one method.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from riacho.user_functions import AggregateFunction, FunctionContext, ScalarFunction, TableFunction, udaf, udf, udtf

__all__ = ["AggregateFunction", "FunctionContext", "ScalarFunction", "TableFunction", "udaf", "udf", "udtf"]


def __getattr__(name: str) -> object:
    """What users import from here, imported when it is: a broker needs none of it."""
    if name not in __all__:
        raise AttributeError(f"module 'riacho' has no attribute {name!r}")
    from riacho import user_functions

    return getattr(user_functions, name)

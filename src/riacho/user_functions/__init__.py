"""Functions that users write in Python and call from SQL: how they are declared, found and typed.

Nothing here runs a query: `riacho.sql` resolves the types, `riacho.dataflow` calls the functions.
"""

from riacho.user_functions.classes import AggregateFunction, FunctionContext, ScalarFunction, TableFunction
from riacho.user_functions.declarations import udaf, udf, udtf

__all__ = ["AggregateFunction", "FunctionContext", "ScalarFunction", "TableFunction", "udaf", "udf", "udtf"]

"""Flink's built-in functions as the binder sees them: names, arguments and types. What they compute is elsewhere.

`bind` makes a checked call, `bind_cast` and `bind_case` the two forms that are not calls, `infer_aggregate` types an
aggregate. Special syntax is flattened to plain arguments, keywords becoming string literals:

- `EXTRACT(YEAR FROM t)` is `EXTRACT('YEAR', t)`; so `TIMESTAMPADD('HOUR', n, t)`, `TIMESTAMPDIFF('DAY', a, b)`;
- `FLOOR(t TO DAY)` and `CEIL(t TO DAY)` are `FLOOR(t, 'DAY')` and `CEIL(t, 'DAY')`;
- `TRIM(LEADING 'x' FROM s)` is `TRIM('LEADING', 'x', s)`; plain `TRIM(s)` is `TRIM('BOTH', ' ', s)`;
- `POSITION(a IN b)` is `POSITION(a, b)`; SUBSTRING and OVERLAY list their operands in the order of the text;
- `a [NOT] BETWEEN [SYMMETRIC] b AND c` is `[NOT] BETWEEN(a, b, c)` or `BETWEEN SYMMETRIC(a, b, c)`, `a IN (…)` is
  `IN(a, …)`, `a LIKE b ESCAPE c` is `LIKE(a, b, c)`, `SIMILAR TO` alike; the negations are `NOT` around them;
- `a IS JSON ARRAY` is `IS JSON(a, 'ARRAY')` (VALUE, SCALAR, ARRAY, OBJECT);
- JSON_EXISTS(json, path[, 'TRUE' | 'FALSE' | 'UNKNOWN' | 'ERROR']);
- JSON_VALUE(json, path[, a NULL literal of the RETURNING type[, empty behaviour, its default, error behaviour, its
  default]]) with behaviours 'NULL', 'ERROR', 'DEFAULT' (the default is a NULL literal elsewhere);
- JSON_QUERY(json, path[, 'WITHOUT' | 'CONDITIONAL' | 'UNCONDITIONAL'[, empty behaviour, error behaviour[, a NULL
  literal of the RETURNING type]]]) with behaviours 'NULL', 'ERROR', 'EMPTY ARRAY', 'EMPTY OBJECT';
- JSON_OBJECT('NULL' | 'ABSENT', key, value, …) and JSON_ARRAY('NULL' | 'ABSENT', value, …);
- a field of a row is `FIELD(row, 'name')`, an element `ITEM(array or map, index or key)`, constructors are `ROW(…)`,
  `ARRAY(…)` and `MAP(key, value, …)`; unary minus and plus are `-` and `+` of one argument.
"""

from riacho.sql.functions.aggregates import (
    AGGREGATES,
    AggregateDefinition,
    aggregate_definition,
    infer_aggregate,
    is_aggregate,
)
from riacho.sql.functions.casts import supports_cast
from riacho.sql.functions.coercion import casts_implicitly, coerce, common_type, least_restrictive_type
from riacho.sql.functions.definition import FunctionDefinition, FunctionError, Signature
from riacho.sql.functions.java_classes import JAVA_CLASSES
from riacho.sql.functions.registry import (
    DEFINITIONS,
    FAMILIES,
    bind,
    bind_case,
    bind_cast,
    bind_definition,
    is_function,
    lookup,
    nearest,
)

__all__ = [
    "AGGREGATES",
    "DEFINITIONS",
    "FAMILIES",
    "JAVA_CLASSES",
    "AggregateDefinition",
    "FunctionDefinition",
    "FunctionError",
    "Signature",
    "aggregate_definition",
    "bind",
    "bind_case",
    "bind_cast",
    "bind_definition",
    "casts_implicitly",
    "coerce",
    "common_type",
    "infer_aggregate",
    "is_aggregate",
    "is_function",
    "least_restrictive_type",
    "lookup",
    "nearest",
    "supports_cast",
]

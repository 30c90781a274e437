"""Three-valued logic. Source: Flink, "System Functions", Logical Functions."""

from __future__ import annotations

from riacho.plan.types import BOOLEAN
from riacho.sql.functions.definition import FunctionDefinition
from riacho.sql.functions.parameters import boolean, function, gives, gives_never_null, takes

FUNCTIONS: tuple[FunctionDefinition, ...] = (
    FunctionDefinition(
        "AND",
        takes("AND", (boolean, boolean), gives(BOOLEAN), repeat=True),
        "a AND b",
        "FALSE where one is FALSE, else NULL where one is NULL. A later operand cannot fail where an earlier is FALSE.",
        (2, None),
    ),
    FunctionDefinition(
        "OR",
        takes("OR", (boolean, boolean), gives(BOOLEAN), repeat=True),
        "a OR b",
        "TRUE where one is TRUE, else NULL where one is NULL. A later operand cannot fail where an earlier is TRUE.",
        (2, None),
    ),
    function("NOT(boolean)", (boolean,), gives(BOOLEAN), "The opposite; NULL of NULL."),
    function("IS TRUE(boolean)", (boolean,), gives_never_null(BOOLEAN), "Whether it is TRUE, not NULL."),
    function("IS NOT TRUE(boolean)", (boolean,), gives_never_null(BOOLEAN), "Whether it is FALSE or NULL."),
    function("IS FALSE(boolean)", (boolean,), gives_never_null(BOOLEAN), "Whether it is FALSE, not NULL."),
    function("IS NOT FALSE(boolean)", (boolean,), gives_never_null(BOOLEAN), "Whether it is TRUE or NULL."),
    function("IS UNKNOWN(boolean)", (boolean,), gives_never_null(BOOLEAN), "Whether it is NULL."),
    function("IS NOT UNKNOWN(boolean)", (boolean,), gives_never_null(BOOLEAN), "Whether it is not NULL."),
)

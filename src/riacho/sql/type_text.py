"""A data type that stands alone, as in `@riacho.udf(result_type="DECIMAL(10, 2)")`."""

from __future__ import annotations

from sqlglot.errors import ParseError, TokenError

from riacho.errors import UsageError
from riacho.plan.types import DataType
from riacho.sql.dialect import RiachoFlink
from riacho.sql.grammar import Grammar


def read_type(text: str) -> DataType:
    """The type that SQL writes so. Raises `UsageError`.

    >>> str(read_type("ARRAY<INT NOT NULL>"))
    'ARRAY<INT NOT NULL>'
    """
    parser = RiachoFlink().parser()
    assert isinstance(parser, Grammar)
    try:
        parser.begin(RiachoFlink().tokenize(text), text)
        found = parser.data_type()
        parser.finish()
    except (ParseError, TokenError) as fault:
        message = getattr(fault, "message", None) or "it is no SQL"
        shown = message if f"'{text}'" in message else f"'{text}' is no data type: {message}"
        raise UsageError(shown, mend=getattr(fault, "suggestion", None)) from None
    return found

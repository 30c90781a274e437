"""What a format must know of a table's columns, without knowing SQL's types."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import polars as pl


class Kind(Enum):
    """How a value is written. Intervals are INTEGER: their number of milliseconds or months."""

    BOOLEAN = "BOOLEAN"
    INTEGER = "INTEGER"
    FLOAT = "FLOAT"
    DECIMAL = "DECIMAL"
    STRING = "STRING"
    BYTES = "BYTES"
    DATE = "DATE"
    TIME = "TIME"
    TIMESTAMP = "TIMESTAMP"
    TIMESTAMP_LTZ = "TIMESTAMP_LTZ"
    ARRAY = "ARRAY"
    MAP = "MAP"
    ROW = "ROW"


@dataclass(frozen=True, slots=True)
class FieldType:
    """A column's type. `name` is how SQL writes it, for messages.

    `bits` is the width of INTEGER and FLOAT; `precision` the digits of DECIMAL, or of a time's fraction; `children`
    the fields of a ROW, the element of an ARRAY, the key and value of a MAP; `nullable` is for formats with a schema.
    """

    kind: Kind
    name: str
    bits: int = 0
    precision: int = 0
    scale: int = 0
    children: tuple[Field, ...] = ()
    nullable: bool = True

    def polars(self) -> pl.DataType:
        """How decoded values of the type are kept in a frame.

        >>> FieldType(Kind.DECIMAL, "DECIMAL(10, 2)", precision=10, scale=2).polars()
        Decimal(precision=10, scale=2)
        """
        match self.kind:
            case Kind.BOOLEAN:
                return pl.Boolean()
            case Kind.INTEGER:
                return {8: pl.Int8(), 16: pl.Int16(), 32: pl.Int32(), 64: pl.Int64()}[self.bits]
            case Kind.FLOAT:
                return pl.Float32() if self.bits == 32 else pl.Float64()
            case Kind.DECIMAL:
                return pl.Decimal(self.precision, self.scale)
            case Kind.STRING:
                return pl.String()
            case Kind.BYTES:
                return pl.Binary()
            case Kind.DATE:
                return pl.Date()
            case Kind.TIME:
                return pl.Time()
            case Kind.TIMESTAMP:
                return pl.Datetime("us")
            case Kind.TIMESTAMP_LTZ:
                return pl.Datetime("us", "UTC")
            case Kind.ARRAY:
                return pl.List(self.children[0].type.polars())
            case Kind.MAP | Kind.ROW:
                struct = pl.Struct({child.name: child.type.polars() for child in self.children})
                return pl.List(struct) if self.kind is Kind.MAP else struct


@dataclass(frozen=True, slots=True)
class Field:
    """A column: its name as the format writes it, and its type."""

    name: str
    type: FieldType

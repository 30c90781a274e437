"""Tables as CREATE TABLE describes them: columns, watermark, primary key and connector options."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from riacho.plan.expressions import Expression
from riacho.plan.types import DataType


class ColumnKind(Enum):
    PHYSICAL = "physical"
    METADATA = "metadata"
    COMPUTED = "computed"


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of a table. Source: Flink, CREATE TABLE, "Columns".

    `expression` is a computed column's, over the table's stored columns. `metadata_key` is what a metadata column
    reads (`FROM 'key'`, or its own name); a VIRTUAL one is not written.
    """

    name: str
    type: DataType
    kind: ColumnKind = ColumnKind.PHYSICAL
    expression: Expression | None = None
    metadata_key: str | None = None
    virtual: bool = False
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class WatermarkDefinition:
    """WATERMARK FOR `column` AS `expression`, over all columns of the table in their order."""

    column: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the catalog. Equal tables are one scan."""

    name: str
    columns: tuple[TableColumn, ...]
    options: tuple[tuple[str, str], ...]
    """WITH options, sorted by key; variables filled in."""
    primary_key: tuple[str, ...] = ()
    watermark: WatermarkDefinition | None = None
    partitioned_by: tuple[str, ...] = ()
    """The columns that are in the names of directories, not in the files."""
    origin: str | None = field(default=None, compare=False)
    """Where it was defined, for errors: `jobs/delays.sql:3`."""

    @property
    def connector(self) -> str:
        return self.option("connector") or ""

    def option(self, key: str) -> str | None:
        """The value of a WITH option, or None."""
        return dict(self.options).get(key)

    @property
    def stored_columns(self) -> tuple[TableColumn, ...]:
        """What a scan delivers: physical and metadata columns, in order."""
        return tuple(column for column in self.columns if column.kind is not ColumnKind.COMPUTED)

    @property
    def persisted_columns(self) -> tuple[TableColumn, ...]:
        """What a sink takes: physical columns and metadata columns that are not VIRTUAL, in order."""
        return tuple(
            column
            for column in self.columns
            if column.kind is ColumnKind.PHYSICAL or (column.kind is ColumnKind.METADATA and not column.virtual)
        )

    def column(self, name: str) -> TableColumn:
        """Raises `KeyError` for an unknown name."""
        for item in self.columns:
            if item.name == name:
                return item
        raise KeyError(name)

"""The Ibis backend: a session of Flink SQL whose tables are topics, read up to their present end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.operations as ops
import ibis.expr.schema as sch
import ibis.expr.types as ir
import polars as pl
import pyarrow as pa
from ibis.backends import NoExampleLoader, NoUrl, SupportsTempTables
from ibis.backends.sql import SQLBackend
from ibis.expr.api import Watermark

from riacho import __version__
from riacho.client.admin import Admin
from riacho.client.cluster import Cluster
from riacho.client.reaching import connected, named_topics
from riacho.dataflow.connectors import check_table
from riacho.errors import UsageError
from riacho.ibis.compiler import compiler
from riacho.ibis.functions import function_name, module_of, python_functions
from riacho.ibis.progress import Progress
from riacho.ibis.results import to_arrow
from riacho.ibis.tables import create_table, quoted, sample_schema
from riacho.ibis.types import schema_of
from riacho.jobs.bounded_query import query_result, run_insert
from riacho.jobs.questions import answer
from riacho.plan.relations import Job, Schema
from riacho.sql.ordering import OrderedQuery
from riacho.sql.scans import scan
from riacho.sql.session import JobQuestion, Session, StatementResult
from riacho.user_functions.loading import PythonModules

Settings = dict[str, str]

_QUERY = "riacho_sql"
"""What Ibis makes the names of the views from that hold queries in SQL."""


class Backend(SupportsTempTables, SQLBackend, NoUrl, NoExampleLoader):
    """Made by `riacho.ibis.connect`. Tables come from DDL (`raw_sql`, `create_table`) and from topics (`topic`).

    `execute`, `to_pyarrow` and `to_polars` read every topic up to the end that it has now; `riacho.ibis.start` runs an
    expression for good.
    """

    name = "riacho"
    compiler = compiler
    supports_temporary_tables = True
    supports_python_udfs = True

    kafka: str
    session: Session
    python: dict[str, Path]
    """The modules of the functions of Ibis that expressions called so far, by the functions' names in SQL."""

    def do_connect(self, kafka: str, *, progress: bool = True) -> None:
        with connected(kafka, "ibis", mend="start one with `riacho up`, or give the address of yours"):
            pass
        self.kafka = kafka
        self.session = Session({"KAFKA": kafka}, check_table)
        self.python = {}
        self._progress = progress

    def disconnect(self) -> None:
        """There is no connection between calls."""

    @property
    def version(self) -> str:
        return __version__

    # ---- statements -------------------------------------------------------------------------------------------

    def raw_sql(self, query: str, /) -> list[Any]:
        """Run statements of Flink SQL; what each gives that gives something: rows, rows written by table, or a text.

        Raises `SqlError`.
        """
        results: list[Any] = []
        for step in self.session.steps(query):
            if isinstance(step, StatementResult):
                results.append(step.text)
            elif isinstance(step, Job):
                results.append(run_insert(step, self.kafka))
            elif isinstance(step, JobQuestion):
                results.append(answer(step, self.kafka))
            else:
                results.append(self._rows(step))
        return results

    @contextlib.contextmanager
    def _safe_raw_sql(self, query: Any) -> Iterator[None]:
        self.raw_sql(query if isinstance(query, str) else query.sql(dialect=self.dialect))
        yield None

    def _rows(self, query: OrderedQuery) -> pl.DataFrame:
        with Progress(shown=self._progress) as progress:
            return query_result(query, self.session.options, self.kafka, progress.show).frame

    # ---- tables -----------------------------------------------------------------------------------------------

    def list_tables(self, *, like: str | None = None, database: Any = None) -> list[str]:
        """The tables and views of this session, but for those that `sql` made."""
        names = [*self.session.catalog.tables, *self.session.catalog.views]
        return self._filter_with_like([name for name in names if not name.startswith(f"ibis_{_QUERY}_")], like)

    def list_topics(self, *, like: str | None = None) -> list[str]:
        """The cluster's topics."""
        with connected(self.kafka, "ibis") as cluster:
            names = [topic.name for topic in Admin(cluster).list_topics(internal=False)]
        return self._filter_with_like(sorted(names), like)

    def get_schema(self, table_name: str, *, catalog: str | None = None, database: str | None = None) -> sch.Schema:
        """The columns of a table or view. Raises Ibis's `TableNotFound`."""
        return schema_of(self._relation_schema(table_name))

    def _relation_schema(self, name: str) -> Schema:
        catalog = self.session.catalog
        if name in catalog.views:
            return catalog.views[name].relation.schema
        if name not in catalog.tables:
            raise ibis.common.exceptions.TableNotFound(name)
        return scan(catalog.tables[name], self.session.options).schema

    def _get_schema_using_query(self, query: str) -> sch.Schema:
        return schema_of(self.session.query(query).schema)

    def sql(self, query: str, /, *, schema: Any = None, dialect: str | None = None) -> ir.Table:
        """A table of what a query in Flink SQL gives. It becomes a view: Ibis need not understand its text."""
        if dialect is not None:
            query = self._transpile_sql(query, dialect=dialect)
        self.session.query(query)  # an error is told with its place in this text
        name = ibis.util.gen_name(_QUERY)
        self.raw_sql(f"CREATE TEMPORARY VIEW {quoted(name)} AS {query.strip().rstrip(';')}")
        table = self.table(name)
        return table if schema is None else table.cast(schema)

    def topic(
        self,
        name: str,
        /,
        *,
        schema: Any = None,
        table: str | None = None,
        format: str = "json",  # noqa: A002 - Flink's name of the option
        watermark: Watermark | None = None,
        options: Settings | None = None,
    ) -> ir.Table:
        """A topic as a table of the same name (or `table`); without `schema` its first JSON records tell the columns.

        `options` are further WITH options of the 'kafka' connector. Called again it gives the same table, so that the
        cells of a notebook can be. Raises `UsageError` where there is no such topic, or another table of the name.
        """
        given = dict(options or {})
        with connected(self.kafka, "ibis") as cluster:
            schema = self._sampled(cluster, name, format, given) if schema is None else ibis.schema(schema)
        settings = {"connector": "kafka", "topic": name, "format": format, "scan.startup.mode": "earliest-offset"}
        settings["properties.bootstrap.servers"] = self.kafka
        own, settings = table or name, settings | given
        if own in self.session.catalog.tables:
            text = create_table(own, schema, settings, watermark=_row_time(watermark))
            made = [known for known in self.session.definitions if known.startswith(f"CREATE TABLE {quoted(own)} ")]
            if made[-1:] != [text]:
                raise UsageError(
                    f"there is a table {own!r} already, described otherwise",
                    mend=f"con.drop_table({own!r}) first, or call this one otherwise: table='…'",
                )
            return self.table(own)
        return self.create_table(own, schema=schema, tbl_properties=settings, watermark=watermark)

    def _sampled(self, cluster: Cluster, topic: str, form: str, options: Settings) -> sch.Schema:
        (found,) = named_topics(cluster, [topic])
        if form != "json":
            raise UsageError(f"only records of JSON tell their columns, not '{form}'", mend="give schema=…")
        schema, format_options = sample_schema(cluster, topic, len(found.partitions))
        for key, value in format_options.items():
            options.setdefault(key, value)
        return schema

    def create_table(
        self,
        name: str,
        /,
        obj: ir.Table | None = None,
        *,
        schema: Any = None,
        database: str | None = None,
        temp: bool = False,  # every table lives as long as the session
        overwrite: bool = False,
        tbl_properties: Mapping[str, Any] | None = None,
        watermark: Watermark | None = None,
        primary_key: str | list[str] | None = None,
    ) -> ir.Table:
        """Describe a table: its columns (`schema`, or those of the expression `obj`) and its WITH options.

        With `obj` nothing is written: `insert` writes once, `riacho.ibis.start` for good.
        """
        if not tbl_properties:
            raise UsageError(
                "a table needs its WITH options, which say where its rows are",
                mend="give tbl_properties={'connector': 'kafka', 'topic': …, 'format': 'json'}",
            )
        if schema is None and obj is None:
            raise UsageError("a table needs its columns", mend="give schema=… or an expression")
        columns = ibis.schema(schema) if schema is not None else obj.as_table().schema()  # type: ignore[union-attr]
        if overwrite and name in self.session.catalog.tables:
            self.drop_table(name)
        key = [primary_key] if isinstance(primary_key, str) else primary_key or []
        options = {key: str(value) for key, value in tbl_properties.items()}
        self.raw_sql(create_table(name, columns, options, watermark=_row_time(watermark), primary_key=key))
        return self.table(name)

    def drop_table(self, name: str, /, *, database: Any = None, force: bool = False) -> None:
        self.raw_sql(f"DROP TABLE {'IF EXISTS ' if force else ''}{quoted(name)}")

    def create_view(
        self,
        name: str,
        /,
        obj: ir.Table,
        *,
        database: str | None = None,
        overwrite: bool = False,
    ) -> ir.Table:
        self._run_pre_execute_hooks(obj)
        self.raw_sql(f"CREATE {'OR REPLACE ' if overwrite else ''}VIEW {quoted(name)} AS {self.compile(obj)}")
        return self.table(name)

    def drop_view(self, name: str, /, *, database: str | None = None, force: bool = False) -> None:
        self.raw_sql(f"DROP VIEW {'IF EXISTS ' if force else ''}{quoted(name)}")

    def insert(self, name: str, /, obj: Any, *, database: str | None = None, overwrite: bool = False) -> None:
        """Write what an expression gives now into a table."""
        if overwrite:
            raise UsageError("a stream's table cannot be overwritten", mend="leave overwrite away")
        source = obj if isinstance(obj, ir.Expr) else ibis.memtable(obj)
        self.raw_sql(insert_statement(self, name, source))

    def _register_udfs(self, expr: ir.Expr) -> None:
        """Give the session the Python functions that an expression calls."""
        new = {function_name(op): module_of(op) for op in python_functions(expr)}
        new = {name: module for name, module in new.items() if name not in self.python}
        self.python |= new
        self.session.modules = PythonModules(list(self.python.values()))
        for name, module in new.items():
            self.raw_sql(f"CREATE FUNCTION {quoted(name)} AS '{module.stem}.function' LANGUAGE PYTHON")

    def _register_in_memory_table(self, op: ops.InMemoryTable) -> None:
        """Its rows stand in the query itself."""

    # ---- results ----------------------------------------------------------------------------------------------

    def to_pyarrow(self, expr: ir.Expr, /, *, params: Any = None, limit: Any = None, **_: Any) -> Any:
        """The expression's rows, up to the present end of its topics."""
        self._run_pre_execute_hooks(expr)
        table = expr.as_table()
        (rows,) = self.raw_sql(self.compile(table, params=params, limit=limit))
        return expr.__pyarrow_result__(to_arrow(rows, table.schema()))

    def to_pyarrow_batches(
        self, expr: ir.Expr, /, *, params: Any = None, limit: Any = None, chunk_size: int = 1_000_000, **_: Any
    ) -> pa.ipc.RecordBatchReader:
        table = self.to_pyarrow(expr.as_table(), params=params, limit=limit)
        return pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=chunk_size))

    def execute(self, expr: ir.Expr, /, *, params: Any = None, limit: Any = None, **_: Any) -> Any:
        from ibis.formats.pandas import PandasData

        table = expr.as_table()
        frame = self.to_pyarrow(table, params=params, limit=limit).to_pandas(timestamp_as_object=False)
        return expr.__pandas_result__(PandasData.convert_table(frame, table.schema()))


def insert_statement(backend: Backend, table: str, expr: ir.Expr) -> str:
    """INSERT INTO the table what the expression gives, whose functions the session knows from now on."""
    backend._run_pre_execute_hooks(expr)
    names = ", ".join(quoted(name) for name in expr.as_table().schema())
    return f"INSERT INTO {quoted(table)} ({names})\n{backend.compile(expr.as_table(), pretty=True)}"


def _row_time(watermark: Watermark | None) -> tuple[str, str] | None:
    """The row time's column and how far rows may lag, as an SQL interval."""
    return None if watermark is None else (str(watermark.time_col), _interval(watermark.allowed_delay))


def _interval(expr: ir.IntervalScalar) -> str:
    """A literal interval as SQL writes it."""
    op = expr.op()
    assert isinstance(op, ops.Literal)
    return f"INTERVAL '{op.value}' {op.dtype.unit.name}"

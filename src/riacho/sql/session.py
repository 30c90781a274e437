"""A session: runs a script's statements against its catalog and hands back the jobs that are to run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from riacho.plan.expressions import Position
from riacho.plan.passes import optimize_together
from riacho.plan.passes.multi_join import STRATEGY, recognize_multi_joins
from riacho.plan.passes.row_keys import keep_row_keys
from riacho.plan.passes.upsert_materialize import UPSERT_MATERIALIZE, materialize_upserts
from riacho.plan.relations import Job, Relation
from riacho.sql.batch import batch_sink, bind_batch, in_batch, is_batch
from riacho.sql.catalog import Catalog
from riacho.sql.catalog_statements import CatalogStatements
from riacho.sql.emit_strategy import check_emission
from riacho.sql.explain import explain
from riacho.sql.function_statements import FunctionBinder
from riacho.sql.hints import CheckTable
from riacho.sql.inserts import InsertBinder
from riacho.sql.modules import run_module_statement
from riacho.sql.options import is_known, read_option, suggestion_for
from riacho.sql.ordering import OrderedQuery, bind_ordered
from riacho.sql.queries import QueryBinder
from riacho.sql.show import Answers
from riacho.sql.source import SourceText
from riacho.sql.state_ttl import TIME_TO_LIVE
from riacho.sql.statement_grammar import read_script
from riacho.sql.statements import (
    AlterTable,
    AlterView,
    CatalogStatement,
    CreateFunction,
    CreateTable,
    CreateView,
    Describe,
    Drop,
    DropFunction,
    Explain,
    Insert,
    JobStatement,
    ModuleStatement,
    ResetOption,
    Select,
    SetOption,
    Show,
    Statement,
    StatementSet,
)
from riacho.sql.stream_checks import check_batch, check_stream, warn_of_extensions
from riacho.sql.table_statements import TableStatements
from riacho.sql.user_functions import mark_functions
from riacho.user_functions.loading import PythonModules

Step = TypeVar("Step", bound=Relation)

_REPORTS = (Describe, Explain, Insert, JobStatement, ModuleStatement, Select, Show, StatementSet)
"""Statements that leave the session as it is."""


@dataclass(frozen=True, slots=True)
class StatementResult:
    """What EXPLAIN, SHOW, DESCRIBE or SET without arguments has to say."""

    statement: str
    text: str
    position: Position
    explained: Job | None = None
    """What EXPLAIN tells of. A session knows of no costs, but a job that runs is measured."""
    asks_costs: bool = False


ASKED = "give it to `riacho sql`, or use `riacho job`"


@dataclass(frozen=True, slots=True)
class JobQuestion:
    """SHOW JOBS, DESCRIBE JOB or STOP JOB (`verb`), which only who has a platform can answer."""

    verb: str
    job: str | None
    position: Position

    @property
    def statement(self) -> str:
        """What it is called."""
        return "SHOW JOBS" if self.job is None else f"{self.verb} JOB"


@dataclass(frozen=True, slots=True)
class Script:
    """What a script asks for: its jobs in order, and the texts of the statements that only report."""

    jobs: tuple[Job, ...]
    results: tuple[StatementResult, ...]
    catalog: Catalog


@dataclass(slots=True)
class _Progress:
    """One `execute` under way."""

    source: SourceText
    jobs: list[Job] = field(default_factory=list)
    results: list[StatementResult] = field(default_factory=list)


@dataclass(slots=True)
class Session:
    """Tables, views and options that live from one statement to the next.

    `variables` fill `${NAME}`; `check_table` validates the connector options of every table; `modules` hold the Python
    functions.

    >>> session = Session()
    >>> script = session.execute('''
    ...     CREATE TABLE numbers (n INT) WITH ('connector' = 'datagen');
    ...     CREATE TABLE output (n BIGINT) WITH ('connector' = 'print');
    ...     INSERT INTO output SELECT n * 2 FROM numbers WHERE n > 0;
    ... ''')
    >>> [sink.table.name for job in script.jobs for sink in job.sinks]
    ['output']
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    check_table: CheckTable | None = None
    catalog: Catalog = field(default_factory=Catalog)
    options: dict[str, str] = field(default_factory=dict)
    modules: PythonModules = field(default_factory=PythonModules)
    definitions: list[str] = field(default_factory=list)
    """The statements so far that made what the session knows: another one that runs them knows the same."""

    def execute(self, text: str, file_name: str | None = None) -> Script:
        """Run every statement. Raises `SqlError` at the first that is wrong; those before it have taken effect."""
        progress = _Progress(SourceText.read(text, file_name, self.variables))
        for statement in read_script(progress.source):
            try:
                self._run(statement, progress)
            except RecursionError:
                raise progress.source.too_deep(statement.start) from None
        return Script(tuple(progress.jobs), tuple(progress.results), self.catalog)

    def steps(
        self, text: str, file_name: str | None = None
    ) -> Iterator[OrderedQuery | Job | StatementResult | JobQuestion]:
        """Run the statements one by one: a query alone is handed over, optimized, with the order of its rows.

        SHOW JOBS and its like are handed over too: a session knows of no platform. A statement is run once what the one
        before it gave was taken. Raises `SqlError`, as `execute` does.
        """
        progress = _Progress(SourceText.read(text, file_name, self.variables))
        for statement in read_script(progress.source):
            try:
                if isinstance(statement, Select):
                    self._mark(statement)
                    query = bind_ordered(statement.query, self._binder(progress.source).bind, progress.source)
                    (relation,) = self._optimized((query.relation,), progress.source)
                    yield replace(query, relation=relation)
                    continue
                if isinstance(statement, JobStatement):
                    yield self._question(statement, progress.source)
                    continue
                self._run(statement, progress)
            except RecursionError:
                raise progress.source.too_deep(statement.start) from None
            yield from progress.jobs
            yield from progress.results
            progress.jobs.clear()
            progress.results.clear()

    def query(self, text: str, file_name: str | None = None) -> Relation:
        """The optimized relation of a single query. Raises `SqlError`."""
        source = SourceText.read(text, file_name, self.variables)
        statements = list(read_script(source))
        if len(statements) != 1 or not isinstance(statements[0], Select):
            place = statements[0].start if statements else 0
            source.fail("expected one query (SELECT, VALUES or WITH)", place)
        self._mark(statements[0])
        return self._optimized((self._query(statements[0], source),), source)[0]

    # ---- statements -------------------------------------------------------------------------------------------

    def _run(self, statement: Statement, progress: _Progress) -> None:
        source = progress.source
        self._mark(statement)
        match statement:
            case CreateTable():
                insert = self._tables(source).create(statement)
                if insert is not None:
                    progress.jobs.append(self._job((insert,), source))
            case AlterTable():
                self._tables(source).alter(statement)
            case CreateView():
                self._tables(source).create_view(statement)
            case AlterView():
                self._tables(source).alter_view(statement)
            case CatalogStatement():
                CatalogStatements(source, self.catalog).run(statement)
            case CreateFunction():
                FunctionBinder(source, self.catalog, self.modules).create(statement)
            case DropFunction():
                FunctionBinder(source, self.catalog, self.modules).drop(statement)
            case Drop():
                self._tables(source).drop(statement)
            case Insert():
                progress.jobs.append(self._job((statement,), source))
            case StatementSet():
                progress.jobs.append(self._job(statement.inserts, source))
            case SetOption():
                self._set(statement, progress)
            case ResetOption():
                self._reset(statement, source)
            case Explain():
                text, job = self._explain(statement, source)
                position, costs = source.position(statement.start), "ESTIMATED_COST" in statement.details
                progress.results.append(StatementResult("EXPLAIN", text, position, job, costs))
            case Show():
                text = Answers(source, self.catalog).show(statement)
                self._report(progress, statement, f"SHOW {statement.kind}", text)
            case Describe():
                text = Answers(source, self.catalog).describe(statement)
                self._report(progress, statement, "DESCRIBE", text)
            case ModuleStatement():
                run_module_statement(statement, source)
            case JobStatement():
                question = self._question(statement, source)
                source.fail(f"{question.statement} asks a platform, which a script does not do", statement.start, ASKED)
            case Select():
                source.fail(
                    "a query alone has nowhere to put its rows",
                    statement.start,
                    "write INSERT INTO a table, or EXPLAIN",
                )
        if not isinstance(statement, _REPORTS):
            self.definitions.append(source.expanded[statement.start : statement.end])

    def _question(self, statement: JobStatement, source: SourceText) -> JobQuestion:
        job = None if statement.job is None else str(statement.job.this)
        return JobQuestion(statement.verb, job, source.position(statement.start))

    def _mark(self, statement: Statement) -> None:
        mark_functions(statement, self.catalog.functions, self.catalog.current)

    def _report(self, progress: _Progress, statement: Statement, name: str, text: str) -> None:
        progress.results.append(StatementResult(name, text, progress.source.position(statement.start)))

    def _tables(self, source: SourceText) -> TableStatements:
        return TableStatements(source, self.catalog, lambda: self._binder(source), self.check_table)

    def _set(self, statement: SetOption, progress: _Progress) -> None:
        if statement.option is None:
            text = "\n".join(f"'{key}' = '{value}'" for key, value in sorted(self.options.items()))
            self._report(progress, statement, "SET", text)
            return
        key = str(statement.option.key.this)
        try:
            self.options[key] = read_option(key, str(statement.option.value.this))
        except KeyError:
            progress.source.fail(f"the option '{key}' does not exist", statement.option.key, suggestion_for(key))
        except ValueError as error:
            progress.source.fail(f"'{key}': {error}", statement.option.value)

    def _reset(self, statement: ResetOption, source: SourceText) -> None:
        if statement.key is None:
            self.options.clear()
            return
        key = str(statement.key.this)
        if not is_known(key):
            source.fail(f"the option '{key}' does not exist", statement.key, suggestion_for(key))
        self.options.pop(key, None)

    def _explain(self, statement: Explain, source: SourceText) -> tuple[str, Job | None]:
        """What EXPLAIN says, and the job that the statement would be."""
        if "PLAN_ADVICE" in statement.details and is_batch(self.options):
            source.fail("EXPLAIN PLAN_ADVICE is not supported in batch mode", statement.start, "leave PLAN_ADVICE out")
        target = statement.target
        written: tuple[Relation, ...]
        if isinstance(target, Select):
            if is_batch(self.options):
                written = (bind_batch(target.query, self._binder(source).bind, source),)
                (optimized,) = self._optimized(written, source)
                return self._explained(written, (in_batch(optimized, source, target.start),), statement), None
            written = (self._query(target, source),)
            return self._explained(written, self._optimized(written, source), statement), None
        if isinstance(target, CreateTable):
            with self.catalog.restored():
                insert = self._tables(source).create(target)
                if insert is None:
                    return f"the table {target.table.name} exists already: nothing would run", None
                return self._explain(replace(statement, target=insert), source)
        inserts = (target,) if isinstance(target, Insert) else target.inserts
        written = tuple(self._inserts(source).bind(insert) for insert in inserts)
        job = self._job(inserts, source)
        return self._explained(written, job.sinks, statement), job

    def _explained(self, written: tuple[Relation, ...], optimized: tuple[Relation, ...], statement: Explain) -> str:
        forgets = int(self.options.get(TIME_TO_LIVE, "0")) > 0
        return explain(written, optimized, statement.details, forgets=forgets)

    # ---- jobs -------------------------------------------------------------------------------------------------

    def _binder(self, source: SourceText) -> QueryBinder:
        return QueryBinder(source, self.catalog, self.options, self.check_table)

    def _inserts(self, source: SourceText) -> InsertBinder:
        return InsertBinder(source, self.catalog, self.options, self.check_table)

    def _query(self, statement: Select, source: SourceText) -> Relation:
        return self._binder(source).bind(statement.query)

    def _job(self, inserts: tuple[Insert, ...], source: SourceText) -> Job:
        binder = self._inserts(source)
        sinks = self._optimized(tuple(binder.bind(insert) for insert in inserts), source)
        options = tuple(sorted(self.options.items()))
        if is_batch(self.options):
            pairs = zip(sinks, inserts, strict=True)
            return Job(tuple(batch_sink(sink, source, insert.table) for sink, insert in pairs), options)
        for insert, sink in zip(inserts, sinks, strict=True):
            binder.check_changelog(sink, insert)
        strategy = self.options.get(UPSERT_MATERIALIZE, "AUTO")
        sinks = tuple(keep_row_keys(materialize_upserts(sink, strategy)) for sink in sinks)
        return Job(sinks, options)

    def _optimized(self, relations: tuple[Step, ...], source: SourceText) -> tuple[Step, ...]:
        """The plans of one job, rewritten and found possible in a stream, or in a batch."""
        optimized = optimize_together(relations)
        for relation in optimized:
            if is_batch(self.options):
                check_batch(relation, source)
                continue
            check_stream(relation, source)
            check_emission(relation, self.options, source)
            warn_of_extensions(relation, source)
        lives_for_ever = is_batch(self.options) or int(self.options.get(TIME_TO_LIVE, "0")) == 0
        if not lives_for_ever:
            return optimized
        return recognize_multi_joins(optimized, by_several_keys=self.options.get(STRATEGY, "AUTO") != "NONE")


def compile_script(
    text: str,
    file_name: str | None = None,
    variables: Mapping[str, str] | None = None,
    check_table: CheckTable | None = None,
    modules: PythonModules | None = None,
) -> Script:
    """The jobs of a script, in a session of its own. Raises `SqlError`."""
    session = Session(variables or {}, check_table, modules=modules or PythonModules())
    return session.execute(text, file_name)

"""`riacho sql`: Flink SQL over topics as they are now."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from riacho.cli.ending import interrupted_by_signals
from riacho.cli.options import DEFAULT_KAFKA, Kafka
from riacho.cli.phrases import counted
from riacho.cli.scripts import (
    Assignments,
    PythonFiles,
    ScriptCommand,
    ScriptFile,
    all_variables,
    python_modules,
    texts_of,
)
from riacho.client.reaching import connected
from riacho.errors import RiachoError, UsageError

if TYPE_CHECKING:
    from riacho.formats.decoding import Spans
    from riacho.jobs.bounded_query import QueryResult
    from riacho.plan.relations import Job
    from riacho.sql.errors import SqlError
    from riacho.sql.session import JobQuestion
    from riacho.user_functions.loading import PythonModules

app = typer.Typer()


class Form(Enum):
    """How rows are printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


@app.command(cls=ScriptCommand)
def sql(
    statements: Annotated[
        list[str] | None,
        typer.Option("--execute", "-e", metavar="TEXT", help="Statements, with semicolons between. Repeatable."),
    ] = None,
    file: Annotated[
        ScriptFile | None,
        typer.Option(
            "--file", "-f", parser=ScriptFile.read, metavar="FILE", help="A script; before the TEXT of -e, if any."
        ),
    ] = None,
    kafka: Kafka = DEFAULT_KAFKA,
    assignments: Assignments = None,
    python: PythonFiles = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object a row.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, the column names first.")] = False,
) -> None:
    """Run statements of Flink SQL and print what their queries give.

    Tables over topics are read from their start (unless they say otherwise) to the end that they have now, so every
    query ends; of one whose rows change, the final rows are printed. ORDER BY, LIMIT and OFFSET may end a query. INSERT
    INTO copies what is there now. SHOW JOBS, DESCRIBE JOB and STOP JOB ask the platform at --kafka. A script without
    statements is no error.

    \b
        riacho sql -f tables.sql -e 'SELECT * FROM flights'
        riacho sql --json -e "
            CREATE TABLE bids (auction BIGINT, price DOUBLE)
            WITH ('connector' = 'kafka', 'topic' = 'bids',
            'format' = 'json');
            SELECT auction, MAX(price) AS highest FROM bids
            GROUP BY auction ORDER BY highest DESC LIMIT 3"
    """

    if file is None and not any(text.strip() for text in statements or ()):
        raise UsageError("there is nothing to run", mend="give statements with -e TEXT, or a script with -f FILE")
    if as_json and as_csv:
        raise UsageError("--json and --csv contradict each other", mend="give one")
    form = Form.JSON if as_json else Form.CSV if as_csv else Form.TABLE
    variables = all_variables(kafka, assignments)
    with interrupted_by_signals():
        try:
            _run(texts_of(file, statements), variables, kafka, form, python_modules(python))
        except KeyboardInterrupt:
            raise RiachoError("interrupted before the end") from None


def _run(
    texts: Iterable[tuple[str, str]], variables: dict[str, str], kafka: str, form: Form, modules: PythonModules
) -> None:
    """Run the statements of all texts in one session."""
    from riacho.dataflow.connectors import check_table
    from riacho.plan.relations import Job
    from riacho.sql.errors import SqlError
    from riacho.sql.session import JobQuestion, Session, StatementResult

    session = Session(variables, check_table, modules=modules)
    for name, text in texts:
        try:
            for step in session.steps(text, name):
                if isinstance(step, StatementResult):
                    typer.echo(step.text)
                    if step.explained is not None:
                        _print_measured(step.explained, kafka, asked=step.asks_costs)
                    continue
                if isinstance(step, JobQuestion):
                    _answer(step, kafka)
                    continue
                from riacho.jobs.bounded_query import query_result, run_insert

                if isinstance(step, Job):
                    written = run_insert(step, kafka)
                    each = (f"{counted(rows, 'row')} into {table}" for table, rows in written.items())
                    typer.echo(f"wrote {', '.join(each)}", err=True)
                else:
                    _print(query_result(step, session.options, kafka), form)
        except SqlError as error:
            raise _with_topic(error, kafka) or error from error


def _answer(question: JobQuestion, kafka: str) -> None:
    """Ask the platform's jobs, or stop one."""
    from riacho.jobs.questions import answer

    text = answer(question, kafka)
    typer.echo(text or f"stopped {question.job}", err=not text)


def _print_measured(explained: Job, kafka: str, *, asked: bool) -> None:
    """What the operators of the platform's jobs that compute the same have read and given, and keep.

    Where there is no platform, that is said only where costs are `asked` for.
    """
    from riacho.cli.operator_table import print_operators
    from riacho.host import SystemClock
    from riacho.jobs.catalog import JobCatalog

    try:
        with connected(kafka, "sql") as cluster, JobCatalog(cluster, SystemClock()) as catalog:
            jobs = catalog.describe()
    except RiachoError as error:  # to explain takes no cluster
        if asked:
            typer.echo(f"whether a job runs this is not known: {error.what}", err=True)
        return
    if not jobs:
        return
    from riacho.jobs.script import job_identity

    plan = job_identity(explained)
    for job in jobs:
        if job["metrics"] is not None and job["metrics"].get("plan") == plan:
            typer.echo(f"\n== Measured: Job {job['name']} ==")
            print_operators(job["metrics"]["operators"])


def _print(result: QueryResult, form: Form) -> None:
    from riacho.cli.tables import print_table
    from riacho.dataflow.connectors.fields import format_fields
    from riacho.dataflow.sinks.print import shown

    fields = format_fields(result.columns)
    if form is Form.JSON:
        from riacho.formats.json_encoder import JsonEncoder

        _print_lines(JsonEncoder(fields, iso_timestamps=True, plain_decimals=True).encode(result.frame))
        return
    if form is Form.CSV:
        from riacho.formats.csv_decoder import CsvDialect
        from riacho.formats.csv_encoder import CsvEncoder

        titles = ",".join(_csv_title(field.name) for field in fields).encode()
        _print_lines([titles])
        _print_lines(CsvEncoder(fields, CsvDialect(), scientific_decimals=False).encode(result.frame))
        return
    columns = [[_one_line(text) for text in shown(field, result.frame[field.name])] for field in fields]
    print_table([field.name for field in fields], list(zip(*columns, strict=True)), empty="no rows")
    if sys.stdout.isatty() and result.frame.height:
        typer.echo(f"\n{counted(result.frame.height, 'row')}")


def _print_lines(lines: Spans | list[bytes]) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(b"".join((lines[row] or b"") + b"\n" for row in range(len(lines))))
    sys.stdout.buffer.flush()


def _csv_title(name: str) -> str:
    quoted = name.replace('"', '""')
    return f'"{quoted}"' if set(name) & set(',"\n\r') else name


def _one_line(text: str) -> str:
    return text.replace("\n", "\\n").replace("\t", "\\t")


def _with_topic(error: SqlError, kafka: str) -> RiachoError | None:
    """What to say of a table that was not created though a topic has its name; None where that is not the mistake."""
    import re

    from riacho.client.admin import Admin
    from riacho.client.errors import UnreachableError
    from riacho.sql.errors import SqlError

    missing = re.fullmatch(r"table '(.+)' does not exist", error.what)
    if missing is None:
        return None
    name = missing[1]
    try:
        with connected(kafka, "sql") as cluster:
            topics = {topic.name for topic in Admin(cluster).list_topics(internal=True)}
    except UnreachableError:
        return None
    if name not in topics:
        return None
    return SqlError(
        f"there is a topic '{name}', but no table says what its records hold",
        file=error.file,
        line=error.line,
        column=error.column,
        source_line=error.source_line,
        suggestion=f"CREATE TABLE `{name}` (its columns and types) "
        f"WITH ('connector' = 'kafka', 'topic' = '{name}', 'format' = 'json');",
    )

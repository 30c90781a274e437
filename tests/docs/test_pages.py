"""What the documentation shows is what the code does: SQL compiles, commands parse, tables are up to date."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from pages import PAGES, ROOT, blocks, name_of
from typer.main import get_command

from riacho.cli import COMMANDS, command_line
from riacho.dataflow.connectors import check_table, connectors
from riacho.errors import RiachoError
from riacho.formats.registry import formats
from riacho.plan.table_changes import CHANGELOG_FORMATS
from riacho.serve.api import ROUTES
from riacho.sql.errors import SqlError
from riacho.sql.session import Session
from riacho.user_functions.loading import PythonModules

sys.path.insert(0, str(ROOT / "tools"))

SQL_PAGES = [page for page in PAGES if blocks(page, "sql")]
QUERIES = ("SELECT", "WITH", "VALUES", "(")


def is_query(text: str) -> bool:
    statement = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--"))
    return statement.lstrip().upper().startswith(QUERIES)


@pytest.mark.parametrize("page", SQL_PAGES, ids=name_of)
def test_every_statement_on_a_page_compiles_after_those_above_it(page: Path, tmp_path: Path) -> None:
    functions = tmp_path / "city_functions.py"
    functions.write_text("\n".join(block.text for block in blocks(page, "python")))
    variables = {"KAFKA": "127.0.0.1:9092", "TOPIC": "bids"}
    session = Session(variables, check_table, modules=PythonModules([functions]))

    for block in blocks(page, "sql"):
        if block.mark == "wrong":
            continue
        if is_query(block.text):
            session.query(block.text, name_of(page))
        else:
            session.execute(block.text, name_of(page))


def test_a_statement_shown_as_wrong_gives_the_error_shown_below_it() -> None:
    page = ROOT / "docs" / "sql" / "index.md"
    session = Session({"KAFKA": "127.0.0.1:9092", "TOPIC": "bids"}, check_table)
    shown = blocks(page, "sql", "text")
    checked = 0

    for block, following in zip(shown, [*shown[1:], None], strict=True):
        if block.language != "sql" or is_query(block.text):
            continue
        if block.mark != "wrong":
            session.execute(block.text)
            continue
        assert following is not None
        with pytest.raises(SqlError) as raised:
            session.execute(block.text, "job.sql")
        assert str(raised.value).rstrip() == following.text.rstrip()
        checked += 1

    assert checked


def words_of(text: str) -> list[str] | None:
    """A line of shell as words, its operators apart; None where a quotation goes on in the next line."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars="|&<>")
    lexer.whitespace_split = True
    try:
        return list(lexer)
    except ValueError:
        return None


def commands_of(words: list[str]) -> list[list[str]]:
    """What stands between the operators of a line."""
    commands: list[list[str]] = [[]]
    for word in words:
        if word in ("|", "&", "&&", "<", ">"):
            commands.append([])
        else:
            commands[-1].append(word)
    return commands


def shown_commands() -> list[tuple[str, list[str]]]:
    """(page, words after `riacho`) of every call of the command in a block of shell."""
    found = []
    for page in PAGES:
        for block in blocks(page, "bash"):
            text = ""
            for line in block.text.splitlines():
                text += line
                words = None if line.endswith("\\") else words_of(text)
                if words is None:
                    text = text.removesuffix("\\") + "\n"
                    continue
                text = ""
                for command in commands_of(words):
                    if command[:1] == ["riacho"]:
                        found.append((name_of(page), command[1:]))
    return found


SHOWN = shown_commands()


@pytest.mark.parametrize(("page", "words"), SHOWN, ids=[f"{page}: {' '.join(words)[:60]}" for page, words in SHOWN])
def test_every_command_on_a_page_has_the_options_that_it_is_shown_with(
    page: str, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = list(words)
    for argument in arguments:
        if Path(argument).suffix in (".sql", ".py", ".jsonl", ".csv", ".jar", ".properties"):
            (tmp_path / argument).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / argument).touch()
        elif argument.startswith("tests/"):
            (tmp_path / argument).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)

    command: Any = get_command(command_line(arguments))
    while hasattr(command, "resolve_command") and not arguments[0].startswith("--"):
        group = command.make_context("riacho", list(arguments))
        _, command, arguments = command.resolve_command(group, arguments)
    known = {option for parameter in command.params for option in parameter.opts} | {"--help", "--install-completion"}

    assert [word for word in arguments if word.startswith("--") and word not in known] == []
    if not hasattr(command, "resolve_command"):
        command.make_context("riacho", list(arguments))  # fails where an argument is missing or wrong


@pytest.mark.parametrize("command", COMMANDS)
def test_the_readme_or_a_page_shows_every_command(command: str) -> None:
    used = {words[0] for _, words in SHOWN}

    assert command in used


def test_the_compatibility_page_lists_the_apis_that_the_broker_serves() -> None:
    from kafka_apis import PAGE, page_with_apis

    page = PAGE.read_text()

    assert page == page_with_apis(page), "run: python tools/kafka_apis.py"


def test_every_endpoint_is_on_the_page_of_the_http_api() -> None:
    page = (ROOT / "docs" / "http-api.md").read_text()

    assert [route.path for route in ROUTES if route.path.partition("{")[0] not in page] == []


def test_the_page_of_options_is_that_of_their_table() -> None:
    from options_page import PAGE, page

    assert PAGE.read_text(encoding="utf-8") == page(), "run: python tools/options_page.py"


def test_every_connector_and_format_has_its_section() -> None:
    page = (ROOT / "docs" / "sql" / "connectors.md").read_text()
    headings = " ".join(line for line in page.splitlines() if line.startswith("#"))

    assert [name for name in (*connectors(), *formats()) if f"`{name}`" not in headings] == []


def option_tables() -> list[tuple[str, str]]:
    """(connector or format, key) of every row of an option table on the page of connectors."""
    section, header, rows = "", "", []
    for line in (ROOT / "docs" / "sql" / "connectors.md").read_text().splitlines():
        if line.startswith("#"):
            section = line.lstrip("# ")
        elif not line.startswith("|"):
            header = ""
        header = header or line
        matched = re.match(r"\| `([\w.#-]+)`", line)
        if matched and header.startswith("| option") and section.startswith("`"):
            rows.append((section, matched[1]))
    return rows


KAFKA = {"connector": "kafka", "topic": "t", "format": "json"}
TABLES = {
    "`kafka`": ("a INT", KAFKA),
    "`upsert-kafka`": (
        "a INT, PRIMARY KEY (a) NOT ENFORCED",
        {"connector": "upsert-kafka", "topic": "t", "key.format": "json", "value.format": "json"},
    ),
    "`filesystem`": ("a INT", {"connector": "filesystem", "path": "/tmp", "format": "csv"}),
    "`datagen`": ("a INT", {"connector": "datagen"}),
    "`nexmark`": ("event_type INT", {"connector": "nexmark"}),
    "`print`": ("a INT", {"connector": "print"}),
    "`json`": ("a INT", KAFKA),
    **{f"`{name}`": ("a INT", {**KAFKA, "format": name}) for name in CHANGELOG_FORMATS},
    "`avro`": ("a INT", {**KAFKA, "format": "avro"}),
    "`csv`": ("a INT", {**KAFKA, "format": "csv"}),
    "`raw`": ("a INT", {**KAFKA, "format": "raw"}),
}
"""For each section a table to which one of its options is added."""

GENERATED = {
    "length": ("a STRING", {}),
    "var-len": ("a STRING", {}),
    "max-past": ("a TIMESTAMP(3)", {}),
    "start": ("a INT", {"fields.a.kind": "sequence"}),
    "end": ("a INT", {"fields.a.kind": "sequence", "fields.a.start": "1"}),
}
"""What a column of `datagen` must be to know some options."""


@pytest.mark.parametrize(("section", "key"), option_tables())
def test_every_option_in_a_table_is_known_to_its_connector_or_format(section: str, key: str) -> None:
    columns, options = TABLES[section]
    if section == "`datagen`" and (name := key.rpartition(".")[2]) in GENERATED:
        columns, more = GENERATED[name]
        options = {**options, **more}
    options = {**options, key.replace("#", "a"): "?"}
    listed = ", ".join(f"'{name}' = '{value}'" for name, value in options.items())

    complaint = complaint_about(f"CREATE TABLE t ({columns}) WITH ({listed})")

    assert "unknown option" not in complaint


def complaint_about(statement: str) -> str:
    """The error of a statement: a wrong value, as a rule; empty where there is none."""
    try:
        Session({}, check_table).execute(statement)
    except RiachoError as error:
        return str(error)
    return ""


PATHS = re.compile(r"`((?:src|tests|docs|examples|tools)/[\w./-]+)`")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_path_and_link_on_a_page_leads_somewhere(page: Path) -> None:
    text = page.read_text()
    links = [target.split("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]
    missing = [target for target in links if target and not (page.parent / target).exists()]
    missing += [path for path in PATHS.findall(text) if not (ROOT / path).exists()]

    assert missing == []

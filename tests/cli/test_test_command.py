"""`riacho test`: what it says of tests that pass, fail, and are none."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from riacho.cli import command_line
from riacho.errors import UsageError
from running_broker import RIACHO

SQL = """
CREATE TABLE t (a INT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE o (a INT) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
INSERT INTO o SELECT a * 2 FROM t WHERE a > 1;
"""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command_line(["test"]), ["test", *arguments], catch_exceptions=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "twice.sql").write_text(SQL)
    (tmp_path / "twice.input").write_text('t {"a": 1}\nt {"a": 2}\n# nothing\nt {"a": 3}\n')
    (tmp_path / "twice.expected").write_text('o {"a":6}\no {"a":4}\n')
    return tmp_path


def test_a_test_that_passes_is_named_and_counted(folder: Path) -> None:
    ended = run(str(folder), "--cuts", "2", "--seed", "7")

    assert ended.exit_code == 0
    assert ended.output.splitlines() == ["ok      twice", "1 test passed, 0 failed (seed 7)"]


def test_a_test_that_fails_shows_the_cut_and_the_difference(folder: Path) -> None:
    (folder / "twice.expected").write_text('o {"a":6}\no {"a":5}\n')

    ended = run(str(folder), "--cuts", "0", "--seed", "7")

    assert ended.exit_code == 1
    assert ended.output.splitlines() == [
        "FAILED  twice",
        "        all rows in one pass; - is missing, + is too much",
        '        - o {"a":5}',
        '        + o {"a":4}',
        "0 tests passed, 1 failed (seed 7)",
    ]


def test_rows_are_compared_however_they_are_written_but_by_their_digits(folder: Path) -> None:
    script = SQL.replace("o (a INT)", "o (a INT, b STRING, c DECIMAL(4, 2))")
    (folder / "twice.sql").write_text(script.replace("a * 2", "a * 2, 'São', CAST(a AS DECIMAL(4, 2))"))
    (folder / "twice.expected").write_text('o { "b": "S\\u00e3o", "c": 3.00, "a": 6 }\no {"a":4,"b":"São","c":2.00}\n')

    assert run(str(folder), "--cuts", "0").exit_code == 0

    (folder / "twice.expected").write_text('o {"a":6,"b":"São","c":3.0}\no {"a":4,"b":"São","c":2.00}\n')

    assert '- o {"a":6,"b":"São","c":3.0}' in run(str(folder), "--cuts", "0").output


@pytest.mark.parametrize(
    ("file", "line", "what"),
    [
        ("twice.expected", 'p {"a":4}', "no statement writes to a table 'p'"),
        ("twice.expected", 'o {"a":4', 'this is no row: {"a":4'),
        ("twice.expected", "o 4", "this is no row: 4"),
        ("twice.input", 'u {"a": 1}', "no query reads the table u"),
        ("twice.input", 't time=noon {"a": 1}', "this is no time: noon"),
        ("twice.input", 't headers={"a":1} {"a": 1}', 'these are no headers: {"a":1}'),
        ("twice.input", "t headers={ {}", "these are no headers: {"),
    ],
)
def test_a_line_that_means_nothing_is_told_with_its_number(folder: Path, file: str, line: str, what: str) -> None:
    with (folder / file).open("a") as lines:
        lines.write(f"# a comment\n\n{line}\n")
    number = (folder / file).read_text().count("\n")

    output = run(str(folder), "--cuts", "0").output

    assert what in output
    assert f"at {file}:{number}" in output


@pytest.mark.parametrize("file", ["twice.sql", "twice.input", "twice.expected"])
def test_a_file_that_is_no_text_fails_its_test(folder: Path, file: str) -> None:
    (folder / file).write_bytes(b"\xff")

    output = run(str(folder), "--cuts", "0").output

    assert "the file cannot be read" in output
    assert "0 tests passed, 1 failed" in output


def test_a_missing_input_is_told_where_the_rows_are_wrong(folder: Path) -> None:
    (folder / "twice.input").unlink()

    assert "there is no twice.input: its tables had no records" in run(str(folder), "--cuts", "0").output


def test_an_expected_file_without_its_script_is_refused(folder: Path) -> None:
    (folder / "thrice.expected").touch()

    error = run(str(folder)).exception

    assert isinstance(error, UsageError)
    assert "there is no thrice.sql" in str(error)


def test_an_expected_file_is_written_when_that_is_asked_for(folder: Path) -> None:
    (folder / "twice.expected").unlink()

    assert "there is no twice.expected: --accept writes it" in run(str(folder), "--cuts", "0").output
    assert run(str(folder), "--cuts", "0", "--accept").exit_code == 0
    assert (folder / "twice.expected").read_text() == 'o {"a":4}\no {"a":6}\n'


def test_a_wrong_script_and_wrong_input_fail_their_test_with_their_place(folder: Path) -> None:
    (folder / "wrong.sql").write_text(SQL.replace("a * 2", "b * 2"))
    (folder / "lines.sql").write_text(SQL)
    (folder / "lines.input").write_text("t\n")
    (folder / "other.sql").write_text(SQL)
    (folder / "other.input").write_text('o {"a": 1}\n')

    output = run(str(folder), "--cuts", "0").output

    assert "column 'b' does not exist" in output
    assert "at lines.input:1" in output
    assert "no query reads the table o" in output
    assert "1 test passed, 3 failed" in output


@pytest.mark.parametrize(("terms", "said"), [(1_000, "1 test passed"), (2_000, "an expression nests too deeply")])
def test_a_long_sum_is_computed_and_a_longer_one_is_named_at_fault(folder: Path, terms: int, said: str) -> None:
    total = " + ".join(["a"] * terms)
    (folder / "twice.sql").write_text(SQL.replace("a * 2", f"CAST({total} AS INT)"))
    (folder / "twice.expected").write_text(f'o {{"a":{3 * terms}}}\no {{"a":{2 * terms}}}\n')

    # As a process: tests may recurse deeper here than users may.
    ended = subprocess.run(
        [RIACHO, "test", folder, "--cuts", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )

    assert said in ended.stdout, ended.stdout
    assert "Traceback" not in ended.stdout


def test_one_test_can_be_chosen_and_one_that_is_none_is_refused(folder: Path) -> None:
    assert run(str(folder), "twice", "--cuts", "0").exit_code == 0

    for arguments in ((str(folder), "thrice"), (str(folder / "nowhere"),), (str(folder.parent / "empty"),)):
        (folder.parent / "empty").mkdir(exist_ok=True)
        assert isinstance(run(*arguments).exception, UsageError)


def test_an_error_that_is_expected_passes(folder: Path) -> None:
    (folder / "twice.sql").write_text(SQL.replace("a * 2", "a / (a - 2)"))
    (folder / "twice.expected").write_text("error division by zero\n")

    output = run(str(folder), "--cuts", "0").output

    assert "ok      twice" in output, output


def test_a_file_in_place_of_the_folder_is_answered_with_how_to_run_it_alone(folder: Path) -> None:
    ended = run(str(folder / "twice.sql"))

    assert isinstance(ended.exception, UsageError)
    assert ended.exception.mend == f"one test of a folder: riacho test {folder} twice"

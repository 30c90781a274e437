"""`riacho test`: a folder of scripts with their input and the rows expected of them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from riacho.cli.options import checked
from riacho.cli.phrases import counted
from riacho.cli.scripts import Assignments, PythonFiles, all_variables
from riacho.errors import RiachoError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from riacho.testing.cases import Case
    from riacho.testing.runs import Compiled, Cut

app = typer.Typer()

LONGEST_DIFFERENCE = 40
"""Lines of a difference that are shown."""


def _check_folder(directory: Path) -> None:
    if not directory.is_dir():
        mend = "name the folder with its tests, and then which of them: riacho test DIR NAME"
        if directory.is_file():
            mend = f"one test of a folder: riacho test {directory.parent} {directory.stem}"
        raise UsageError("there is no such folder", where=str(directory), mend=mend)


@app.command()
def run_tests(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", callback=checked(_check_folder), help="The folder with the tests.")
    ],
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Only these; all by default.")] = None,
    cuts: Annotated[int, typer.Option(min=0, help="How often each is cut at random, beside two fixed cuts.")] = 6,
    seed: Annotated[int | None, typer.Option(help="Of the random cuts: what failed once fails again.")] = None,
    accept: Annotated[bool, typer.Option("--accept", help="Write NAME.expected where there is none yet.")] = False,
    assignments: Assignments = None,
    python: PythonFiles = None,
) -> None:
    """Run scripts over their input, and compare the rows that their tables end up with.

    A test is NAME.sql, NAME.input with the records of its kafka and upsert-kafka tables, NAME.expected with the rows of
    its sinks, and maybe NAME.py with Python functions; no broker is needed. Each runs in one pass, row by row, and cut
    at random with restarts in between: the rows must be the same. Exits with 1 where a test fails.

    \b
        orders.input       orders {"id": 1, "price": 3}
        orders.expected    totals {"total":3}

    \b
        riacho test tests/sql
        riacho test tests/sql orders --cuts 100 --seed 7
        riacho test tests/sql --accept
    """
    import logging

    from riacho.testing.cases import cases_in

    chosen = seed if seed is not None else random.SystemRandom().randrange(1_000_000)
    cases = cases_in(directory, names)
    variables = all_variables(None, assignments)
    logging.disable(logging.WARNING)  # bad records are part of a test's result
    try:
        failed = [case for case in cases if not _passes(case, variables, python or [], cuts, chosen, accept=accept)]
    finally:
        logging.disable(logging.NOTSET)
    typer.echo(f"{counted(len(cases) - len(failed), 'test')} passed, {len(failed)} failed (seed {chosen})")
    if failed:
        raise typer.Exit(RiachoError.exit_code)


def _passes(
    case: Case, variables: Mapping[str, str], python: Sequence[Path], cuts: int, seed: int, *, accept: bool
) -> bool:
    from riacho.testing.runs import ONE_BY_ONE, WHOLE, compiled, random_cut

    try:
        test = compiled(case, variables, python)
    except RiachoError as error:
        _fail(case, [str(error)])
        return False
    dice = random.Random(f"{seed}/{case.name}")
    for cut in (WHOLE, ONE_BY_ONE, *(random_cut(dice) for _ in range(cuts))):
        lines = _lines(test, cut)
        expected = case.expected_lines()
        if expected is None and accept:
            case.accept(lines)
            typer.echo(f"wrote   {case.expected}: read it")
            expected = lines
        if expected is None:
            _fail(case, [f"there is no {case.expected.name}: --accept writes it"])
            return False
        if not _agrees(case, expected, lines, cut):
            return False
    typer.echo(f"ok      {case.name}")
    return True


def _lines(test: Compiled, cut: Cut) -> list[str]:
    """What the sinks end up with."""
    from tempfile import TemporaryDirectory

    from riacho.host import SystemDisk
    from riacho.testing.runs import outcome

    with TemporaryDirectory(prefix="riacho-test-") as folder:
        return outcome(test, cut, SystemDisk(), Path(folder))


def _agrees(case: Case, expected: list[str], lines: list[str], cut: Cut) -> bool:
    from riacho.testing.cases import difference

    found = difference(expected, lines)
    if not found:
        return True
    more = len(found) - LONGEST_DIFFERENCE
    rest = [f"… and {counted(more, 'line')} more"] if more > 0 else []
    if not case.input.exists():
        rest.append(f"there is no {case.input.name}: its tables had no records")
    _fail(case, [f"{cut}; - is missing, + is too much", *found[:LONGEST_DIFFERENCE], *rest])
    return False


def _fail(case: Case, lines: Sequence[str]) -> None:
    typer.echo(f"FAILED  {case.name}")
    for line in "\n".join(lines).splitlines():
        typer.echo(f"        {line}")

"""What a Python function is declared to be: by decorators, by hints, by PyFlink's objects."""

from __future__ import annotations

import copy
import sys
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, NamedTuple, TypedDict

import pytest

import riacho
from riacho.errors import UsageError
from riacho.sql.function_statements import definition_of
from riacho.sql.type_text import read_type
from riacho.sql.user_functions import UserFunction
from riacho.user_functions.declarations import Declaration, Kind, Style
from riacho.user_functions.hints import type_of_hint
from riacho.user_functions.loading import FunctionNotFoundError, PythonModules, declared


class Named(NamedTuple):
    a: int
    b: str | None


@dataclass
class Data:
    a: float


class Typed(TypedDict):
    a: bool


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        (bool, "BOOLEAN"),
        (int, "BIGINT"),
        (float, "DOUBLE"),
        (str, "STRING"),
        (bytes, "BYTES"),
        (Decimal, "DECIMAL(38, 18)"),
        (date, "DATE"),
        (time, "TIME(0)"),
        (datetime, "TIMESTAMP(6)"),
        (timedelta, "INTERVAL DAY TO SECOND"),
        (int | None, "BIGINT"),
        (list[str], "ARRAY<STRING>"),
        (tuple[int, ...], "ARRAY<BIGINT>"),
        (tuple[int, str], "ROW<`f0` BIGINT, `f1` STRING>"),
        (dict[str, list[int]], "MAP<STRING, ARRAY<BIGINT>>"),
        (Named, "ROW<`a` BIGINT, `b` STRING>"),
        (Data, "ROW<`a` DOUBLE>"),
        (Typed, "ROW<`a` BOOLEAN>"),
        (Annotated[int, "SMALLINT NOT NULL"], "SMALLINT NOT NULL"),
        (Annotated[int, 7], "BIGINT"),
    ],
)
def test_a_hint_says_the_sql_type(hint: Any, expected: str) -> None:
    assert str(type_of_hint(hint, read_type)) == expected


@pytest.mark.parametrize("hint", [object, Any, int | str, list, "int"])
def test_a_hint_that_says_no_sql_type_is_named(hint: Any) -> None:
    with pytest.raises(UsageError, match="says no SQL type"):
        type_of_hint(hint, read_type)


def test_a_decorated_function_is_still_the_function() -> None:
    @riacho.udf(result_type="INT")
    def twice(n: int) -> int:
        return 2 * n

    assert twice(4) == 8
    assert isinstance(twice, Declaration)
    assert (twice.kind, twice.style, twice.name) == (Kind.SCALAR, Style.GENERAL, "twice")


def test_a_decorator_without_parentheses_takes_the_hints() -> None:
    @riacho.udf
    def length(text: str) -> int:
        return len(text)

    definition = definition_of("length", "m.length", declared(length, "m.length"))

    assert str(definition.infer(()).result) == "BIGINT"
    assert definition.arity == (1, 1)


def test_a_class_is_declared_by_what_it_is() -> None:
    class Mean(riacho.AggregateFunction):
        def create_accumulator(self) -> list[float]:
            return [0.0, 0]

        def accumulate(self, accumulator: list[float], value: float) -> None:
            accumulator[0] += value

        def get_value(self, accumulator: list[float]) -> float:
            return accumulator[0]

    class Words(riacho.TableFunction):
        def eval(self, line: str) -> list[str]:
            return line.split()

    assert declared(Mean, "m.Mean").kind is Kind.AGGREGATE
    assert definition_of("mean", "m.Mean", declared(Mean, "m.Mean")).arity == (1, 1)
    assert declared(Words(), "m.Words").kind is Kind.TABLE
    rows = definition_of("w", "m.Words", declared(Words, "m.Words")).infer(()).result
    assert str(rows) == "ARRAY<ROW<`f0` STRING> NOT NULL> NOT NULL"


def test_an_unknown_style_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="func_type='rows' does not exist"):
        riacho.udf(result_type="INT", func_type="rows")


def test_a_function_says_itself_whether_it_is_deterministic() -> None:
    class Dice(riacho.ScalarFunction):
        def eval(self) -> int:
            return 4

        def is_deterministic(self) -> bool:
            return False

    assert not declared(Dice, "m.Dice").deterministic


@pytest.fixture
def pyflink(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands for PyFlink: objects with its names and attributes, as far as a function's declaration needs them."""

    class UserDefinedScalarFunctionWrapper:
        def __init__(self, func: Any, **declared: Any) -> None:
            self._func = func
            self._input_types = declared["input_types"]
            self._result_type = declared["result_type"]
            self._func_type = declared["func_type"]
            self._deterministic = declared["deterministic"]
            self._name = declared["name"]

    class BigIntType:
        _nullable = True

    UserDefinedScalarFunctionWrapper.__module__ = "pyflink.table.udf"
    package, table, udf = ModuleType("pyflink"), ModuleType("pyflink.table"), ModuleType("pyflink.table.udf")
    package.__path__, table.__path__ = [], []  # type: ignore[attr-defined]
    package.__spec__ = ModuleSpec("pyflink", None)
    udf.udf = lambda f, **declared: UserDefinedScalarFunctionWrapper(f, **declared)  # type: ignore[attr-defined]
    udf.BigIntType = BigIntType  # type: ignore[attr-defined]
    table.udf = udf  # type: ignore[attr-defined]
    for name, module in (("pyflink", package), ("pyflink.table", table), ("pyflink.table.udf", udf)):
        monkeypatch.setitem(sys.modules, name, module)


def test_where_pyflink_is_installed_its_object_comes_back_and_means_the_same(pyflink: None) -> None:
    def twice(n: int) -> int:
        return 2 * n

    made = riacho.udf(twice, result_type=sys.modules["pyflink.table.udf"].BigIntType())

    assert type(made).__module__ == "pyflink.table.udf"
    found = declared(made, "m.twice")
    assert (found.kind, found.style, found.function) == (Kind.SCALAR, Style.GENERAL, twice)
    assert str(definition_of("twice", "m.twice", found).infer(()).result) == "BIGINT"


def test_what_pyflink_does_not_know_stays_a_declaration(pyflink: None) -> None:
    assert isinstance(riacho.udf(len, result_type="INT", func_type="polars"), Declaration)


def test_files_may_import_one_another_and_the_name_of_a_loaded_module_is_refused(tmp_path: Path) -> None:
    (tmp_path / "riacho_test_rates.py").write_text("RATE = 3\n")
    functions = tmp_path / "riacho_test_functions.py"
    functions.write_text("from riacho_test_rates import RATE\ndef f(n: int) -> int:\n    return n * RATE\n")
    (tmp_path / "json.py").write_text("def f() -> int:\n    return 1\n")

    assert PythonModules([functions]).load("riacho_test_functions.f")(2) == 6
    with pytest.raises(FunctionNotFoundError, match="another module 'json' is loaded already"):
        PythonModules([tmp_path / "json.py"]).load("json.f")


WRONG = """
import riacho

class Lacking(riacho.AggregateFunction):
    def create_accumulator(self):
        return []

    def accumulate(self, accumulator, value):
        pass

class Asking:
    def __init__(self, needed):
        pass

    def eval(self, value: int) -> int:
        return value

async def later(value: int) -> int:
    return value

def rows(value: int) -> int:
    yield value

@riacho.udf(result_type="INT")
def declared(value):
    yield value
"""


@pytest.mark.parametrize(
    ("target", "what"),
    [
        ("f", "'f' names no Python function"),
        ("a..b", "names no Python function"),
        ("riacho_test_nowhere.f", "there is no Python module 'riacho_test_nowhere'"),
        ("math.sqroot", "the module 'math' has no function 'sqroot'"),
        ("math.pi", "'math.pi' is no function: its type is float"),
        ("riacho_test_wrong.Lacking", "'riacho_test_wrong.Lacking' cannot be used: TypeError: .* get_value"),
        ("riacho_test_wrong.Asking", "'riacho_test_wrong.Asking' cannot be used: TypeError: .* missing 1 required"),
        ("riacho_test_wrong.later", "'riacho_test_wrong.later' is asynchronous"),
        ("riacho_test_wrong.rows", "'riacho_test_wrong.rows' yields rows, which a scalar function does not"),
        ("riacho_test_wrong.declared", "'riacho_test_wrong.declared' yields rows"),
        ("riacho_test_broken.f", "cannot be imported: ZeroDivisionError: division by zero"),
        ("riacho_test_syntax.f", "cannot be imported: SyntaxError"),
    ],
)
def test_a_function_that_cannot_be_had_is_named(
    target: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "riacho_test_wrong", raising=False)
    broken, syntax = tmp_path / "riacho_test_broken.py", tmp_path / "riacho_test_syntax.py"
    broken.write_text("x = 1 / 0\n")
    syntax.write_text("def f(:\n")
    wrong = tmp_path / "riacho_test_wrong.py"
    wrong.write_text(WRONG)

    with pytest.raises(FunctionNotFoundError, match=what.replace("(", r"\(")):
        PythonModules([broken, syntax, wrong]).load(target)


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        PythonModules([tmp_path / "nowhere.py"])
    (tmp_path / "not-a-module.py").touch()
    with pytest.raises(UsageError, match="is no module"):
        PythonModules([tmp_path / "not-a-module.py"])


def test_a_copied_statement_means_the_same_function() -> None:
    definition = definition_of("f", "m.f", Declaration(len, result_type="INT"))
    function = UserFunction("f", Kind.SCALAR, definition, "m.f", "PYTHON", temporary=False)

    assert copy.deepcopy(function) is function

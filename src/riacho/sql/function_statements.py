"""CREATE, ALTER and DROP FUNCTION: from a name and a target to a typed function of the catalog."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from sqlglot import exp

from riacho.errors import RiachoError, UsageError
from riacho.plan.expressions import Expression
from riacho.plan.python_functions import PythonFunction
from riacho.plan.types import STRING, ArrayType, DataType, NullType, RowField, RowType, is_numeric
from riacho.sql.catalog import Catalog, Path
from riacho.sql.functions import JAVA_CLASSES, FunctionDefinition, FunctionError, Signature, casts_implicitly
from riacho.sql.functions.definition import Inference
from riacho.sql.source import SourceText
from riacho.sql.statements import CreateFunction, DropFunction
from riacho.sql.type_text import read_type
from riacho.sql.user_functions import FunctionCatalog, UserFunction
from riacho.user_functions.classes import can_merge
from riacho.user_functions.declarations import Declaration, Kind, Style, entry_point
from riacho.user_functions.hints import row_hint, type_hints, type_of_hint
from riacho.user_functions.loading import PythonModules
from riacho.user_functions.pyflink_types import sql_text


@dataclass(slots=True)
class FunctionBinder:
    """Runs the statements of functions. Raises `SqlError`."""

    source: SourceText
    catalog: Catalog
    modules: PythonModules

    def create(self, statement: CreateFunction) -> None:
        """CREATE FUNCTION, or ALTER FUNCTION of one that there is."""
        functions = self.catalog.functions
        name = statement.name.name
        path = self._path(statement.name, system=statement.system)
        known = self._place(functions, path, system=statement.system, temporary=statement.temporary)
        if statement.alters:
            if path not in known:
                if not statement.if_exists:
                    self._unknown(statement.name, name)
                return
        elif path in known:
            if statement.if_not_exists:
                return
            self.source.fail(f"the function '{name}' exists already", statement.name, "write IF NOT EXISTS")
        known[path] = self._function(statement, name)
        if statement.system:
            functions.system = {found[2]: function for found, function in known.items()}

    def drop(self, statement: DropFunction) -> None:
        functions = self.catalog.functions
        name = statement.name.name
        path = self._path(statement.name, system=statement.system)
        known = self._place(functions, path, system=statement.system, temporary=statement.temporary)
        if path not in known:
            if not statement.if_exists:
                self._unknown(statement.name, name)
            return
        del known[path]
        if statement.system:
            functions.system.pop(path[2])

    def _path(self, tree: exp.Table, *, system: bool) -> Path:
        if system:
            if tree.args.get("db") is not None:
                self.source.fail("a system function has no database", tree, f"write {tree.name} alone")
            return (*self.catalog.current, tree.name.lower())
        catalog, database, name = self.catalog.path(tree, self.source)
        return catalog, database, name.lower()

    def _place(
        self, functions: FunctionCatalog, path: Path, *, system: bool, temporary: bool
    ) -> dict[Path, UserFunction]:
        """The functions among which this one is."""
        if system:
            return {(*path[:2], name): function for name, function in functions.system.items()}
        return functions.temporary if temporary else functions.permanent

    def _unknown(self, place: exp.Expr, name: str) -> None:
        known = self.catalog.functions.names(self.catalog.current)
        near = difflib.get_close_matches(name.lower(), known, n=1)
        mend = f"did you mean '{near[0]}'?" if near else "SHOW USER FUNCTIONS lists them"
        self.source.fail(f"the function '{name}' does not exist", place, mend)

    # ---- what the target is -----------------------------------------------------------------------------------

    def _function(self, statement: CreateFunction, name: str) -> UserFunction:
        target = str(statement.target.this)
        if statement.language != "PYTHON":
            return self._java(statement, name, target)
        try:
            declaration = self.modules.load(target)
            definition = definition_of(name.lower(), target, declaration)
        except RiachoError as error:
            self.source.fail(error.what, statement.target, error.mend)
        return UserFunction(name, declaration.kind, definition, target, "PYTHON", statement.temporary)

    def _java(self, statement: CreateFunction, name: str, target: str) -> UserFunction:
        definition = JAVA_CLASSES.get(target)
        if definition is None:
            self.source.fail(
                f"there is no JVM that could load the class '{target}'",
                statement.target,
                "write the function in Python: CREATE FUNCTION name AS 'module.function' LANGUAGE PYTHON "
                f"(the Java classes that have an equivalent here: {', '.join(JAVA_CLASSES)})",
            )
        return UserFunction(name, Kind.SCALAR, definition, target, statement.language, statement.temporary)


def definition_of(name: str, target: str, declaration: Declaration) -> FunctionDefinition:
    """How the calls of a Python function are typed. Raises `UsageError` where nothing says its result's type."""
    inputs = None
    if declaration.input_types is not None:
        inputs = tuple(_as_type(item) for item in declaration.input_types)
    hinted = _hinted(declaration)
    result = _result_type(target, declaration)
    least, most = (len(inputs), len(inputs)) if inputs is not None else _arity(declaration)
    table = declaration.kind is Kind.TABLE
    if declaration.kind is Kind.AGGREGATE and not hasattr(declaration.function, "accumulate"):
        raise UsageError(
            f"'{target}' aggregates whole columns, which is not supported",
            mend="write it as a class with create_accumulator, accumulate and get_value",
        )
    if table:
        result = ArrayType(result.with_nullable(False), nullable=False)
    python = PythonFunction(
        name,
        target,
        declaration.style.value,
        declaration.deterministic,
        table,
        declaration.function,
        merges=declaration.kind is Kind.AGGREGATE and can_merge(declaration.function),
    )
    return FunctionDefinition(
        name,
        _inference(name, inputs, hinted, result),
        f"{name}({', '.join(_parameters(declaration)) or '…'})",
        f"The Python function {target}.",
        (least, most),
        deterministic=declaration.deterministic,
        python=python,
    )


def _inference(
    name: str, inputs: tuple[DataType, ...] | None, hinted: Sequence[DataType | None], result: DataType
) -> Inference:
    """Declared `inputs` are what arguments must be; `hinted` numbers are what they are made where they can be."""

    def infer(arguments: tuple[Expression, ...]) -> Signature:
        if inputs is None:
            given = zip_longest(arguments, hinted[: len(arguments)])
            return Signature(tuple(_accepted(argument.type, hint) for argument, hint in given), result)
        for place, (argument, wanted) in enumerate(zip(arguments, inputs, strict=True)):
            if not isinstance(argument.type, NullType) and not casts_implicitly(argument.type, wanted):
                raise FunctionError(
                    f"{name} takes {wanted.name()} as argument {place + 1}, not {argument.type.name()}",
                    mend=f"write CAST({argument} AS {wanted.name()})",
                    position=argument.position,
                )
        kept = [
            wanted.with_nullable(argument.type.nullable) for argument, wanted in zip(arguments, inputs, strict=True)
        ]
        return Signature(tuple(kept), result)

    return infer


def _accepted(given: DataType, hint: DataType | None) -> DataType:
    if isinstance(given, NullType):
        return STRING if hint is None else hint
    numbers = hint is not None and is_numeric(given) and is_numeric(hint) and casts_implicitly(given, hint)
    return hint.with_nullable(given.nullable) if numbers and hint is not None else given


def _hinted(declaration: Declaration) -> list[DataType | None]:
    """The types that the hints of a row's parameters say; None where they say none."""
    if declaration.style is not Style.GENERAL:
        return []
    hints = type_hints(_method(declaration))
    found: list[DataType | None] = []
    for parameter in _signature(declaration):
        try:
            found.append(type_of_hint(hints[parameter.name], read_type) if parameter.name in hints else None)
        except UsageError:  # `Any`, or a class: the value is handed over as it is
            found.append(None)
    return found


def _method(declaration: Declaration) -> Callable[..., Any]:
    """What takes the arguments: the function, `eval`, or `accumulate` (whose first one is the accumulator)."""
    accumulate = getattr(declaration.function, "accumulate", None)
    return accumulate if callable(accumulate) else entry_point(declaration.function)


def _signature(declaration: Declaration) -> list[inspect.Parameter]:
    try:
        parameters = list(inspect.signature(_method(declaration)).parameters.values())
    except (TypeError, ValueError):  # a function of a compiled module that does not say
        return [inspect.Parameter("arguments", inspect.Parameter.VAR_POSITIONAL)]
    positional = [item for item in parameters if item.kind not in (item.KEYWORD_ONLY, item.VAR_KEYWORD)]
    return positional[1:] if hasattr(declaration.function, "accumulate") else positional


def _parameters(declaration: Declaration) -> list[str]:
    return [item.name if item.kind is not item.VAR_POSITIONAL else "…" for item in _signature(declaration)]


def _arity(declaration: Declaration) -> tuple[int, int | None]:
    parameters = _signature(declaration)
    fixed = [item for item in parameters if item.kind is not item.VAR_POSITIONAL]
    least = sum(item.default is item.empty for item in fixed)
    return least, len(fixed) if len(fixed) == len(parameters) else None


def _result_type(target: str, declaration: Declaration) -> DataType:
    """The declared type, or what the hints say; of a table function the ROW of its columns."""
    table = declaration.kind is Kind.TABLE
    if declaration.result_type is not None:
        if table and isinstance(declaration.result_type, list | tuple):
            return _row([_as_type(item) for item in declaration.result_type])
        found = _as_type(declaration.result_type)
        return found if isinstance(found, RowType) or not table else _row([found])
    method: Any = entry_point(declaration.function)
    if declaration.kind is Kind.AGGREGATE:
        method = getattr(declaration.function, "get_value", method)
        own = getattr(declaration.function, "get_result_type", None)
        if callable(own):
            return _as_type(own())
    hint = type_hints(method).get("return")
    if hint is None:
        decorator = {Kind.SCALAR: "udf", Kind.AGGREGATE: "udaf", Kind.TABLE: "udtf"}[declaration.kind]
        keyword = "result_types=['STRING', 'INT']" if table else "result_type='BIGINT'"
        raise UsageError(
            f"nothing says what '{target}' returns",
            mend=f"give the function a type hint, or declare it: @riacho.{decorator}({keyword})",
        )
    if not table:
        return type_of_hint(hint, read_type)
    found = type_of_hint(row_hint(hint), read_type)
    return found if isinstance(found, RowType) else _row([found])


def _row(types: list[DataType]) -> RowType:
    return RowType(tuple(RowField(f"f{place}", kind) for place, kind in enumerate(types)))


def _as_type(given: Any) -> DataType:
    """A type as a declaration has it: SQL text, a `DataType`, PyFlink's, or Python's."""
    if isinstance(given, DataType):
        return given
    if isinstance(given, str):
        return read_type(given)
    text = sql_text(given)
    return type_of_hint(given, read_type) if text is None else read_type(text)

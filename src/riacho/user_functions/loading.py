"""Finds the function that `'module.function'` names: in the files that were given, then on Python's path."""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from riacho.errors import UsageError
from riacho.user_functions.calling import UserCodeError, called
from riacho.user_functions.classes import AggregateFunction, TableFunction
from riacho.user_functions.declarations import Declaration, Kind, Style, declaration, entry_point


class FunctionNotFoundError(UsageError):
    """No function has this name, or its module cannot be imported."""


class PythonModules:
    """The modules that a script's functions come from.

    `files` are modules by their names without `.py`. They may import one another.
    """

    def __init__(self, files: Sequence[Path] = ()) -> None:
        self._files = {file.stem: file.resolve() for file in files}
        for name, file in self._files.items():
            if not file.is_file():
                raise UsageError(f"there is no file {file}", mend="--py names a Python file")
            if not name.isidentifier() or file.suffix != ".py":
                raise UsageError(f"{file.name} is no module", mend="name it like functions.py")

    def load(self, target: str) -> Declaration:
        """The function of this name. Raises `FunctionNotFoundError`."""
        module_name, dot, name = target.rpartition(".")
        if not dot or not all(part.isidentifier() for part in target.split(".")):
            raise FunctionNotFoundError(f"'{target}' names no Python function", mend="write AS 'module.function'")
        module = self._import(module_name)
        found = getattr(module, name, None)
        if found is None:
            import difflib

            near = difflib.get_close_matches(name, [known for known in vars(module) if not known.startswith("_")], n=1)
            mend = f"did you mean '{module_name}.{near[0]}'?" if near else f"it is {module.__file__}"
            raise FunctionNotFoundError(f"the module '{module_name}' has no function '{name}'", mend=mend)
        try:
            return called(declared, found, target)
        except UserCodeError as failed:
            if isinstance(failed.error, UsageError):
                raise failed.error from None
            raise FunctionNotFoundError(  # a class that cannot be made an object
                f"'{target}' cannot be used: {failed}",
                mend="a function's class is made without arguments, and defines the methods that its kind needs",
            ) from failed

    def _import(self, name: str) -> ModuleType:
        own = self._files.get(name)
        for folder in {str(file.parent) for file in self._files.values()} - set(sys.path):
            sys.path.insert(0, folder)
        try:
            if own is None and called(find_spec, name) is None:
                given = ", ".join(file.name for file in self._files.values()) or "none"
                raise FunctionNotFoundError(
                    f"there is no Python module '{name}'",
                    mend=f"give its file with --py {name.partition('.')[0]}.py (given: {given}), "
                    "or put it on the module path: PYTHONPATH",
                )
            module = called(import_module, name)
        except UserCodeError as failed:
            raise _broken(name, failed.error) from failed
        if own is not None and Path(module.__file__ or "").resolve() != own:
            raise FunctionNotFoundError(
                f"another module '{name}' is loaded already: {module.__file__ or 'a part of Python'}",
                mend=f"give {own.name} another name",
            )
        return module


def _broken(name: str, error: BaseException) -> FunctionNotFoundError:
    """What to say of a module that fails while it is imported, with its own line."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{error.filename}:{error.lineno}" if isinstance(error, SyntaxError) else f"{last.filename}:{last.lineno}"
    return FunctionNotFoundError(
        f"the Python module '{name}' cannot be imported: {type(error).__name__}: {error}", mend=f"it fails at {where}"
    )


def declared(found: Any, target: str) -> Declaration:
    """What a name of a module is declared to be; a bare function or class is taken for what it looks like."""
    if isinstance(found, Declaration):
        _check_calls(found, target)
        return found
    if type(found).__module__.startswith("pyflink.") and hasattr(found, "_func"):
        return _of_pyflink(found)
    subject = found if isinstance(found, type) else type(found)
    if _is_a(subject, AggregateFunction, "accumulate"):
        return declaration(found, Kind.AGGREGATE)
    if _is_a(subject, TableFunction, None):
        return declaration(found, Kind.TABLE)
    if callable(found) or hasattr(found, "eval"):
        scalar = declaration(found, Kind.SCALAR)
        _check_calls(scalar, target)
        return scalar
    raise FunctionNotFoundError(f"'{target}' is no function: its type is {type(found).__name__}")


def _check_calls(made: Declaration, target: str) -> None:
    """Refuse functions whose calls give no value but something that has yet to be run."""
    callee = entry_point(made.function)
    if inspect.iscoroutinefunction(callee) or inspect.isasyncgenfunction(callee):
        raise FunctionNotFoundError(
            f"'{target}' is asynchronous: a call gives no value", mend="write def, not async def"
        )
    if made.kind is Kind.SCALAR and inspect.isgeneratorfunction(callee):
        raise FunctionNotFoundError(
            f"'{target}' yields rows, which a scalar function does not",
            mend="declare it a table function: @riacho.udtf(result_types=['STRING', …])",
        )


def _is_a(subject: type, base: type, method: str | None) -> bool:
    """Whether a class is of this kind: ours, or PyFlink's of the same name."""
    named = any(parent.__name__ == base.__name__ for parent in subject.__mro__)
    return named or (method is not None and hasattr(subject, method))


def _of_pyflink(found: Any) -> Declaration:
    """The declaration that PyFlink's object holds."""
    kinds = {
        "UserDefinedScalarFunctionWrapper": (Kind.SCALAR, "_result_type"),
        "UserDefinedTableFunctionWrapper": (Kind.TABLE, "_result_types"),
        "UserDefinedAggregateFunctionWrapper": (Kind.AGGREGATE, "_result_type"),
    }
    kind, result = kinds[type(found).__name__]
    return declaration(
        found._func,
        kind,
        Style(getattr(found, "_func_type", "general")),
        getattr(found, result, None),
        getattr(found, "_input_types", None),
        getattr(found, "_deterministic", None),
        getattr(found, "_name", None),
    )

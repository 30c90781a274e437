"""Ibis's Python functions (`@ibis.udf.scalar.python`, `.pyarrow`, `.pandas`) as modules that SQL can name.

A function that was written in a notebook has no file, and a job runs in another process: each becomes a small module
that holds it as cloudpickle packs it. The code that it uses from modules of the user's own travels along; what is
installed is imported where it runs.
"""

from __future__ import annotations

import base64
import re
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import cloudpickle
import ibis.expr.operations as ops
import ibis.expr.types as ir
from ibis.expr.operations.udf import InputType

from riacho.ibis.types import ddl_type

_STYLES = {InputType.PYTHON: "general", InputType.PYARROW: "arrow", InputType.PANDAS: "pandas"}

_MODULE = '''"""The function {name} of an Ibis expression, packed by cloudpickle with Python {version}."""

import base64

import cloudpickle

import riacho

_PACKED = """
{packed}
"""

function = riacho.udf(
    cloudpickle.loads(base64.b64decode(_PACKED)),
    input_types={inputs!r},
    result_type={result!r},
    func_type={style!r},
    name={name!r},
)
'''


def function_name(op: ops.ScalarUDF) -> str:
    """What SQL calls a function: its own name, and a number for each definition of that name."""
    if op.__input_type__ is InputType.BUILTIN:
        return str(op.__func_name__)
    return re.sub(r"\W", "_", type(op).__name__)


def python_functions(expr: ir.Expr) -> list[ops.ScalarUDF]:
    """The functions of an expression that Python runs."""
    return [op for op in expr.op().find(ops.ScalarUDF) if op.__input_type__ in _STYLES]


def module_of(op: ops.ScalarUDF) -> Path:
    """The file of a module whose `function` it is."""
    path = Path(_folder().name) / f"ibis_{function_name(op)}.py"
    if not path.exists():
        path.write_text(
            _MODULE.format(
                name=op.__func_name__,
                version=".".join(map(str, sys.version_info[:2])),
                packed=base64.encodebytes(_packed(op.__func__)).decode().strip(),
                inputs=[ddl_type(each.annotation.pattern.dtype) for each in op.__signature__.parameters.values()],
                result=ddl_type(op.dtype),
                style=_STYLES[op.__input_type__],
            )
        )
    return path


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """One for this process, where a module's name means one file; gone when it ends."""
    return tempfile.TemporaryDirectory(prefix="riacho-ibis-")


def _packed(function: Any) -> bytes:
    with _by_value(sys.modules.get(function.__module__)):
        return cloudpickle.dumps(function)


@contextmanager
def _by_value(module: ModuleType | None) -> Iterator[None]:
    """Pack what is defined in a module, unless it is installed: the job's process can import that itself."""
    installed = [Path(sysconfig.get_path(name)) for name in ("purelib", "platlib", "stdlib")]
    file = Path(getattr(module, "__file__", None) or "")
    if module is None or module.__name__ == "__main__" or any(file.is_relative_to(each) for each in installed):
        yield
        return
    cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        cloudpickle.unregister_pickle_by_value(module)

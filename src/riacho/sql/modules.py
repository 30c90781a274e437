"""LOAD, UNLOAD and USE MODULES. Source: Flink, "Modules"; there is one here."""

from __future__ import annotations

from riacho.sql.source import SourceText
from riacho.sql.statements import ModuleStatement

CORE = "core"
"""The module of all built-in functions, loaded and in use from the start."""

_KEPT = "the module 'core' holds the functions, and stays"


def run_module_statement(statement: ModuleStatement, source: SourceText) -> None:
    """Find that what the statement asks for is so already. Raises `SqlError` where it is not."""
    for name in statement.names:
        if name.name != CORE:
            source.fail(f"there is no module '{name.name}'", name, f"the only one is '{CORE}', which is always loaded")
    match statement.verb:
        case "LOAD":
            source.fail(f"a module '{CORE}' is loaded already", statement.names[0], "leave the statement out")
        case "UNLOAD":
            source.fail(_KEPT, statement.names[0], "leave the statement out")
        case "USE" if len(statement.names) > 1:
            source.fail(f"the module '{CORE}' is there twice", statement.names[1], "leave one of them out")

"""Every function gives what Flink gives, over constants and over columns."""

from __future__ import annotations

from typing import Any

import pytest

from functions.calls import call_on_columns, call_on_literals, same, word
from functions.cases import CASES, MOMENT
from riacho.dataflow.functions import FUNCTIONS, NON_DETERMINISTIC
from riacho.sql.functions import DEFINITIONS, lookup
from riacho.sql.functions.java_classes import JAVA_CLASSES

UNTESTABLE_BY_VALUE = {"UUID"}
"""Random without a seed: its form is tested below."""

CONSTANTS_ONLY = {"TYPEOF", "RAND", "RAND_INTEGER"}
"""TYPEOF tells a column's nullability; a seeded sequence goes on from row to row."""


def _name(value: Any) -> str | None:
    return repr(value)[:60] if not isinstance(value, str) else value[:60]


@pytest.mark.parametrize(("function", "arguments", "expected"), CASES, ids=_name)
def test_a_function_of_constants_gives_what_flink_gives(
    function: str, arguments: tuple[Any, ...], expected: Any
) -> None:
    actual = call_on_literals(function, arguments)
    assert same(actual, expected), f"{actual!r} is not {expected!r}"


@pytest.mark.parametrize(
    ("function", "arguments", "expected"), [case for case in CASES if case[0] not in CONSTANTS_ONLY], ids=_name
)
def test_a_function_of_columns_gives_what_flink_gives(function: str, arguments: tuple[Any, ...], expected: Any) -> None:
    actual = call_on_columns(function, arguments)
    assert same(actual, expected), f"{actual!r} is not {expected!r}"


def test_what_the_binder_knows_is_what_the_dataflow_computes() -> None:
    assert {*DEFINITIONS, *JAVA_CLASSES} == set(FUNCTIONS)


def test_both_sides_agree_on_what_is_deterministic() -> None:
    assert {name for name, item in DEFINITIONS.items() if not item.deterministic} == NON_DETERMINISTIC


def test_every_function_has_a_case() -> None:
    tested = {lookup(function).name for function, _, _ in CASES}
    assert set(DEFINITIONS) - tested == UNTESTABLE_BY_VALUE


def test_a_uuid_has_its_dashes() -> None:
    text = call_on_literals("UUID", ())
    assert [index for index, character in enumerate(text) if character == "-"] == [8, 13, 18, 23]


def test_a_moment_beyond_every_calendar_is_null() -> None:
    assert call_on_columns("TIMESTAMPADD", (word("DAY"), 2**31 - 1, MOMENT)) is None

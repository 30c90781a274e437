"""Fetches that became due are answered in turn, never one within another, and none is forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from riacho.broker.due_fetches import DueFetches


class _Loop(asyncio.AbstractEventLoop):
    """A loop whose turns the test takes."""

    def __init__(self) -> None:
        self.soon: list[Callable[[], object]] = []

    def call_soon(self, callback: Callable[..., object], *args: object, context: object = None) -> asyncio.Handle:
        self.soon.append(lambda: callback(*args))
        return asyncio.Handle(callback, args, self)

    def get_debug(self) -> bool:
        return False

    def turn(self) -> None:
        soon, self.soon = self.soon, []
        for callback in soon:
            callback()


def test_what_nobody_answers_before_is_answered_in_the_next_turn() -> None:
    loop, told = _Loop(), list[str]()
    due = DueFetches(loop)
    due.add(lambda: told.append("first"))
    due.add(lambda: told.append("second"))
    assert told == []
    loop.turn()
    assert told == ["first", "second"]


def test_what_was_answered_before_the_turn_is_not_answered_again() -> None:
    loop, told = _Loop(), list[str]()
    due = DueFetches(loop)
    due.add(lambda: told.append("only"))
    due.answer()
    loop.turn()
    assert told == ["only"]


def test_a_fetch_that_becomes_due_by_another_ones_answer_comes_after_it() -> None:
    """However many connections wake each other, their answers do not nest."""
    loop, told = _Loop(), list[str]()
    due = DueFetches(loop)

    def outer() -> None:
        due.add(lambda: told.append("inner"))
        due.answer()
        told.append("outer")

    due.add(outer)
    due.answer()
    assert told == ["outer", "inner"]


def test_a_defect_in_one_answer_leaves_the_others_to_the_next_turn() -> None:
    loop, told = _Loop(), list[str]()
    due = DueFetches(loop)

    def defective() -> None:
        raise ZeroDivisionError

    due.add(defective)
    due.add(lambda: told.append("sound"))
    with pytest.raises(ZeroDivisionError):
        due.answer()
    loop.turn()
    assert told == ["sound"]

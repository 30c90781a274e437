"""Functions as classes, with the methods that PyFlink's classes of the same names have."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class FunctionContext:
    """What `open` is given. It knows no job parameters yet, so each has its default."""

    def get_job_parameter(self, key: str, default_value: str) -> str:  # noqa: ARG002 - PyFlink's signature
        return default_value


class UserFunction:
    """A function with a life: `open` is called once in the process that calls it, before its first row."""

    def open(self, function_context: FunctionContext) -> None:
        """Prepare, for example load a model."""

    def is_deterministic(self) -> bool:
        """Whether equal arguments always give equal results."""
        return True


class ScalarFunction(UserFunction, ABC):
    """One value per row: subclasses define `eval(self, *arguments)`."""

    @abstractmethod
    def eval(self, *arguments: Any) -> Any:
        """The value for one row; NULL is None."""


class TableFunction(UserFunction, ABC):
    """Rows per row: subclasses define `eval(self, *arguments)`, which yields or returns them."""

    @abstractmethod
    def eval(self, *arguments: Any) -> Any:
        """The rows for one row: tuples, or bare values where a row has one column."""


def can_retract(function: Any) -> bool:
    """Whether an aggregate function defines `retract`."""
    retract = getattr(type(function), "retract", None)
    return retract is not None and retract is not AggregateFunction.retract


def can_merge(function: Any) -> bool:
    """Whether an aggregate function defines `merge`."""
    merge = getattr(type(function), "merge", None)
    return merge is not None and merge is not AggregateFunction.merge


class AggregateFunction(UserFunction, ABC):
    """One value per group, kept in an accumulator, which `pickle` must be able to store.

    `retract` takes a row back; a query whose input changes needs it. `merge` puts accumulators together: where it is
    missing, session windows keep their rows until they close.
    """

    @abstractmethod
    def create_accumulator(self) -> Any:
        """The accumulator of a group without rows. It is changed in place by the other methods."""

    @abstractmethod
    def accumulate(self, accumulator: Any, *arguments: Any) -> None:
        """Add a row."""

    @abstractmethod
    def get_value(self, accumulator: Any) -> Any:
        """The group's value."""

    def retract(self, accumulator: Any, *arguments: Any) -> None:
        """Take a row back."""
        raise NotImplementedError(f"{type(self).__name__} defines no retract")

    def merge(self, accumulator: Any, accumulators: Any) -> None:
        """Add what other accumulators hold."""
        raise NotImplementedError(f"{type(self).__name__} defines no merge")

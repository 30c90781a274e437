"""The one root of every error that a person can mend."""

from __future__ import annotations

from collections.abc import Collection


class RiachoError(Exception):
    """A mistake or a failure, told to a person: what happened, where, and how to mend it.

    The command line prints these three and exits with `exit_code`; nobody sees a traceback.

    >>> print(RiachoError("topic 'bids' does not exist", where="jobs/q0.sql:3", mend="create it first"))
    topic 'bids' does not exist
      at jobs/q0.sql:3
      create it first
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str | None = None, mend: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.mend = mend

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  at {self.where}")
        if self.mend is not None:
            lines.append(f"  {self.mend}")
        return "\n".join(lines)


class UsageError(RiachoError):
    """The command, an option or a configuration value is wrong: nothing was started or changed."""

    exit_code = 2


def nearest(name: str, names: Collection[str]) -> list[str]:
    """The few names most like this one, whatever their case; those that contain it last."""
    from difflib import get_close_matches

    by_lower = {each.lower(): each for each in names}
    near = get_close_matches(name.lower(), by_lower, n=3)
    near += [each for each in by_lower if name.lower() in each and each not in near]
    return [by_lower[each] for each in near[:3]]

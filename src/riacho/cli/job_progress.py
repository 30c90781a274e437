"""How a foreground job shows that it works: one line on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Self


class JobProgress:
    """A line on stderr that is rewritten with every measurement, where stderr is a terminal."""

    def __init__(self, job: str) -> None:
        self._job = job
        self._shown = False
        self._terminal = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            sys.stderr.write("\n")

    def show(self, measured: dict[str, Any]) -> None:
        """Show a job's newest measurements."""
        if not self._terminal:
            return
        lag = "" if measured["lag"] is None else f", {measured['lag']:,} behind"
        late = f", {measured['late_rows']:,} late" if measured["late_rows"] else ""
        sys.stderr.write(
            f"\r\x1b[K{self._job}: {measured['rows_in']:,} rows in, {measured['rows_out']:,} out, "
            f"{measured['rows_in_per_s']:,.0f}/s{lag}{late}"
        )
        sys.stderr.flush()
        self._shown = True

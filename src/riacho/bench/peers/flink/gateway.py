"""Flink's SQL Gateway, by its REST API: a session, statements one after another, their results.

Source: Flink's documentation, "SQL Gateway: REST Endpoint".
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from riacho.bench.peers.flink.result_types import type_text
from riacho.errors import RiachoError

POLL_S = 0.05
"""How long until the gateway is asked again for a result, or for rows, that it does not have yet."""

TIMEOUT_S = 120.0
REQUEST_TIMEOUT_S = 60.0

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""The peer is on this machine: whatever proxy the environment names is not for it."""


class FlinkError(RiachoError):
    """Flink refused a statement, or a job of its failed; `what` is the innermost reason that it gives."""

    def __init__(self, statement: str, trace: str) -> None:
        super().__init__(innermost_reason(trace), where=statement)
        self.trace = trace


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result. `type` is written as Flink writes it, with NOT NULL where it is that."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Result:
    """What a statement gives: rows with their kinds (INSERT, UPDATE_BEFORE, …), and the job that it started.

    Values are those of JSON; numbers with a fraction are `Decimal`s, times texts, bytes in base 64.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, tuple[Any, ...]], ...]
    job: str | None


class Session:
    """One session of the gateway: its catalog, and its settings."""

    def __init__(self, address: str, settings: Mapping[str, str]) -> None:
        self._address = address
        self._path = f"/v3/sessions/{self._call('/v3/sessions', {'properties': dict(settings)})['sessionHandle']}"

    def set(self, name: str, value: str) -> None:
        """As the statement SET."""
        self.execute(f"SET '{name}' = '{value}'")

    def submit(self, statement: str) -> str:
        """Start the job of an INSERT or of a statement set; its id. Raises `FlinkError` where Flink refuses it."""
        job = self.execute(statement).job
        assert job is not None, "an INSERT starts a job"
        return job

    def execute(self, statement: str, *, timeout_s: float = TIMEOUT_S) -> Result:
        """Run one statement and read its result to the end. Raises `FlinkError` where Flink refuses it."""
        operation = self._call(f"{self._path}/statements", {"statement": statement}, statement)["operationHandle"]
        path = f"{self._path}/operations/{operation}/result/0?rowFormat=JSON"
        deadline = time.monotonic() + timeout_s
        columns: tuple[Column, ...] = ()
        rows: list[tuple[str, tuple[Any, ...]]] = []
        job: str | None = None
        while True:
            page = self._call(path, None, statement)
            kind = page["resultType"]
            if kind == "NOT_READY":
                if time.monotonic() > deadline:
                    raise RiachoError(f"Flink has no answer after {timeout_s:.0f} s", where=statement)
                time.sleep(POLL_S)
                continue
            results = page["results"]
            columns = tuple(Column(each["name"], type_text(each["logicalType"])) for each in results["columns"])
            rows += [(row["kind"], tuple(row["fields"])) for row in results["data"]]
            job = page.get("jobID") or job
            if kind == "EOS":
                return Result(columns, tuple(rows), job)
            if not results["data"]:  # of a job that runs the gateway gives empty pages, as often as it is asked
                time.sleep(POLL_S)
            path = page["nextResultUri"]

    def close(self) -> None:
        """End the session, whose jobs go on."""
        self._call(self._path, method="DELETE")

    def _call(
        self, path: str, body: Mapping[str, Any] | None = None, statement: str = "", method: str | None = None
    ) -> Any:
        try:
            return call(self._address, path, body, method)
        except urllib.error.HTTPError as error:
            raise FlinkError(statement, "\n".join(json.loads(error.read())["errors"])) from error


def call(address: str, path: str, body: Mapping[str, Any] | None = None, method: str | None = None) -> Any:
    """Ask a REST API of Flink's: POST where there is a body. Raises `HTTPError` as it comes."""
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"http://{address}{path}", content, {"Content-Type": "application/json"}, method=method
    )
    with _DIRECT.open(request, timeout=REQUEST_TIMEOUT_S) as answer:
        return json.loads(answer.read() or b"{}", parse_float=Decimal)


def innermost_reason(trace: str) -> str:
    """The last `Caused by` of a Java stack trace, without its frames and the names of exception classes.

    >>> innermost_reason("a.B: outer\\n\\tat a.b(C.java:1)\\nCaused by: c.DException: inner\\n\\tat …")
    'inner'
    """
    lines = trace.splitlines()
    causes = [place for place, line in enumerate(lines) if line.startswith("Caused by: ")]
    kept: list[str] = []
    for line in lines[causes[-1] if causes else 0 :]:
        if line.startswith(("\tat ", "\t...", "\t…")):
            break
        kept.append(line)
    text = " ".join(kept).removeprefix("Caused by: ").strip()
    name, separator, reason = text.partition(": ")
    return reason if separator and " " not in name else text

"""How the API says no: always an object with what is wrong, where, and how to mend it; null for what is not known."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import JSONResponse


def refusal(
    status: int, error: str, where: str | None = None, mend: str | None = None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """The answer to a request that was not served."""
    return JSONResponse({"error": error, "where": where, "mend": mend}, status, headers)

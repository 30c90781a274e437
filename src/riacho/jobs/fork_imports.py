"""What a process imports that workers are forked from."""

from __future__ import annotations

from typing import Final

from riacho.kernels import compile as kernels

WORKER_IMPORTS: Final = ("riacho.cli.run", "riacho.sql.session", "riacho.client", *kernels.modules())
"""What every worker needs, but for what imports Polars, which starts threads."""

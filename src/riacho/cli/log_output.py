"""Where log lines go: stderr, one line each, the time first."""

from __future__ import annotations

import logging


def log_to_stderr() -> None:
    """Set up logging for a command that serves. stdout is left to what the command prints."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")

"""Work that goes on for as long as the console does: what fails is told in the log and begun again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

AGAIN_S = 1.0
"""Pause before work begins again: a defect that returns at once must fill neither the log nor a core."""

log = logging.getLogger(__name__)


async def lasting(work: Callable[[], Awaitable[None]], purpose: str) -> None:
    """Do the work until cancelled, anew whenever it ends by itself: viewers outlive a defect in one message.

    `purpose` says in the log what stopped for a moment.
    """
    while True:
        attempt = asyncio.ensure_future(work())
        try:
            await asyncio.wait([attempt])
        finally:
            attempt.cancel()
        error = None if attempt.cancelled() else attempt.exception()
        log.error("%s failed and begins again in %.0f s", purpose, AGAIN_S, exc_info=error)
        await asyncio.sleep(AGAIN_S)

"""kio as a user has it: Kafka's messages, without Hypothesis.

kio registers strategies with Hypothesis wherever that is installed. On a developer's machine this would cost every
process 0.6 s and 40 MB at its first import, for nothing: kio is told that it is not there. Whoever imports another
part of kio does so after this module.
"""

from __future__ import annotations

import sys

_blocked = "hypothesis" not in sys.modules
if _blocked:
    sys.modules["hypothesis"] = None  # type: ignore[assignment]
from kio.schema.errors import ErrorCode  # noqa: E402

if _blocked:
    del sys.modules["hypothesis"]

__all__ = ["ErrorCode"]

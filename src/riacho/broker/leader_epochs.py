"""Does a client know the leader epoch that we are in? (KIP-320)"""

from __future__ import annotations

from riacho.broker.errors import ErrorCode

UNKNOWN_EPOCH = -1
"""The client does not say."""


def check_leader_epoch(known_to_client: int, ours: int) -> ErrorCode:
    """`none` where the client is up to date or does not say; else what to tell it.

    >>> check_leader_epoch(3, 4)
    <ErrorCode.fenced_leader_epoch: 74>
    """
    if known_to_client in (UNKNOWN_EPOCH, ours):
        return ErrorCode.none
    return ErrorCode.fenced_leader_epoch if known_to_client < ours else ErrorCode.unknown_leader_epoch

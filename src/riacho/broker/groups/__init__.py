"""Consumer groups and committed offsets: Kafka's group coordinator, as state machines under a thin shell."""

from riacho.broker.groups.config import GroupConfig
from riacho.broker.groups.coordinator import CoordinatorError, GroupCoordinator, StateLog
from riacho.broker.groups.placement import partition_of_group
from riacho.broker.groups.timers import LoopTimers, ManualTimers, Timers

__all__ = [
    "CoordinatorError",
    "GroupConfig",
    "GroupCoordinator",
    "LoopTimers",
    "ManualTimers",
    "StateLog",
    "Timers",
    "partition_of_group",
]

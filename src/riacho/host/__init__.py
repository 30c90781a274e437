"""What a process asks of its machine: the time and the disk, as parameters."""

from riacho.host.clock import Clock, ManualClock, SystemClock
from riacho.host.disk import Buffer, Disk, SystemDisk

__all__ = ["Buffer", "Clock", "Disk", "ManualClock", "SystemClock", "SystemDisk"]

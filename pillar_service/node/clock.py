"""The time on this node, and whether it can be trusted."""

import ctypes
import time
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

TIME_ERROR = 5
"""What adjtimex(2) returns for a clock that is not synchronised."""


_libc = ctypes.CDLL(None)


class Moment(NamedTuple):
    """Unix seconds, seconds since boot, the boot's id, and whether the clock is synchronised."""

    at: float
    mono: float
    boot: str
    is_synced: bool


def now() -> Moment:
    """The present moment."""
    return Moment(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME), _boot(), is_synchronised())


def is_synchronised() -> bool:
    """Whether this system's clock is synchronised (by NTP); with a clock that is not, nothing expires."""
    told = ctypes.create_string_buffer(512)  # larger than a struct timex; its modes are 0: nothing is changed
    return 0 <= int(_libc.adjtimex(told)) < TIME_ERROR


@lru_cache
def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()

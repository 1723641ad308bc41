"""What time it is on this node, as far as it can know."""

import ctypes
import time
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

TIME_ERROR = 5
"""What adjtimex(2) returns for a clock that nobody keeps right."""


_libc = ctypes.CDLL(None)


class Moment(NamedTuple):
    """Unix seconds; seconds since the machine started, and which start that was; whether the first can be believed."""

    at: float
    mono: float
    boot: str
    is_synced: bool


def now() -> Moment:
    """This moment."""
    return Moment(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME), _boot(), is_synchronised())


def is_synchronised() -> bool:
    """Whether this system's clock is kept right by somebody (NTP): on one that is not, nothing expires."""
    told = ctypes.create_string_buffer(512)  # modes 0: nothing is changed; a struct timex has fewer bytes
    return 0 <= int(_libc.adjtimex(told)) < TIME_ERROR


@lru_cache
def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()

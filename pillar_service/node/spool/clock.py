"""What time it is on this node, as far as it can know."""

import ctypes
import time
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

UNSYNCHRONISED = 0x40
"""STA_UNSYNC of adjtimex(2)."""


class Moment(NamedTuple):
    """Unix seconds; seconds since the machine started, and which start that was; whether the first can be believed."""

    at: float
    mono: float
    boot: str
    synced: bool


def now() -> Moment:
    """This moment."""
    return Moment(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME), _boot(), _is_synced())


@lru_cache
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "unknown"


class _Timex(ctypes.Structure):
    # The rest of struct timex is not read; the kernel writes 208 bytes.
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset_freq_maxerror_esterror", ctypes.c_long * 4),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )


def _is_synced() -> bool:
    told = _Timex()
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(told))
    except (OSError, AttributeError):
        return False
    return state >= 0 and not told.status & UNSYNCHRONISED

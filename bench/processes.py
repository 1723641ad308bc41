"""The processes of what is measured: which they are, and what they took."""

import psutil
from daemons import Daemon
from salt_daemons import Master, SaltProcess

MIB = 2**20


def of(daemon: Daemon | SaltProcess) -> list[psutil.Process]:
    """A daemon's first process and all that come from it."""
    first = psutil.Process(daemon.pid)
    return [first, *first.children(recursive=True)]


def dispatcher(master: Master) -> psutil.Process:
    """The process of a master in which the dispatcher runs."""
    if (found := master.dispatcher()) is None:
        raise RuntimeError("The master has no dispatcher.")
    return found


def cpu_s(*processes: psutil.Process) -> float:
    """Seconds of processor time that these have had."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def all_cpu_s(daemon: Daemon | SaltProcess) -> float:
    """Seconds of processor time that a daemon's processes have had, and those that they started and saw end."""
    return sum(sum(process.cpu_times()[:4]) for process in of(daemon))

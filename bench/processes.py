"""The processes of the daemons that are measured, and what they use."""

import psutil
from daemons import Daemon
from salt_daemons import Master, SaltProcess

MIB = 2**20


def of(daemon: Daemon | SaltProcess) -> list[psutil.Process]:
    """A daemon's first process and all its descendants."""
    first = psutil.Process(daemon.pid)
    return [first, *first.children(recursive=True)]


def dispatcher(master: Master) -> psutil.Process:
    """The process of a master in which the dispatcher runs."""
    if (found := master.dispatcher()) is None:
        raise RuntimeError("The master has no dispatcher.")
    return found


def cpu_s(*processes: psutil.Process) -> float:
    """Seconds of processor time that these processes have used."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def all_cpu_s(daemon: Daemon | SaltProcess) -> float:
    """Seconds of processor time that a daemon's processes have used, with their children that have ended."""
    return sum(sum(process.cpu_times()[:4]) for process in of(daemon))

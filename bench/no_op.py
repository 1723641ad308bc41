"""The other side of the queue: carries out all jobs that are asked for, in a process of its own.

python -m bench.no_op ours URL TOKEN_FILE | huey FILE | rq SOCKET

Reads from standard input how many jobs to wait for; prints a line when it is ready, and one when they are done.
"""

import queue
import sys
import threading
from collections.abc import Callable

from bench import peers
from pillar_service.master.client import Client
from pillar_service.master.dispatch.delivery import AT_ONCE

NAME = "test-master"


def ours(url: str, token_file: str, count: int) -> None:
    """Claim runs, report their start, and hand in results, on two threads, as the dispatcher does (without Salt)."""
    returned: queue.Queue[dict] = queue.Queue()
    threading.Thread(target=_claim, args=(Client(url, token_file), count, returned), daemon=True).start()
    client, done = Client(url, token_file), 0
    while done < count:
        some = [returned.get()]
        while len(some) < AT_ONCE and not returned.empty():
            some.append(returned.get())
        if refused := client.results({run["id"]: _result(run) for run in some}):
            raise RuntimeError(f"Results were refused: {refused}")
        done += len(some)


def _claim(client: Client, count: int, returned: "queue.Queue[dict]") -> None:
    given, fence = 0, None
    while given < count:
        runs, fence = client.claim(NAME, fence, wait=5)
        if runs and (refused := client.all_started({run["id"]: f"jid-{run['id']}" for run in runs})):
            raise RuntimeError(f"Runs were refused: {refused}")
        for run in runs:
            returned.put(run)
        given += len(runs)


def _result(run: dict) -> dict:
    told = {"state": "done", "code": 0, "lines": 0}
    return {"jid": f"jid-{run['id']}", "node": run["node"], "return": told, "success": True, "retcode": 0}


def main() -> None:
    """Carry out one lot of jobs after the other, until the input ends."""
    kind, *where = sys.argv[1:]
    ways: dict[str, Callable[..., None]] = {"ours": ours, "huey": peers.consume, "rq": peers.work}
    for line in sys.stdin:
        print("ready", flush=True)
        ways[kind](*where, int(line))
        print("done", flush=True)


if __name__ == "__main__":
    main()

"""
The key of a node that was enrolled by ``enrol.sh``.

Setup: ``enrol.sh`` writes ``saltcellar: {root: DIRECTORY}`` into the minion's configuration; other minions have no use for
this module.
"""

import subprocess
import sys
from pathlib import Path

try:
    from pillar_service.node.enrolment.site import Site

    MISSING = None
except ImportError as error:
    MISSING = f"enrolment needs `pip install saltcellar[node]` in the minion's Python ({error})."

LATER_S = 3
"""Seconds until the key is changed: the answer to the call goes out first, with the key that the master knows."""


def __virtual__():
    if MISSING:
        return False, MISSING
    if not (__opts__.get("saltcellar") or {}).get("root"):
        return (
            False,
            "enrolment is for minions that enrol.sh installed: 'saltcellar: root' is not in the configuration.",
        )
    return "enrolment"


def rotate():
    """
    Make a new key in a few seconds, tell the service, and restart with it. Returns at once which node does so.

    CLI Example:

    .. code-block:: bash

        salt shed.f67b76a543a7a349 enrolment.rotate
    """
    root = __opts__["saltcellar"]["root"]
    told = Site(Path(root)).who()
    command = [sys.executable, "-m", "pillar_service.node.enrolment", "rotate", "--root", root]
    with open(f"{__opts__['log_file']}.rotate", "ab") as log:
        subprocess.Popen(  # noqa: S603  (our own module; what varies is no option)
            ["/bin/sh", "-c", f'sleep {LATER_S}; exec "$@"', "rotate", *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return {"node": told["node"], "rotates": True}

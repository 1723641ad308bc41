"""`python -m pillar_service.node.enrolment ACT --root DIR`: what enrol.sh and the launcher call.

Exit codes are those of core.errors: 7 means that the outcome is unknown.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from pillar_service.core.errors import SaltcellarError
from pillar_service.node.enrolment import joining, turning
from pillar_service.node.enrolment.site import Site


def main() -> int:
    """Do what the arguments ask for; an error is one sentence on standard error. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="enrolment")
    parser.add_argument("act", choices=("join", "tell", "clear", "leave", "finish", "rotate"))
    parser.add_argument("--root", type=Path, default=Path("/"))
    parser.add_argument("--service", default="")
    parser.add_argument("--name", default="")
    parser.add_argument("--new-key", action="store_true")
    asked = parser.parse_args()
    try:
        _do(asked, Site(asked.root))
    except SaltcellarError as error:
        sys.stderr.write(f"{error.sentence}\n")
        return error.exit_code
    except OSError as error:
        sys.stderr.write(f"{error.filename or 'A file'}: {error.strerror or error}.\n")
        return 1
    return 0


def _do(asked: argparse.Namespace, site: Site) -> None:
    if asked.act == "join":
        told = joining.join(site, asked.service, asked.name, sys.stdin.readline().strip(), asked.new_key)
        sys.stdout.write(f"{told['node']} {told['master_fingerprint']}\n")
    elif asked.act in ("tell", "clear"):
        from pillar_service.node.enrolment import clearing  # imported here: it loads Docker's library

        sys.stdout.write(f"{clearing.tell(site) if asked.act == 'tell' else clearing.clear(site)}\n")
    elif asked.act == "leave":
        joining.leave(site)
    elif asked.act == "finish":
        turning.finish(site)
    else:
        turning.turn(site)
        subprocess.run([str(site.launcher), "restart"], check=True)  # noqa: S603  (our own launcher)


if __name__ == "__main__":
    sys.exit(main())

"""Events that anything on this node may submit: checked strictly, never of our own types, never with the priority "vital".

``cellar-submit`` is `main`: it reads the data from standard input; what is not JSON is text. It prints the event's place
(epoch and sequence) once the event is on disk; otherwise it exits with the code of the error's class.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pillar_service.core.errors import Invalid, SaltcellarError
from pillar_service.core.events import submission
from pillar_service.core.events.submission import LARGEST, Priority
from pillar_service.node.paths import Home
from pillar_service.node.spool import Place, Spool

DEFAULT_CONFIG = "/etc/salt"


def submit(spool: Spool, type: object, subject: object, data: Any, stream: object, priority: object) -> Place:
    """Put an event that is not ours into the spool; raises Invalid, Full."""
    return spool.put(
        submission.foreign_type(type),
        submission.subject(subject),
        data,
        stream=submission.stream(stream) if stream else "",
        priority=submission.priority(priority, Priority.HIGH),
    )


def read(given: bytes) -> Any:
    """The data that was given: JSON or, failing that, text; raises Invalid if it is too long or not UTF-8."""
    if len(given) > LARGEST:
        raise Invalid(f"An event may have at most {LARGEST >> 10} KiB of data: send less, or split it.")
    try:
        text = given.decode()
    except UnicodeDecodeError as error:
        raise Invalid("The data is not UTF-8 text: encode it, for example in base64.") from error
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def main(arguments: Sequence[str] | None = None) -> int:
    """The command `cellar-submit`; returns the exit code."""
    told = _asked(arguments)
    try:
        spool = Spool(_home(told.data, told.config))
        data = read(sys.stdin.buffer.read(LARGEST + 1))
        place = submit(spool, told.type, told.subject, data, told.stream, told.priority)
    except SaltcellarError as error:
        print(f"cellar-submit: {error.sentence}", file=sys.stderr)
        return error.exit_code
    print(f"{place.epoch}/{place.sequence}")
    return 0


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    about = "Submit an event with data from standard input; this node keeps it until the service has it."
    parser = argparse.ArgumentParser(prog="cellar-submit", description=about)
    parser.add_argument("--type", required=True, help="what kind of event: org.example.backup.done")
    parser.add_argument("--subject", required=True, help="what it is about: one line")
    parser.add_argument("--stream", help="events of one stream stay in order (default: one stream for each priority)")
    parser.add_argument("--priority", default=int(Priority.NORMAL), help="1 (most important) to 4 (default: 2)")
    parser.add_argument(
        "--data", metavar="DIRECTORY", help="the node's data directory (default: what the minion's configuration says)"
    )
    parser.add_argument(
        "--config",
        default=DEFAULT_CONFIG,
        metavar="DIRECTORY",
        help="the minion's configuration (default: %(default)s)",
    )
    return parser.parse_args(arguments)


def _home(data: str | None, config: str) -> Home:
    """This node's home; raises Invalid if it does not exist: nobody would ever deliver what was kept there."""
    if not data and config != DEFAULT_CONFIG and not Path(config).is_dir():
        raise Invalid(f"{config} is no directory: name the one with the minion's configuration (--config).")
    home = Home.at(data or _configured(config))
    if not home.root.is_dir():
        raise Invalid(f"No node keeps its data in {home.root}: say where the minion's configuration is (--config).")
    return home


def _configured(folder: str) -> str | None:
    from salt.config import minion_config

    told = minion_config(f"{folder}/minion", cache_minion_id=False, minion_id="unused").get("saltcellar")
    return told.get("data") if isinstance(told, dict) else None


if __name__ == "__main__":
    sys.exit(main())

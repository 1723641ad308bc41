"""Looking through a tar that somebody sent.

A tar may hold millions of files, and each takes processor time: a large one is read in a process of its own, at low
priority, and not on a thread of the worker.
"""

import json
import sys
from pathlib import Path

from pillar_service.core.bots import exports
from pillar_service.core.bots.exports import Export, Kind
from pillar_service.core.errors import Failed, ForkHazard, Invalid, SaltcellarError, Unavailable
from pillar_service.programs import running

SOON = 4 << 20
"""A tar of at most this many bytes is looked through at once: it holds 8,000 files at most."""

MOST_S = 600.0
"""How long looking through a tar may take, in seconds: a million files take less than two minutes."""

TOP = Path(__file__).resolve().parents[3]
"""The folder that contains the package; the process is started in it, so that it can import the package."""

SAID = {error.__name__: error for error in (Invalid, ForkHazard)}
"""What `exports.check` raises, by name."""


def check(tar: Path, wanted: Kind = Kind.EVERYTHING) -> Export:
    """What a tar on the disk holds, as `exports.check` returns it.

    Raises Invalid and ForkHazard as that does, Invalid also if the tar has so many files that it takes too long,
    Unavailable if it could not be looked through, and FileNotFoundError.
    """
    if tar.stat().st_size <= SOON:
        return _looked(tar, wanted)
    command = ["nice", "-n", "10", sys.executable, "-m", __name__, str(tar), str(wanted)]
    try:
        said = running.ran(command, {}, MOST_S, TOP)
    except Failed as error:
        raise Invalid("The tar has too many files: it took too long to look through.") from error
    if said.code != 0:
        raise Unavailable("The tar could not be looked through: try again later.")
    told = json.loads(said.out)
    if "raised" in told:
        raise SAID[told["raised"]](told["sentence"])
    return Export(**told)


def _looked(tar: Path, wanted: Kind) -> Export:
    with tar.open("rb") as file:
        return exports.check(file, wanted)


def _told(tar: Path, wanted: Kind) -> dict[str, object]:
    try:
        found = _looked(tar, wanted)
    except SaltcellarError as error:
        return {"raised": type(error).__name__, "sentence": error.sentence}
    return {"pub_id": found.pub_id, "sequence": found.sequence}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_told(Path(sys.argv[1]), Kind(sys.argv[2]))))

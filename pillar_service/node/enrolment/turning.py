"""A node makes itself another key: tells the service by the one it has, then uses the new one.

The new key is on the disk before anything is told. Whether it counts already is asked again by telling it again, at the
next start at the latest: so a node that dies in the middle comes back with the key that masters accept.
"""

from pathlib import Path

from pillar_service.core.errors import Forbidden, SaltcellarError, Unauthenticated, Unavailable
from pillar_service.core.nodes.enrolment import KeyAct, statement
from pillar_service.node import disk, lastgood
from pillar_service.node.enrolment import keys
from pillar_service.node.enrolment.asking import ask
from pillar_service.node.enrolment.site import Site
from pillar_service.node.masterless import states
from pillar_service.node.paths import Home
from pillar_service.node.sealing import Seal


def turn(site: Site) -> None:
    """Make another key and have it counted; raises what the service said: then the old one goes on."""
    new = keys.following(site.pki)
    try:
        _tell(site, new)
    except Unavailable:
        raise  # it may count: the next start finds out
    except SaltcellarError:
        (site.pki / keys.NEXT).unlink(missing_ok=True)
        raise
    take(site)


def take(site: Site) -> None:
    """The next key is the node's now, and what the one before sealed is sealed with it: the node goes on by it alone."""
    seals = _seals(site, keys.PRIVATE)
    for (file, before), (_, after) in zip(seals, _seals(site, keys.NEXT), strict=True):
        try:
            disk.write_atomically(_fresh(file), after.close(before.open(file.read_bytes())))
        except (OSError, SaltcellarError):
            _fresh(file).unlink(missing_ok=True)  # there is none, or none that counts: the next state run makes it
    keys.take(site.pki)
    _reseal(site)


def _reseal(site: Site) -> None:
    """Put what was sealed anew in its place, if the key is the node's that sealed it."""
    for file, seal in _seals(site, keys.PRIVATE):
        try:
            seal.open(_fresh(file).read_bytes())
            _fresh(file).replace(file)
        except (OSError, SaltcellarError):
            _fresh(file).unlink(missing_ok=True)


def _seals(site: Site, key: str) -> list[tuple[Path, Seal]]:
    """What this node keeps to go by with no master there, and its seal by that key."""
    home, node = Home(site.data), site.who()["node"]
    kept = ((home.state / lastgood.NAME, lastgood.SEALED), (home.masterless / states.MANIFEST, states.SEALED))
    return [(file, Seal(node, site.pki, what, key)) for file, what in kept]


def _fresh(file: Path) -> Path:
    return file.with_suffix(".next")


def finish(site: Site) -> bool:
    """Bring to its end what was begun before; says whether the key is another now."""
    if not (site.pki / keys.NEXT).exists():
        if site.identity.exists():
            _reseal(site)
        return False
    try:
        turn(site)
    except (Unauthenticated, Forbidden):
        return False
    return True


def _tell(site: Site, new: keys.Key) -> None:
    who, old = site.who(), keys.own(site.pki)
    told = {
        "node": who["node"],
        "public_key": new.public,
        "signature": old.sign(statement(KeyAct.TURN, who["node"], old.public, new.public)),
        "proof": new.sign(statement(KeyAct.TURN, who["node"], new.public)),
    }
    ask(who["service"], "/keys/turn", told)

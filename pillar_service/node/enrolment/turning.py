"""A node changes its key: it announces the new key to the service, signed with the old one, then uses the new one.

The new key is on disk before it is announced. If it is unknown whether the service took it, the node announces it again, at
its next start at the latest: so a node that dies midway comes back with the key that masters accept.
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
    """Make a new key and have the service take it; raises the error that the service named: then the old key stays."""
    new = keys.following(site.pki)
    try:
        _tell(site, new)
    except Unavailable:
        raise  # the service may have taken it: the next start finds out
    except SaltcellarError:
        (site.pki / keys.NEXT).unlink(missing_ok=True)
        raise
    take(site)


def take(site: Site) -> None:
    """Make the next key the node's key, and seal with it what the old one had sealed, which the node needs without a master."""
    seals = _seals(site, keys.PRIVATE)
    for (file, before), (_, after) in zip(seals, _seals(site, keys.NEXT), strict=True):
        try:
            disk.write_atomically(_fresh(file), after.close(before.open(file.read_bytes())))
        except (OSError, SaltcellarError):
            _fresh(file).unlink(missing_ok=True)  # missing, or wrongly sealed: the next state run makes it
    keys.take(site.pki)
    _reseal(site)


def _reseal(site: Site) -> None:
    """Put each newly sealed file in its place, if it is sealed with the node's present key."""
    for file, seal in _seals(site, keys.PRIVATE):
        try:
            seal.open(_fresh(file).read_bytes())
            _fresh(file).replace(file)
        except (OSError, SaltcellarError):
            _fresh(file).unlink(missing_ok=True)


def _seals(site: Site, key: str) -> list[tuple[Path, Seal]]:
    """The sealed files that this node works from without a master, each with its seal by that key."""
    home, node = Home(site.data), site.who()["node"]
    kept = ((home.state / lastgood.NAME, lastgood.SEALED), (home.masterless / states.MANIFEST, states.SEALED))
    return [(file, Seal(node, site.pki, what, key)) for file, what in kept]


def _fresh(file: Path) -> Path:
    return file.with_suffix(".next")


def finish(site: Site) -> bool:
    """Complete a change of key that was begun before; returns whether the key has changed."""
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

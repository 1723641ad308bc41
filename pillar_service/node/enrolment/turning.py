"""A node makes itself another key: tells the service by the one it has, then uses the new one.

The new key is on the disk before anything is told. Whether it counts already is asked again by telling it again, at the
next start at the latest: so a node that dies in the middle comes back with the key that masters accept.
"""

from pillar_service.core.enrolment import KeyAct, statement
from pillar_service.core.errors import Forbidden, SaltcellarError, Unauthenticated, Unavailable
from pillar_service.node.enrolment import keys
from pillar_service.node.enrolment.asking import ask
from pillar_service.node.enrolment.site import Site


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
    """The next key is the node's now."""
    keys.take(site.pki)


def finish(site: Site) -> bool:
    """Bring to its end what was begun before; says whether the key is another now."""
    if not (site.pki / keys.NEXT).exists():
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

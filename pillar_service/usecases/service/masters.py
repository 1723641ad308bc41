"""Masters: who may use the private app."""

import hmac
import time
from contextlib import suppress
from urllib.parse import urlsplit

from pillar_service.core import names
from pillar_service.core.errors import SaltcellarError, Unauthenticated, Unavailable
from pillar_service.core.nodes.enrolment import MasterFacts
from pillar_service.core.people import tokens
from pillar_service.settings import settings
from pillar_service.store.database import transaction
from pillar_service.store.service import masters
from pillar_service.usecases.nodes import pem
from pillar_service.usecases.service import auditing

PROMETHEUS = "prometheus"
"""A name that no master has: its token may ask only the one question that Prometheus asks."""

SEEN_EVERY_S = 30.0
"""How often, in seconds, a master's asking for jobs is written down."""


def new_token(actor: str, name: str) -> str:
    """Give a master a new token, which ends the former one, and return it; only its hash is kept."""
    token, now = tokens.new_token(), time.time()
    with transaction():
        masters.put(names.node_id(name), tokens.hash_token(token), now)
        auditing.record(actor, "masters.token", f"master:{name}", now)
    return token


def authenticate(token: str) -> str:
    """The name of the master whose token this is; raises Unauthenticated. Takes the same time for every wrong token."""
    given, found = tokens.hash_token(token), None
    for name, token_hash in masters.hashes():
        found = name if hmac.compare_digest(given, token_hash) else found
    if found is None:
        raise Unauthenticated(
            "This master's token is not known: make one with `python -m pillar_service.web master-token NAME`, and put it into "
            "the master's token_file."
        )
    return found


def has_token(name: str, token: str) -> bool:
    """Whether this is that master's current token."""
    return (name, tokens.hash_token(token)) in masters.hashes()


def seen(name: str) -> None:
    """Write down that a master asks for jobs, unless that was done just now; a busy database does not turn it away."""
    last, now = masters.seen_at(name), time.time()
    if last is None or not 0 <= now - last < SEEN_EVERY_S:
        with suppress(SaltcellarError), transaction():
            masters.seen(name, now)


def tell(name: str, address: object, publish_port: object, return_port: object, public_key: object) -> None:
    """Keep where nodes find a master; without an address, it is where they find the service. Raises Invalid."""
    where = address or urlsplit(settings().address).hostname
    facts = MasterFacts(
        names.text(where, "master's address", 255),
        names.whole_number(publish_port, "master's publish port", 1, 65535),
        names.whole_number(return_port, "master's return port", 1, 65535),
        pem.public_key(public_key),
    )
    with transaction():
        masters.tell(name, facts)


def found() -> list[MasterFacts]:
    """Where nodes find masters, the most recently heard first; raises Unavailable while none has said where it is."""
    there = masters.found()
    if not there:
        raise Unavailable("No master has told this service where it is yet: try again in a minute.")
    return there

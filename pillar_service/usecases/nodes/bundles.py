"""Bundles: publish one, offer it to the nodes that it is for, hand it out at an address that was signed for a while."""

import base64
import hmac
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pillar_service.core import names
from pillar_service.core.errors import Forbidden, Invalid, NotFound
from pillar_service.core.nodes import bundles as rules
from pillar_service.core.nodes.bundles import Manifest, Slot
from pillar_service.core.service.backups import RESTORER
from pillar_service.documents import machines
from pillar_service.documents.faults import Faults, raise_any
from pillar_service.settings import settings
from pillar_service.store.database import transaction
from pillar_service.store.nodes import bundles, facts, nodes
from pillar_service.store.nodes.bundles import Bundle
from pillar_service.store.people import accounts
from pillar_service.store.service import audit
from pillar_service.usecases.service import auditing

ADDRESS_S = 300
"""For how long a signed address may be used."""

DAYS = 90
OWN_STAYS = "Nodes that are meant by a bundle of their account's own go on using that one: {accounts}."
OWN_ALONE = (
    "Nodes that are meant by this bundle do not use the one for all ({serial}): it must hold all that they are to run."
)
WITHOUT = "Nodes that are meant by this bundle do without what comes along, which it does not hold: {files}."


def new_key() -> str:
    """A new key to sign bundles with, as CELLAR_BUNDLE_KEY takes it."""
    return Ed25519PrivateKey.generate().private_bytes_raw().hex()


def public_key() -> str | None:
    """The public half, as nodes are told it; None where nothing is signed."""
    written = settings().bundle_key
    return _key(written).public_key().public_bytes_raw().hex() if written else None


@lru_cache(maxsize=4)
def _key(written: str) -> Ed25519PrivateKey:
    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(written))
    except ValueError as error:
        raise Invalid(
            "CELLAR_BUNDLE_KEY is no key: make one with `python -m pillar_service.web bundle-key FILE`."
        ) from error


def signature(signed: bytes) -> bytes:
    """Those bytes' signature by the key of this place; of the same bytes always the same (RFC 8032)."""
    return _key(settings().bundle_key).sign(signed)


def publish(actor: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Sign files and keep them for nodes: ``files`` (base64 by path), ``account``, ``allow``, ``deny``, ``facts``, ``days``.

    ``warning`` in the answer says, if anything, which nodes use another one, or do without another from now on. Raises
    Invalid with every fault of every machine in it, and for what can't be in a bundle.
    """
    written = settings().bundle_key
    if not written:
        raise Invalid("Bundles are signed, and CELLAR_BUNDLE_KEY is not set: docs/operate.md says how to make a key.")
    files, now = _files(given.get("files")), time.time()
    days = names.whole_number(given.get("days") or DAYS, "number of days", 1, rules.LONGEST_DAYS)
    account = rules.account(given.get("account") or None)
    if account is not None and not accounts.with_ids({account}):
        raise NotFound(f"There is no account {account}.")
    whose: dict[str, Any] = {
        "account": account,
        "allow": rules.patterns(given.get("allow"), "allow"),
        "deny": rules.patterns(given.get("deny"), "deny"),
        "facts": rules.matcher(given.get("facts")),
    }
    with transaction():
        warning = _warning(account, files, now)
        manifest = keep(actor, files, now, days, **whose)
    return {**_described(manifest), "warning": warning}


def keep(actor: str, files: Mapping[str, bytes], now: float, days: int, **whose: Any) -> Manifest:
    """Sign files and keep them for nodes, in the caller's transaction."""
    manifest = Manifest(
        serial=max(bundles.newest(), _lost()) + 1,
        made_at=int(now),
        expires_at=int(now) + days * 86_400,
        files={path: rules.digest(content) for path, content in files.items()},
        **whose,
    )
    signed = manifest.written()
    rules.check_files(rules.manifest(signed), files)
    bundles.add(
        serial=manifest.serial,
        made_at=now,
        expires_at=manifest.expires_at,
        account=manifest.account,
        actor=actor,
        manifest=signed.decode(),
        body=rules.packed(signed, signature(signed), files).decode(),
    )
    bundles.prune(manifest.account)
    detail = f"for {manifest.account or 'all'}: {', '.join(sorted(files))}"[:1000]
    auditing.record(actor, "nodes.publish", f"bundle:{manifest.serial}", now, detail)
    return manifest


def _lost() -> int:
    """A serial as high as that of any bundle which was lost with a database that was restored: nodes have such, and take none
    below. It is the time of the last restore, which grows faster than anybody publishes."""
    return max((int(one.at) for one in audit.by(RESTORER)), default=0)


def _warning(account: str | None, files: Mapping[str, bytes], now: float) -> str | None:
    others = [manifest_of(one) for one in bundles.listed(now)]
    along = next((one.files for one in others if one.shipped), {})
    lacking = sorted(set(along) - set(files))
    said = [WITHOUT.format(files=", ".join(lacking)[:1000])] if lacking else []
    own = sorted({one.account for one in others if one.account})
    for_all = next((one.serial for one in others if one.account is None and not one.shipped), None)
    if account is None and own:
        said.append(OWN_STAYS.format(accounts=", ".join(own)[:1000]))
    if account is not None and for_all:
        said.append(OWN_ALONE.format(serial=for_all))
    return " ".join(said) or None


def manifest_of(row: Bundle) -> Manifest:
    """What was signed of a bundle that is kept."""
    return _read(row.manifest)


@lru_cache(maxsize=100)
def _read(signed: str) -> Manifest:
    return rules.manifest(signed.encode())


def listed() -> list[dict[str, Any]]:
    """Those that nodes may still take, the newest first."""
    return [_described(manifest_of(one)) for one in bundles.listed(time.time())]


def offered(node: str) -> dict[str, Any] | None:
    """What is offered to a node, with an address for a few minutes: the newest for it, by what it told of itself.

    One for its account alone goes before every one for all: who publishes for all displaces nobody's own. What comes along
    is for whom no other is.
    """
    found = _for_node(node, time.time())
    if found is None:
        return None
    until = int(time.time()) + ADDRESS_S
    query = {"node": node, "until": until, "signature": _signature(found.serial, node, until)}
    return {"serial": found.serial, "path": f"/bundles/{found.serial}?{urlencode(query)}"}


def fetched(serial: str, node: str, until: str, signature: str) -> bytes:
    """The bundle of that address; raises Forbidden for an address that we did not sign, or signed too long ago."""
    at = int(until) if until.isascii() and until.isdigit() and len(until) < 16 else 0
    if not hmac.compare_digest(signature.encode(errors="replace"), _signature(serial, node, at).encode()):
        raise Forbidden("This address was not signed by the service: ask for a new one.")
    if time.time() > at:
        raise Forbidden("This address has expired: ask for a new one.")
    body = bundles.body(int(serial))  # it is a number: we signed it
    if body is None:
        raise NotFound("There is no such bundle any more.")
    return body.encode()


def _for_node(node: str, now: float) -> Bundle | None:
    order = (Slot.OWN, Slot.ALL, Slot.SHIPPED)
    found = [(one, manifest_of(one)) for one in bundles.listed_for(rules.account_of(node), now)]
    found.sort(key=lambda both: order.index(both[1].slot))
    return next((one for one, manifest in found if _is_for(manifest, node)), None)


def _is_for(manifest: Manifest, node: str) -> bool:
    return manifest.is_for(node) and (not manifest.facts or manifest.is_for(node, _facts(node)))


def _facts(node: str) -> dict[str, Any]:
    """What a bundle's facts are matched with here, as on the node: its grains, as it told them last, and its labels."""
    known, found = facts.find(node), nodes.find(node)
    grains = known.facts.get("grains") if known else None
    return {**(grains if isinstance(grains, dict) else {}), "labels": found.labels if found else {}}


def _signature(serial: int | str, node: str, until: int) -> str:
    told = f"bundle {serial} {node} {until}".encode(errors="replace")
    return hmac.new(settings().secret_key.encode(), told, "sha256").hexdigest()


def _files(given: object) -> dict[str, bytes]:
    if not isinstance(given, Mapping) or not given:
        raise Invalid("A bundle needs at least one file: machines/NAME.yaml, beacons/NAME.py or checks/NAME.")
    files = {rules.path(path): _decoded(path, content) for path, content in given.items()}
    check(files)
    return files


def check(files: Mapping[str, bytes]) -> None:
    """Raises Invalid with every fault of every machine among the files."""
    noted = [_faults(path, content) for path, content in files.items() if path.startswith("machines/")]
    raise_any(*noted)


def _decoded(path: str, content: object) -> bytes:
    try:
        return base64.b64decode(content if isinstance(content, str) else "!", validate=True)
    except ValueError as error:
        raise Invalid(f"{path} must come as base64.") from error


def _faults(path: str, content: bytes) -> Faults:
    faults = Faults(path)
    name = path.removeprefix("machines/").removesuffix(".yaml")
    machines.read(content, name, faults)
    return faults


def _described(manifest: Manifest) -> dict[str, Any]:
    return {
        "serial": manifest.serial,
        "made_at": manifest.made_at,
        "expires_at": manifest.expires_at,
        "account": manifest.account,
        "allow": list(manifest.allow),
        "deny": list(manifest.deny),
        "facts": dict(manifest.facts),
        "files": sorted(manifest.files),
        "shipped": manifest.shipped,
    }

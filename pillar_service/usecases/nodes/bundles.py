"""Bundles: publish them, offer each node the one meant for it, and serve it at a signed address that expires."""

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
"""How long a signed address is valid."""

DAYS = 90
OWN_STAYS = "These accounts have a bundle of their own, and the nodes it is meant for keep using it: {accounts}."
OWN_ALONE = (
    "The nodes that this bundle is meant for do not use the one for all ({serial}): it must hold everything they are "
    "to run."
)
WITHOUT = "This bundle lacks files that come with Saltcellar, so the nodes it is meant for do without them: {files}."


def new_key() -> str:
    """Make a new key for signing bundles, in the form that CELLAR_BUNDLE_KEY takes."""
    return Ed25519PrivateKey.generate().private_bytes_raw().hex()


def public_key() -> str | None:
    """The public half of the signing key, as nodes get it; None when no key is set."""
    written = settings().bundle_key
    return _key(written).public_key().public_bytes_raw().hex() if written else None


@lru_cache(maxsize=4)
def _key(written: str) -> Ed25519PrivateKey:
    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(written))
    except ValueError as error:
        raise Invalid(
            "CELLAR_BUNDLE_KEY is not a key: make one with `python -m pillar_service.web bundle-key FILE`."
        ) from error


def signature(signed: bytes) -> bytes:
    """Sign these bytes with this place's key; the same bytes always give the same signature (RFC 8032)."""
    return _key(settings().bundle_key).sign(signed)


def publish(actor: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Sign files and keep them for nodes.

    ``given`` has ``files`` (base64 by path), ``account``, ``allow``, ``deny``, ``facts``, ``days``. ``warning`` in the
    answer says which nodes keep using another bundle or will do without files of another; None if none do. Raises
    Invalid for anything that can't be in a bundle, and with every fault of every machine in it; NotFound for an unknown
    account.
    """
    written = settings().bundle_key
    if not written:
        raise Invalid(
            "Bundles must be signed, but CELLAR_BUNDLE_KEY is not set: docs/operate.md says how to make a key."
        )
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
    """Return a serial at least as high as any that was lost when a database was restored.

    Nodes may hold such a bundle, and accept none with a lower serial. The number is the Unix time of the last restore,
    which grows faster than anybody publishes; 0 if there was none.
    """
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
    """The manifest that was signed for a stored bundle."""
    return _read(row.manifest)


@lru_cache(maxsize=100)
def _read(signed: str) -> Manifest:
    return rules.manifest(signed.encode())


def listed() -> list[dict[str, Any]]:
    """The bundles that nodes may still take, newest first."""
    return [_described(manifest_of(one)) for one in bundles.listed(time.time())]


def offered(node: str) -> dict[str, Any] | None:
    """Return the newest bundle meant for a node, by its facts and labels, with an address valid for a few minutes.

    A bundle for the node's account comes before every bundle for all, so publishing for all never displaces an
    account's own. The bundle that comes along with Saltcellar is only for nodes that no other is meant for. None if
    there is no bundle.
    """
    found = _for_node(node, time.time())
    if found is None:
        return None
    until = int(time.time()) + ADDRESS_S
    query = {"node": node, "until": until, "signature": _signature(found.serial, node, until)}
    return {"serial": found.serial, "path": f"/bundles/{found.serial}?{urlencode(query)}"}


def fetched(serial: str, node: str, until: str, signature: str) -> bytes:
    """Return the bundle at this address; raises Forbidden if the service did not sign it or it has expired, NotFound."""
    at = int(until) if until.isascii() and until.isdigit() and len(until) < 16 else 0
    if not hmac.compare_digest(signature.encode(errors="replace"), _signature(serial, node, at).encode()):
        raise Forbidden("This address was not signed by the service: ask for a new one.")
    if time.time() > at:
        raise Forbidden("This address has expired: ask for a new one.")
    body = bundles.body(int(serial))  # certainly a number, since we signed it
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
    """What a bundle's facts are matched against, as on the node: the grains it last reported, and its labels."""
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
    """Raise Invalid with every fault of every machine among the files."""
    noted = [_faults(path, content) for path, content in files.items() if path.startswith("machines/")]
    raise_any(*noted)


def _decoded(path: str, content: object) -> bytes:
    try:
        return base64.b64decode(content if isinstance(content, str) else "!", validate=True)
    except ValueError as error:
        raise Invalid(f"{path} must be sent as base64.") from error


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

"""A node that leaves first delivers what waits, if anybody listens; its daemons have ended by then."""

import json
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from ingest import NODE, Ingest
from minion_keys import new_key
from salt.utils.network import parse_host_port

from pillar_service.core.errors import Unavailable
from pillar_service.node.enrolment import clearing
from pillar_service.node.enrolment.site import Site
from pillar_service.node.lastgood import Kept
from pillar_service.node.paths import Home
from pillar_service.node.spool import Spool


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    new_key(site.pki)
    site.identity.write_text(json.dumps({"node": NODE}))
    return site


@pytest.mark.parametrize("address", ["salt.example.org", "192.0.2.7", "2001:db8::7", "[2001:db8::7]"])
def test_a_master_is_found_under_whatever_address_it_has(site: Site, address: str) -> None:
    told = {"node": NODE, "master_fingerprint": "00", "masters": [{"address": address, "port": 4506}]}
    written = yaml.safe_load(site.configuration(told, "root"))
    assert parse_host_port(written["master"]) == (address.strip("[]"), 4506)


def test_what_waits_is_told_and_what_nobody_takes_is_counted(site: Site) -> None:
    assert clearing.tell(site) == "none wait"
    key = load_pem_private_key((site.pki / "minion.pem").read_bytes(), None)
    ingest, spool = Ingest(key.public_key()), Spool(Home(site.data))
    pillar = {"saltcellar": {"node": NODE, "service": ingest.told, "bots": {}}}
    assert Kept(Home(site.data), NODE, site.pki).keep(pillar)
    for n in range(700):
        spool.put("org.example.x", "x", {"n": n})
    assert clearing.tell(site) == "700 told, none wait"
    assert (len(ingest.stored), ingest.faults) == (700, [])
    ingest.stop()
    spool.put("org.example.x", "x", {"n": 0})
    assert clearing.tell(site) == "0 told, 1 lost: the service did not take them"


def test_without_docker_nothing_goes_on_while_there_are_bots(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    assert clearing.clear(site) == "none here, and Docker does not answer"
    (Home(site.data).bots / "0123456789abcdef").mkdir(parents=True)
    with pytest.raises(Unavailable, match=r"delete .*/bots first"):
        clearing.clear(site)

"""The pillar on a real master: cached while it is right, cleared when it changes, never cached when old or wrong."""

import time

import pytest
from daemons import until

from pillar_service.core.nodes.pillar import ONLY

BANK = ("cache", "pillar")


@pytest.fixture
def account(client):
    """An account for bots."""
    found = client.agents(type="person", email="pillar@example.org")
    return found[0] if found else client.create_agent({"type": "person", "email": "pillar@example.org"})["agent"]


def cached(master):
    """The names of the pillars in the master's cache."""
    folder = master.folder.joinpath(*BANK)
    return {file.name for file in folder.glob("*.p")} if folder.is_dir() else set()


def compiled(master, node="cellar-1"):
    """The pillar that the node gets if it asks now."""
    return master.salt(node, "pillar.items", "unmask=True") or {}


@pytest.fixture
def _settled(master, cellar_1, cellar_2):
    """Waits until pillars that were cleared may be cached again."""
    time.sleep(6)


@pytest.mark.usefixtures("_settled")
def test_a_right_pillar_is_cached_and_a_change_clears_it(master, client, account):
    compiled(master)
    assert "cellar-1.p" in cached(master)
    written = (master.folder.joinpath(*BANK) / "cellar-1.p").stat().st_mtime_ns
    compiled(master)
    assert (master.folder.joinpath(*BANK) / "cellar-1.p").stat().st_mtime_ns == written, "compiled again"
    bot = client.create_agent({"type": "bot", "name": "cached", "account": account["id"], "node": "cellar-1"})["agent"]
    try:
        began = time.monotonic()
        until(lambda: "cellar-1.p" not in cached(master), 2, "the change clears the cached pillar")
        assert time.monotonic() - began < 2
        assert bot["id"] in str(compiled(master))
    finally:
        client.delete_agent(bot["id"], purge=True)
        until(lambda: not client.agents(type="bot", name="cached"), 60, "the bot is gone")


@pytest.mark.usefixtures("_settled")
def test_what_one_run_is_told_beside_its_pillar_is_not_cached_with_it(master):
    for name in cached(master):
        (master.folder.joinpath(*BANK) / name).unlink()
    narrowed = master.salt("cellar-1", "state.apply", "pubs", f"pillar={{{ONLY}: [x]}}", "test=True")
    assert "is limited to some bots" in str(narrowed)
    assert ONLY not in compiled(master)
    assert "cellar-1.p" in cached(master)


@pytest.mark.usefixtures("_settled")
def test_an_old_pillar_is_served_but_not_cached(master, service):
    compiled(master)
    for name in cached(master):
        (master.folder.joinpath(*BANK) / name).unlink()
    service.kill()
    try:
        told = compiled(master)
        assert "is not running (connection refused)" in told["saltcellar"]["stale"]["reason"]
        assert cached(master) == set()
    finally:
        service.start()
    until(lambda: "stale" not in str(compiled(master)), 20, "the pillar is right again")


@pytest.mark.usefixtures("_settled")
def test_a_no_is_an_error_that_is_not_cached_and_stops_states(master, service):
    right = service.token_file.read_text()
    for name in cached(master):
        (master.folder.joinpath(*BANK) / name).unlink()
    service.token_file.write_text("wrong\n")
    try:
        assert "gives cellar-1 no pillar (401)" in str(compiled(master)["_errors"])
        assert cached(master) == set()
        applied = master.salt("cellar-1", "state.apply", "pubs")
        assert isinstance(applied, list)
        assert "Pillar failed to render" in str(applied)
    finally:
        service.token_file.write_text(right)

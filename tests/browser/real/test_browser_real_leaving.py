"""Someone takes a pub along, deletes it, brings it back, and pours the export as a new bot."""

import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker
import pytest
from acting import PASSWORD, Person, at_home, card, ends, settled, stands
from browsing import Opened
from campaigns import of_bot
from daemons import Service
from playwright.sync_api import Page, expect
from salt_daemons import Master, Minion

from pillar_service.master.client import Client

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def person(client: Client, cellar_1: Minion) -> Person:
    """Someone with a living pub."""
    return settled(client, "leave")


def test_export_delete_bring_back_and_import(
    opened: Opened,
    service: Service,
    person: Person,
    client: Client,
    engine: docker.DockerClient,
    container: Callable[[str], Any],
    master: Master,
    tmp_path: Path,
) -> None:
    page = at_home(opened, service, person)
    who = master.salt("cellar-1", "pubs.info", person.bot)["id"]
    deletes(page, person.name)
    assert of_bot(engine, person.bot) == []
    brings_back(page, person.name)
    assert container(person.bot).status == "running"
    assert master.salt("cellar-1", "pubs.info", person.bot)["id"] == who
    tar = exports(page, person.name, tmp_path)
    with tarfile.open(tar) as opened_tar:
        assert {"secret", "flume/log.offset"} <= set(opened_tar.getnames())
    assert container(person.bot).status == "running", "it stops only while the tar is written"
    deletes(page, person.name)
    imports(page, f"{person.name}-two", tar)
    bot = client.agent(f"{person.name}-two")
    assert container(bot["id"]).status == "running"
    assert master.salt(bot["node"], "pubs.info", bot["id"])["id"] == who
    assert of_bot(engine, person.bot) == []


def deletes(page: Page, name: str) -> None:
    """Delete a bot, which takes both its name and the password."""
    page.goto(f"/bots/{name}/actions")
    page.get_by_role("link", name="Delete", exact=True).click()
    page.get_by_label("The bot's name, to be sure").fill("another")
    page.get_by_label("password").fill(PASSWORD)
    page.get_by_role("button", name=f"Delete {name}").click()
    expect(page.get_by_text(f"Type {name} to confirm.")).to_be_visible()
    page.get_by_label("The bot's name, to be sure").fill(name)
    page.get_by_label("password").fill(PASSWORD)
    page.get_by_role("button", name=f"Delete {name}").click()
    ends(page)
    expect(page.get_by_text("until then you can bring it back")).to_be_visible()
    page.get_by_role("link", name="the page of your bots").click()
    expect(card(page, name)).to_have_count(0)


def brings_back(page: Page, name: str) -> None:
    """Bring the bot back from the list of deleted ones."""
    page.get_by_role("button", name=f"Bring back {name}").click()
    stands(page, name, "alive")
    expect(page.get_by_role("heading", name="Deleted")).to_have_count(0)


def exports(page: Page, name: str, folder: Path) -> Path:
    """Export everything, which takes the password; return the tar."""
    page.goto(f"/bots/{name}/export")
    page.get_by_label("password").fill("not the password 7")
    page.get_by_role("button", name="Export").click()
    expect(page.locator(".wrong").first).to_be_visible()
    page.get_by_label("password").fill(PASSWORD)
    page.get_by_role("button", name="Export").click()
    ends(page)
    with page.expect_download() as told:
        page.get_by_role("link", name="Download the tar").click()
    assert told.value.suggested_filename == f"{name}-everything.tar"
    told.value.save_as(folder / told.value.suggested_filename)
    return folder / told.value.suggested_filename


def imports(page: Page, name: str, tar: Path) -> None:
    """Import the tar as a bot with another name."""
    page.goto("/bots")
    page.get_by_role("link", name="import one").click()
    page.get_by_label("The export").set_input_files(tar)
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Import it").click()
    ends(page)
    stands(page, name, "alive")

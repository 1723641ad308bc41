"""Hostile people: scripts and far too long words in every field."""

from collections.abc import Iterator

import pytest
from browsing import Opened
from daemons import Service
from places import NEWCOMER, OWNER, PASSWORD
from playwright.sync_api import Page, Response, expect
from scene import Scene, furnished

SCRIPT = "<img src=/x onerror=document.title='stolen'><script>document.title='stolen'</script>\"'>"
TEXTS = ":is(input:not([type]), input[type=text], input[type=email], input[type=search], textarea)"

FORMS = (
    ("/sign-in", ""), ("/start", ""), ("/forgotten", ""), ("/bots/new", NEWCOMER), ("/account", NEWCOMER),
    ("/bots/my/invites", OWNER), ("/bots/my/people", OWNER), ("/bots/my/delete", OWNER), ("/bots/import", NEWCOMER),
)  # fmt: skip


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A service of its own, as these tests change people and bots."""
    with furnished(tmp_path_factory.mktemp("hostile")) as scene:
        yield scene


@pytest.fixture(scope="module")
def service(scene: Scene) -> Service:
    """The scene's service, both apps."""
    return scene.service


def forms(page: Page, path: str) -> int:
    """How many forms of a page accept text."""
    page.goto(path)
    return page.locator("main form", has=page.locator(TEXTS)).count()


def send(page: Page, path: str, n: int, words: str) -> Response:
    """Write ``words`` into every text field of a page's nth form and submit it; return the response."""
    page.goto(path)
    form = page.locator("main form", has=page.locator(TEXTS)).nth(n)
    form.evaluate("form => form.querySelectorAll('input').forEach(field => field.removeAttribute('maxlength'))")
    for details in form.locator("xpath=ancestor::details[not(@open)]").all():
        details.locator("summary").click()
    for field in form.locator("input:visible:not([type=submit], [type=file], [type=number], [type=radio])").all():
        kind = field.get_attribute("type")
        field.fill(PASSWORD if kind == "password" else "2026-01-01" if kind == "date" else words)
    with page.expect_navigation() as told:
        form.locator("button").first.click()
    return told.value


@pytest.mark.parametrize(("path", "who"), FORMS, ids=[path for path, _ in FORMS])
@pytest.mark.parametrize("words", [SCRIPT, "x" * 10_240], ids=["script", "10 kB"])
def test_what_is_typed_is_text(opened: Opened, path: str, who: str, words: str) -> None:
    page = opened(who).new_page()
    count = forms(page, path)
    assert count, f"{path} has no form that takes text"
    for n in range(count):
        answer = send(page, path, n, words)
        assert answer.status in (200, 401, 404, 422, 429), f"{answer.status}: {page.locator('main').inner_text()[:300]}"
        assert page.title() != "stolen"
        assert page.locator("main img[src='/x']").count() == 0
        expect(page.get_by_role("heading", level=1)).to_have_count(1)


def test_a_script_that_is_kept_is_shown_as_it_was_written(opened: Opened) -> None:
    page = opened(NEWCOMER).new_page()
    page.goto("/account")
    page.get_by_label("Name").fill(SCRIPT)
    page.get_by_role("button", name="Change the name").click()
    expect(page.get_by_label("Name")).to_have_value(SCRIPT)
    page.goto("/bots/new")
    page.get_by_label("Name").fill("marked")
    page.get_by_label("A line about it").fill(SCRIPT)
    page.get_by_role("button", name="Pour it").click()
    expect(page.get_by_text(SCRIPT)).to_be_visible()
    page.get_by_role("link", name="marked.butt.nz").click()
    expect(page.get_by_text(SCRIPT)).to_be_visible()
    assert page.title() != "stolen"


@pytest.mark.parametrize(("path", "label", "button", "sentence"), [
    ("/bots/new", "Name", "Pour it", "Write at most 63 characters."),
    ("/account", "Name", "Change the name", "Write at most 200 characters."),
    ("/bots/my/invites", "For whom", "Make an invite", "Write at most 200 characters."),
])  # fmt: skip
def test_10_kb_are_refused_with_a_sentence(opened: Opened, path: str, label: str, button: str, sentence: str) -> None:
    page = opened(OWNER).new_page()
    page.goto(path)
    field = page.get_by_label(label).first
    field.evaluate("field => field.removeAttribute('maxlength')")
    field.fill("x" * 10_240)
    page.get_by_role("button", name=button).click()
    expect(page.get_by_text(sentence)).to_be_visible()

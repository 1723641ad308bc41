"""Who may import whom: the imports must follow the table in the architecture page."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = "pillar_service"

NOTHING = "nothing of ours"


def table(page: str) -> dict[str, set[str]]:
    """What each room in the page's table may import of ours. Rows with an empty third cell are not about Python."""
    rows = re.findall(r"^\| (`.+/`) \|.*\| (.+) \|$", page, re.MULTILINE)
    found = [
        (room, {room, *(set() if may == NOTHING else may.split(", "))})
        for names, may in rows
        for room in re.findall(rf"`(?:{OURS}/)?(\w+)/`", names)
    ]
    assert len(found) == len(dict(found)), "a room stands twice in the table"
    return dict(found)


MAY = table((ROOT / "docs" / "architecture.md").read_text())
"""What each room may import of ours."""

ONLY = {
    "peewee": {"store"},
    "playhouse": {"store"},
    "stripe": {"payments"},
    "libcloud": {"clouds"},
    "yaml": {"documents"},
    "prometheus_client": {"metrics"},
    "statemachine": {"node"},
    "cryptography": {"node", "usecases"},
    "simpleeval": {"node"},
    "flask": {"web"},
    "werkzeug": {"web"},
    "slack_bolt": {"chatops"},
    "slack_sdk": {"chatops"},
    "salt": {"master", "runners", "states", "node", "beacons"},
}
"""Packages that only these rooms may import."""

ROOMY = ("core", "store", "usecases")
"""Layers whose files are in rooms."""

WHOLE = {
    f"{OURS}.{layer}.{file.parent.name}" for layer in ROOMY for file in (ROOT / OURS / layer).glob("*/__init__.py")
}


def imports(source: str) -> Iterator[str]:
    """The dotted names that a source imports, at any depth."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{name.name}" for name in node.names)


def broken(room: str, source: str) -> list[str]:
    """The imports in a source that its room is not allowed."""
    return [name for name in imports(source) if not _allowed(room, name)]


def _allowed(room: str, name: str) -> bool:
    first, *rest = name.split(".")
    if first == OURS:
        return bool(rest) and (rest[0] in MAY[room] or rest[0] == "__version__")
    if first == "":
        return False  # Relative imports hide who imports whom.
    return room in ONLY.get(first, {room})


def rooms() -> Iterator[tuple[str, Path]]:
    for room in MAY:
        inside = ROOT / OURS / room
        for folder in (inside, inside.with_suffix(".py"), ROOT / room):
            files = [folder] if folder.suffix else sorted(folder.rglob("*.py"))
            yield from ((room, file) for file in files if file.is_file())


@pytest.mark.parametrize(("room", "file"), list(rooms()), ids=lambda value: str(value).removeprefix(f"{ROOT}/"))
def test_a_file_imports_only_what_its_room_may(room: str, file: Path) -> None:
    assert broken(room, file.read_text()) == []


def test_every_folder_of_the_package_is_a_room() -> None:
    folders = {path.name for path in (ROOT / OURS).iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders <= set(MAY)


def test_the_page_names_rooms_alone() -> None:
    assert {"core", "store", "usecases", "web", "node", "runners", "beacons", "states"} <= set(MAY)
    assert set.union(*MAY.values()) == set(MAY)


def test_a_room_that_stands_twice_is_seen() -> None:
    with pytest.raises(AssertionError, match="twice"):
        table("| `pillar_service/web/` | Flask | core |\n| `pillar_service/web/` | Flask | core, store |\n")


def test_core_needs_the_standard_library_alone() -> None:
    import sys

    outside = {
        name
        for file in (ROOT / OURS / "core").rglob("*.py")
        for name in imports(file.read_text())
        if name.split(".")[0] not in {*sys.stdlib_module_names, OURS}
    }
    assert outside == set()


def told(page: str) -> set[str]:
    """The rooms and the files beside them, as the table in a layer's README names them."""
    return set(re.findall(r"`(\w+(?:/|\.py))`", "\n".join(re.findall(r"^\|.*", page, re.MULTILINE))))


def standing(layer: Path) -> set[str]:
    """The rooms and files in a layer's folder, written as in its README."""
    return {f"{file.parent.name}/" for file in layer.glob("*/__init__.py")} | {
        file.name for file in layer.glob("*.py") if file.name != "__init__.py"
    }


@pytest.mark.parametrize("layer", ROOMY)
def test_a_layer_has_the_rooms_that_its_page_names_and_few_files_beside_them(layer: str) -> None:
    folder = ROOT / OURS / layer
    assert standing(folder) == told((folder / "README.md").read_text()), (
        "a new file goes into a room, a new room into the page"
    )


def test_a_file_beside_the_rooms_is_seen(tmp_path: Path) -> None:
    for name in ("people/__init__.py", "people/accounts.py", "bots/__init__.py", "__init__.py", "late.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    page = "`storage.py` is no row\n\n| room | about |\n|---|---|\n| `people/` | who acts |\n| beside them | `names.py` |\n"
    assert standing(tmp_path) ^ told(page) == {"late.py", "bots/", "names.py"}


def whole(source: str) -> list[str]:
    """The imports of a whole room. A room's package is empty, so one of its files must be imported instead."""
    return [name for name in imports(source) if name in WHOLE]


def test_nobody_imports_a_room_of_a_layer_for_a_file_in_it() -> None:
    assert {str(file): found for _, file in rooms() if (found := whole(file.read_text()))} == {}


def test_an_import_of_a_whole_room_is_seen() -> None:
    assert whole(f"from {OURS}.store.jobs import jobs\nfrom {OURS}.store import database, jobs") == [
        f"{OURS}.store.jobs"
    ]


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("core", "import pillar_service.store"),
        ("core", "def late():\n    from pillar_service.settings import settings"),
        ("web", "from pillar_service.store.bots import bots"),
        ("web", "from pillar_service import store"),
        ("usecases", "import peewee"),
        ("usecases", "from flask import g"),
        ("usecases", "import stripe"),
        ("usecases", "from libcloud.compute.providers import get_driver"),
        ("catalogue", "from pillar_service.store.jobs import jobs"),
        ("core", "import yaml"),
        ("usecases", "import prometheus_client"),
        ("web", "from prometheus_client import Counter"),
        ("usecases", "import yaml"),
        ("node", "import yaml"),
        ("node", "from pillar_service.catalogue import load"),
        ("payments", "from pillar_service.settings import settings"),
        ("web", "from pillar_service.payments import stripe"),
        ("web", "from pillar_service.backups import restic"),
        ("backups", "from pillar_service.settings import settings"),
        ("usecases", "from slack_sdk import WebClient"),
        ("chatops", "from pillar_service.store.chat import outgoing"),
        ("master", "from pillar_service.usecases.jobs import jobs"),
        ("node", "from pillar_service.master import client"),
        ("runners", "from pillar_service.store.jobs import jobs"),
        ("store", "from . import bots"),
    ],
)
def test_a_wrong_import_is_seen(room: str, source: str) -> None:
    assert broken(room, source)


def test_no_two_files_of_the_tests_have_one_name() -> None:
    """Tests import each other by plain names, so if two files shared one, the first one loaded would stand for both."""
    names = Counter(file.name for file in (ROOT / "tests").rglob("*.py") if file.name != "conftest.py")
    assert [name for name, times in names.items() if times > 1] == []

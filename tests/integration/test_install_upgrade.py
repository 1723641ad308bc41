"""An installed control plane is upgraded while people use it, and stays as it is if the upgrade fails."""

from collections.abc import Iterator

import machines
import planes
import pytest
import urllib3
from daemons import running
from planes import DOMAIN, UNITS, UNPACKED, Plane
from visitor import STEP, Visitor

pytestmark = pytest.mark.campaign

NEXT = "/root/next"
PACKAGE = f"{NEXT}/pillar_service"


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    """A control plane on SQLite, and in NEXT a copy of its release for tests to change."""
    urllib3.disable_warnings()
    machines.build()
    with running(Plane(planes.release(tmp_path_factory.mktemp("release")))) as plane:
        plane.unpack()
        print(plane.run(f"{UNPACKED}/vagrant/try-plane.sh", DOMAIN))
        plane.run("cp", "-r", UNPACKED, NEXT)
        yield plane


def becomes(plane: Plane, version: str, step: str, up: str, down: str) -> None:
    """Gives the release another version and one more migration."""
    write(plane, f"{PACKAGE}/__init__.py", f'__version__ = "{version}"\n')
    write(plane, f"{PACKAGE}/store/migrations/{step}.py", STEP.format(up=up, down=down))


def write(plane: Plane, path: str, text: str) -> None:
    plane.run("sh", "-c", 'printf %s "$1" > "$2"', "sh", text, path)


def visited(plane: Plane) -> Visitor:
    return Visitor(f"https://{plane.address}", verify=False, headers={"Host": DOMAIN})


def serving(plane: Plane) -> tuple[str, str]:
    """The version that serves, and the latest migration of its database."""
    told = plane.run("curl", "-sS", "http://127.0.0.1:8081/metrics")
    version = next(line for line in told.splitlines() if line.startswith("cellar_build_info")).split('version="')[1]
    return version[:5], plane.run("cellar", "manage", "migrate", "--pending").split()[1].rstrip(".")


def began(plane: Plane) -> str:
    """When systemd started the apps; a server that takes over does not count as a start."""
    return plane.run(
        "systemctl", "show", "-P", "ActiveEnterTimestampMonotonic", "saltcellar-public", "saltcellar-private"
    )


def test_a_newer_release_takes_over_and_nobodys_request_is_dropped(plane):
    becomes(plane, "0.9.0", "9001_more", "ALTER TABLE node ADD COLUMN mood TEXT", "ALTER TABLE node DROP COLUMN mood")
    old, visitor = began(plane), visited(plane)
    said = plane.run(f"{NEXT}/vagrant/bootstrap.sh")
    print(said)
    assert visitor.goes() == []
    assert visitor.seen > 100
    assert [word for word in ("copy", "migrate", "apply") if f"\n  {word} " in said] == ["copy", "migrate", "apply"]
    assert serving(plane) == ("0.9.0", "9001_more")
    assert began(plane) == old
    assert plane.says("systemctl", "is-active", *UNITS).split() == ["active"] * len(UNITS)
    assert len(plane.run("ls", "/var/lib/cellar/service/copies").split()) == 1
    assert ", 0 changed" in plane.run(f"{NEXT}/vagrant/bootstrap.sh")


def test_a_release_that_does_not_start_goes_back(plane):
    becomes(plane, "0.9.1", "9002_hat", "ALTER TABLE node ADD COLUMN hat TEXT", "ALTER TABLE node DROP COLUMN hat")
    write(plane, f"{PACKAGE}/web/private.py", "raise RuntimeError('not today')\n")
    link, old, visitor = plane.run("readlink", "/opt/cellar/tree"), began(plane), visited(plane)
    said = plane.says(f"{NEXT}/vagrant/bootstrap.sh")
    print(said)
    assert "goes on serving." in said
    assert visitor.goes() == []
    assert (plane.run("readlink", "/opt/cellar/tree"), began(plane)) == (link, old)
    assert serving(plane) == ("0.9.0", "9001_more")
    assert plane.says("systemctl", "is-active", *UNITS).split() == ["active"] * len(UNITS)

"""The licences page names what is installed."""

import base64
import json
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).parent.parent


def test_the_page_is_the_one_that_the_packages_make() -> None:
    made = subprocess.run(
        [sys.executable, TOP / "vagrant" / "licences.py"], capture_output=True, text=True, check=True
    ).stdout
    assert (TOP / "docs" / "licences.md").read_text() == made, "Run `make docs`."
    unsaid = [line for line in made.splitlines() if "not said" in line]
    assert unsaid == [], (
        "Look its licence up, and whether we may use it; then write down in vagrant/licences.py where you read it."
    )
    assert "| salt | 3008." in made


def test_what_npm_installs_is_on_the_page_and_in_the_document(tmp_path: Path) -> None:
    document = tmp_path / "sbom.json"
    document.write_text('{"bomFormat": "CycloneDX", "components": []}')
    subprocess.run([sys.executable, TOP / "vagrant" / "npm_packages.py", document], check=True)
    told = {one["purl"]: one["hashes"][0]["content"] for one in json.loads(document.read_text())["components"]}
    page = (TOP / "docs" / "licences.md").read_text()
    for lock in ("states/pubs/image/package-lock.json", "pillar_service/web/assets/package-lock.json"):
        entries = {path: one for path, one in json.loads((TOP / lock).read_text())["packages"].items() if path}
        assert len(entries) > 20
        for path, one in entries.items():
            name = path.rpartition("node_modules/")[2]
            assert f"| {name} | {one['version']} |" in page
            digest = base64.b64encode(
                bytes.fromhex(told[f"pkg:npm/{name.replace('@', '%40')}@{one['version']}"])
            ).decode()
            assert one["integrity"] == f"sha512-{digest}"

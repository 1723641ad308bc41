"""The licences' page names what is installed."""

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

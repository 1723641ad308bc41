"""A control plane's states, rendered by Salt with a test's pillar; nothing is applied."""

import json
from pathlib import Path
from typing import Any

import salt.client
import salt.config

TOP = Path(__file__).resolve().parents[2]


class Rendered:
    """`states/controlplane`, rendered for one pillar."""

    def __init__(self, folder: Path, **told: Any) -> None:
        pillar = folder / "pillar"
        pillar.mkdir(parents=True)
        (pillar / "top.sls").write_text("base: {'*': [controlplane]}")
        (pillar / "controlplane.sls").write_text(json.dumps({"controlplane": told}))
        configuration = {
            "id": "controlplane",
            "file_client": "local",
            "file_roots": {"base": [str(TOP / "states")]},
            "pillar_roots": {"base": [str(pillar)]},
            "root_dir": str(folder),
            "log_file": str(folder / "log"),
        }
        (folder / "minion").write_text(json.dumps(configuration))
        self._folder = folder
        self._salt = salt.client.Caller(mopts=salt.config.minion_config(str(folder / "minion")))
        self.states: dict[str, Any] = self._salt.cmd("state.show_sls", "controlplane")
        assert isinstance(self.states, dict), self.states

    def argument(self, state: str, name: str) -> Any:
        """An argument of the state with this id."""
        arguments = next(value for value in self.states[state].values() if isinstance(value, list))
        return next((part[name] for part in arguments if isinstance(part, dict) and name in part), None)

    def file(self, state: str) -> str:
        """The text that a `file.managed` state would write."""
        # get_template takes a template's variables as arguments, managed takes them as a context.
        words = self.argument(state, "context") or {}
        made = self._folder / "made" / state.replace(" ", "-")
        done = self._salt.cmd(
            "cp.get_template", self.argument(state, "source"), str(made), template="jinja", makedirs=True, **words
        )
        assert done == str(made), done
        return made.read_text()

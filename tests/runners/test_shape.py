"""The form of the runners: every public function is documented with a CLI example that names it."""

import importlib.util
import inspect
import re
from pathlib import Path

import pytest
import salt.config
import salt.loader

TOP = Path(__file__).resolve().parents[2]
RUNNERS = TOP / "runners"
EXPECTED = {
    "bots": "list show create start stop restart upgrade rebuild delete purge invite invites revoke export import logs "
    "restore",
    "accounts": "list create show suspend resume second_factor_off verify new_password",
    "nodes": "list show facts label share limit drain undrain draining token tokens revoke_token enrol enrolled revoke rotate "
    "forget publish bundles provision provisioned retire finish lost upgrade upgrades resume_upgrade cancel_upgrade audit",
    "meeseeks": "commands run jobs show logs cancel kill audit can reload forget",
    "backups": "now verify list show",
    "payments": "list show mark_paid take_back run",
    "configuration": "list get set delete governors history",
}
ASKING = [(name, one) for name in EXPECTED for one in EXPECTED[name].split() if one != "audit"]
"""Functions that need the service; nodes.audit checks the master itself (test_audit.py)."""


def functions(name, opts=None):
    """A runner's public functions by the names that salt-run uses, from all files that make it up."""
    known = {}
    for file in RUNNERS.glob(f"{name}*.py"):
        spec = importlib.util.spec_from_file_location(f"loaded.{file.stem}", file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.__opts__ = opts
        found = inspect.getmembers(
            module, lambda one, of=module: inspect.isfunction(one) and one.__module__ == of.__name__
        )
        alias = getattr(module, "__func_alias__", {})
        known |= {alias.get(key, key): one for key, one in found if not key.startswith("_")}
    return known


def test_salt_finds_each_by_its_name(tmp_path):
    """Each on its own, as in salt-run, so that functions in a runner's second file are found, too."""
    opts = dict(salt.config.DEFAULT_MASTER_OPTS) | {"runner_dirs": [str(RUNNERS)], "cachedir": str(tmp_path)}
    for name in EXPECTED:
        for one in EXPECTED[name].split():
            assert f"{name}.{one}" in salt.loader.runner(opts)


@pytest.mark.parametrize("name", EXPECTED)
def test_has_what_it_should(name):
    assert set(functions(name)) == set(EXPECTED[name].split())


@pytest.mark.parametrize(("name", "function"), [(name, one) for name in EXPECTED for one in EXPECTED[name].split()])
def test_has_a_cli_example(name, function):
    told = inspect.getdoc(functions(name)[function])
    assert "CLI Example:" in told
    assert f"salt-run {name}.{function}" in told


@pytest.mark.parametrize(("name", "function"), [(name, one) for name in EXPECTED for one in EXPECTED[name].split()])
def test_stands_on_the_operators_page(name, function):
    """Counts `salt-run …` or the bare function in backquotes: `salt NODE configuration.get` is a function of nodes."""
    page = (TOP / "docs" / "operate.md").read_text()
    assert re.search(rf"(salt-run |`){name}\.{function}\b", page), (
        f"docs/operate.md does not speak of {name}.{function}."
    )


@pytest.mark.parametrize(("name", "function"), ASKING)
def test_what_is_no_name_is_answered_by_a_sentence(name, function, tmp_path):
    (tmp_path / "token").write_text("none")
    called = functions(name, {"saltcellar": {"url": "http://127.0.0.1:9", "token_file": str(tmp_path / "token")}})[
        function
    ]
    asked = called.takes.parameters.values()
    places = [["no name"] for one in asked if one.kind is one.POSITIONAL_OR_KEYWORD and one.default is one.empty]
    labels = {"gpu": ["no name"]} if any(one.kind is one.VAR_KEYWORD for one in asked) else {}
    told = called(*places, **labels)
    assert told["retcode"] == 1
    assert told["error"].endswith((".", "…"))

"""The worked example of a specialised executor: routed by label and capacity, run with a fake kubectl on the PATH."""

from typing import Any

import pytest
from executing import Cellar

from pillar_service.core.errors import Conflict, NotFound
from pillar_service.node.executor import capacities, people
from pillar_service.store import database
from pillar_service.store.nodes import nodes as rows
from pillar_service.usecases.jobs import claims, runs
from pillar_service.usecases.meeseeks import asking, catalogue, looking
from pillar_service.usecases.meeseeks.asker import Asker
from pillar_service.usecases.nodes import nodes, pillars

ROOT = Asker("operator:root")

KUBECTL = """#!/bin/sh
# Says how it was called, word by word, and what it would.
printf '<%s>' "$@"; echo
case "$*" in *pods*) echo 'NAME READY'; echo 'butterbot-1 1/1';; esac
[ -z "$KUBECONFIG" ]
"""


@pytest.fixture
def kubernetes(cellar: Cellar, monkeypatch: pytest.MonkeyPatch) -> Cellar:
    """Three nodes: one labelled and with kubectl, one only labelled, one only with kubectl."""
    kubectl = cellar.home.root / "bin" / "kubectl"
    kubectl.parent.mkdir()
    kubectl.write_text(KUBECTL)
    kubectl.chmod(0o755)
    monkeypatch.setattr(people, "PATH", f"{kubectl.parent}:{people.PATH}")
    monkeypatch.setenv("KUBECONFIG", "/root/.kube/config")  # the minion's own, which no command may see
    for node in ("cellar-2", "cellar-3"):
        nodes.add("test", node)
    with database.transaction():
        for node in ("cellar-1", "cellar-2"):
            rows.change(node, labels={"kubernetes": "", "environment": "stg"})
        rows.change("cellar-3", capacities={"has": ["kubectl"], "slots": 4})
    database.release()
    assert capacities.tell(cellar.home, cellar.told, path=people.PATH)
    pillars.refresh()
    cellar.commands = pillar("cellar-1")
    return cellar


def pillar(node: str) -> dict[str, Any]:
    """The commands in a node's pillar, each changed to run as a user that every machine has."""
    found = catalogue.for_node(dict(rows.labels()[node]))
    return {name: entry | {"user": "nobody"} for name, entry in found.items()}


def carried_out(cellar: Cellar, line: str) -> list[str]:
    """Ask for a line and carry it out; return what the node that it is routed to prints."""
    job = asking.ask(ROOT, asking.read(ROOT, line))["job"]
    [run] = claims.claim("salt")["runs"]
    assert (run["node"], run["function"]) == ("cellar-1", "meeseeks.run")
    runs.started("salt", run["id"], "1")
    database.release()
    id, attempt, command, arguments = run["arguments"]
    outcome = cellar.run(id, attempt, command, **arguments)
    assert outcome["state"] == "done", outcome
    runs.result(run["id"], "1", "cellar-1", outcome, True, 0)
    assert looking.show(ROOT, job["id"])["job"]["state"] == "succeeded"
    return [text for _, text in cellar.lines(id)]


def test_it_runs_where_both_label_and_kubectl_are(kubernetes: Cellar) -> None:
    for _ in range(3):
        said = carried_out(kubernetes, "kube-pods web -l environment=stg")
        assert said == ["<--namespace=web><get><pods><--output=wide>", "NAME READY", "butterbot-1 1/1"]
    assert carried_out(kubernetes, "kube-restart butterbot") == [
        "<--namespace=default><rollout><restart><--><deployment/butterbot>"
    ]
    preview = asking.preview(ROOT, asking.read(ROOT, "kube-restart butterbot namespace=web"))
    assert preview is not None
    assert (preview["job"]["command"], preview["job"]["arguments"]) == ("kube-pods", {"namespace": "web"})


def test_a_capacity_without_the_label_permits_nothing_and_a_label_without_it_is_not_enough(kubernetes: Cellar) -> None:
    assert "kube-pods" not in pillar("cellar-3")
    with pytest.raises(NotFound):
        asking.read(ROOT, "kube-pods -l node=cellar-3")
    with pytest.raises(Conflict, match="needs kubectl, which is missing on cellar-2"):
        asking.read(ROOT, "kube-pods -l node=cellar-2")
    kubernetes.commands = pillar("cellar-3")
    refused = kubernetes.run(command="kube-pods")
    assert (refused["exit_code"], "names no command" in refused["error"]) == (None, True)


def test_no_argument_becomes_an_option_of_kubectl(kubernetes: Cellar) -> None:
    for name in ("--all", "a;b", "$(id)", "-o", "../x", "UPPER", ""):
        refused = kubernetes.run(command="kube-restart", deployment=name)
        assert (refused["state"], refused["exit_code"], refused["lines"]) == ("failed", None, 0), refused

"""The execution module, the labels' grains and their state, loaded by Salt's own loader."""

import http.server
import inspect
import json

import pytest
from answering import answering, by
from masterless import ROOT, Node

JOB = "00000000000000c1"


class Service(http.server.BaseHTTPRequestHandler):
    """A fake of the service at the wire: it lets everything begin, and keeps lines and capacities."""

    kept: list

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.kept.append((self.path, body))
        told = {"arguments": {"key": "canary-1"}} if self.path.endswith("/begin") else {}
        taken = {"taken": body["lines"][-1]["n"]} if "lines" in body else {}
        answer = json.dumps(told | taken).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


@pytest.fixture
def service():
    handler = type("Kept", (Service,), {"kept": []})
    with answering(by(handler)) as url:
        yield handler, {"url": url, "token": "secret-token"}


@pytest.fixture
def bare(tmp_path_factory, service) -> Node:
    """A node without Docker."""
    folder = tmp_path_factory.mktemp("bare")
    node = Node(folder, folder / "cache", None)
    node.service = service[1]
    synced = node.call("saltutil.sync_all")
    assert "modules.meeseeks" in synced["modules"], synced
    return node


def tell(node: Node, **commands) -> None:
    node.tell(labels={"environment": "prd", "app": "pub"}, meeseeks={"commands": commands})


def lines(service) -> list:
    return [line["text"] for path, body in service[0].kept if path.endswith("/lines") for line in body["lines"]]


def test_a_command_runs_and_tells_how_it_went(bare, service):
    text = {"what": {"kind": "string"}, "key": {"kind": "secret"}}
    tell(bare, say={"argv": ["printf", "%s\\n", "{what}", "{key}"], "user": "root", "parameters": text})
    arguments = json.dumps({"what": "a=b c"})
    ran = bare.call("meeseeks.run", JOB, "1", "say", arguments)
    assert (ran["state"], ran["head"]) == ("done", ["a=b c", "(hidden)"]), ran
    assert lines(service) == ["a=b c", "(hidden)"]
    assert service[0].kept[0] == (f"/jobs/{JOB}/begin", {"attempt": 1})
    capacities = [body for path, body in service[0].kept if path == "/capacities"]
    assert len(capacities) == 1
    assert "sh" in capacities[0]["has"]
    assert bare.call("meeseeks.outcome", JOB) == ran
    assert bare.call("meeseeks.run", JOB, "1", "say", arguments) == ran
    assert bare.call("meeseeks.jobs") == []
    assert bare.call("meeseeks.stop", JOB) == {"job": JOB, "stopped": False, "state": "done"}
    assert bare.call("meeseeks.capacities") == capacities[0]
    assert len([path for path, _ in service[0].kept if path.endswith("/begin")]) == 1


def test_a_function_and_a_script_come_from_salt(bare, service):
    bare.folder.chmod(0o755)
    tell(
        bare,
        echo={"function": "test.echo", "arguments": ["{what}"], "parameters": {"what": {"kind": "string"}}},
        nothing={"function": "no.such"},
        script={"script": {"source": "salt://pubs/scripts/pub-image.sh", "interpreter": "head"}, "user": "root"},
    )
    ran = bare.call("meeseeks.run", JOB, "1", "echo", json.dumps({"what": "heard"}))
    assert (ran["state"], ran["head"]) == ("done", ["heard"]), ran
    ran = bare.call("meeseeks.run", "00000000000000c2", "1", "nothing")
    assert ran["state"] == "failed"
    assert "no function no.such" in "".join(ran["head"])
    ran = bare.call("meeseeks.run", "00000000000000c3", "1", "script")
    assert ran["head"][0].startswith("#!"), ran


def test_what_the_pillar_does_not_name_is_refused(bare, service):
    tell(bare)
    ran = bare.call("meeseeks.run", JOB, "1", "say", "{}")
    assert (ran["state"], "names no command" in ran["error"]) == ("failed", True)
    assert "is not a job's id" in bare.call("meeseeks.run", "nonsense", "1", "say", "{}")
    assert not any(path.endswith("/begin") for path, _ in service[0].kept)


def test_labels_become_grains_and_follow_the_pillar(bare, service):
    assert bare.call("grains.get", "labels:environment") == ""
    tell(bare)
    applied = bare.call("state.apply", "meeseeks")
    assert all(state["result"] for state in applied.values()), applied
    assert bare.call("grains.get", "labels:environment") == "prd"
    assert bare.call("match.grain", "labels:environment:prd") is True
    assert bare.call("match.grain", "labels:environment:dev") is False
    again = bare.call("state.apply", "meeseeks")
    assert not any(state["changes"] for state in again.values()), again
    bare.tell_raw({})
    refused = bare.call("state.apply", "meeseeks")
    assert not all(state["result"] for state in refused.values())
    assert bare.call("grains.get", "labels:environment") == "prd"


def test_each_function_has_a_cli_example():
    import importlib.util

    spec = importlib.util.spec_from_file_location("meeseeks", ROOT / "states" / "_modules" / "meeseeks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    public = {
        name: one
        for name, one in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith("_") and inspect.unwrap(one).__module__ == "meeseeks"
    }
    assert set(public) == {"run", "stop", "jobs", "capacities", "outcome"}
    for name, one in public.items():
        assert "CLI Example:" in one.__doc__
        assert f"meeseeks.{name}" in one.__doc__

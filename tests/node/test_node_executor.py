"""What the executor runs, as which user, and that it does so only once."""

import os
import threading
from hashlib import sha256
from pathlib import Path

import pytest
from executing import NODE, Cellar, until

from pillar_service.core.errors import Invalid
from pillar_service.node.executor import records, stopping

TEXT = {"kind": "string", "most": 200}


def shown(ran: dict) -> str:
    return "\n".join([*ran["head"], *ran["tail"]])


def test_a_command_runs_as_its_user_in_a_clean_world(cellar: Cellar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", "of-the-minion")
    cellar.shell("id; pwd; touch here; ls -ld .; env; umask; cat /proc/self/limits")
    ran = cellar.run()
    assert ran["state"] == "done", ran
    assert ran["head"][0] == "uid=65534(nobody) gid=65534(nogroup) groups=65534(nogroup)"
    said = shown(ran) + "\n".join(text for _, text in cellar.lines(ran["job"]))
    assert "of-the-minion" not in said
    assert cellar.service["token"] not in said
    assert f"CELLAR_NODE={NODE}" in said
    assert f"CELLAR_JOB={ran['job']}" in said
    assert {line.partition("=")[0] for line in ran["head"] if "=" in line and "uid" not in line} <= {
        "PATH", "LANG", "TMPDIR", "HOME", "USER", "LOGNAME", "PWD",
        *(f"CELLAR_{name}" for name in ("JOB", "ATTEMPT", "NODE", "COMMAND", "SCRATCH")),
    }  # fmt: skip
    assert list((cellar.home.executor / "scratch").iterdir()) == []


def test_another_user_is_another_user(cellar: Cellar) -> None:
    cellar.shell("id -un; echo $HOME; grep -i nonewprivs /proc/self/status; id -Gn", user="games")
    before = os.getgroups()
    os.setgroups([*before, 4])  # a group of the minion's that the command must not get
    try:
        assert cellar.run()["head"] == ["games", "/usr/games", "NoNewPrivs:\t1", "games"]
    finally:
        os.setgroups(before)


def test_an_argument_stays_one_word_and_no_shell_sees_it(cellar: Cellar) -> None:
    cellar.commands["x"] = {"argv": ["printf", "[%s]\\n", "--", "{what}"], "parameters": {"what": TEXT}}
    nasty = "a b; touch /tmp/pwned $(id) `id` 'q' \"q\" {what} --help | cat"
    assert cellar.run(what=nasty)["head"] == ["[--]", f"[{nasty}]"]
    assert not Path("/tmp/pwned").exists()


@pytest.mark.parametrize(
    ("command", "arguments", "says"),
    [
        ("y", {}, "names no command 'y'"),
        ("../x", {}, "names no command"),
        ("x", {"other": "1"}, "takes no argument 'other'"),
        ("x", {"what": "UPPER"}, "what can't be"),
        ("x", {}, "what is missing"),
        ("x", {"what": "a", "key": "s3cret"}, "may not travel"),
        ("nobodys", {}, "no user 'nobody-here'"),
        ("mad", {}, "makes no sense"),
        ("both", {}, "makes no sense"),
    ],
)
def test_what_is_not_right_never_begins(cellar: Cellar, command: str, arguments: dict, says: str) -> None:
    parameters = {"what": TEXT | {"pattern": "[a-z]+", "required": True}, "key": {"kind": "secret"}}
    cellar.shell("echo ran", parameters=parameters)
    cellar.commands["nobodys"] = {"argv": ["id"], "user": "nobody-here"}
    cellar.commands["mad"] = {"argv": ["id"], "output": {"redact": ["("]}}
    cellar.commands["both"] = {"argv": ["id"], "function": "test.ping"}
    job = cellar.ask()
    ran = cellar.executor().run(job, 1, command, arguments)
    assert (ran["state"], ran["exit_code"]) == ("failed", None)
    assert says in ran["error"]
    assert "s3cret" not in ran["error"]
    assert cellar.begun(job) is None
    assert records.known(cellar.home) == []


@pytest.mark.parametrize("job", ["../../etc/passwd", "x", "", None, 1.5, "0123456789ABCDEF"])
def test_what_is_no_job_is_refused(cellar: Cellar, job: object) -> None:
    with pytest.raises(Invalid):
        cellar.executor().run(job, 1, "x", {})


def test_the_same_attempt_runs_once_and_tells_the_same(cellar: Cellar, tmp_path: Path) -> None:
    cellar.shell(f"echo once >> {tmp_path}/ran; echo said", user="root")
    job = cellar.ask()
    first = cellar.run(job)
    assert cellar.run(job) == first
    assert stopping.outcome(cellar.home, job) == first
    assert (tmp_path / "ran").read_text() == "once\n"


def test_of_many_at_the_same_moment_one_runs_and_all_tell_it(cellar: Cellar, tmp_path: Path) -> None:
    cellar.shell(f"echo once >> {tmp_path}/ran; sleep 0.3", user="root")
    job, told = cellar.ask(), []
    threads = [threading.Thread(target=lambda: told.append(cellar.run(job))) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "ran").read_text() == "once\n"
    assert told == [told[0]] * 5


def test_without_the_services_word_nothing_begins_and_later_it_does(cellar: Cellar, tmp_path: Path) -> None:
    cellar.shell(f"echo once >> {tmp_path}/ran", user="root")
    job = cellar.ask()
    cellar.stop()
    ran = cellar.run(job)
    assert (ran["state"], ran["exit_code"]) == ("not_begun", None)
    assert "does not answer" in ran["error"]
    assert not (tmp_path / "ran").exists()
    assert stopping.outcome(cellar.home, job) == {}
    cellar.start()
    assert cellar.run(job)["state"] == "done"


def test_another_nodes_job_and_an_old_attempt_do_not_begin(cellar: Cellar) -> None:
    from pillar_service.usecases.nodes import nodes

    nodes.add("test", "cellar-2")
    cellar.shell("echo ran")
    assert cellar.run(cellar.ask(node="cellar-2"))["state"] == "not_begun"
    assert cellar.run(cellar.ask(attempt=2), attempt=1)["state"] == "not_begun"
    assert cellar.run(cellar.ask(attempt=2), attempt=2)["state"] == "done"


def test_a_second_attempt_is_another_run(cellar: Cellar) -> None:
    from pillar_service.store.jobs import jobs

    cellar.shell("echo $CELLAR_ATTEMPT; exit 3")
    job = cellar.ask()
    first = cellar.run(job)
    assert (first["state"], first["exit_code"]) == ("failed", 3)
    jobs.move(job, "running", "running", attempts=2)
    second = cellar.run(job, 2)
    assert second["head"] == ["2"]
    assert cellar.lines(job) == [("stdout", "1"), ("stdout", "2")]
    assert stopping.outcome(cellar.home, job) == second
    assert stopping.outcome(cellar.home, job, 1) == first


def test_a_script_is_read_by_its_interpreter_and_can_not_be_changed(cellar: Cellar, tmp_path: Path) -> None:
    script = tmp_path / "hello.py"
    script.write_text("import sys, os\nprint(sys.argv[1:], os.access(sys.argv[0], os.W_OK))\n")
    cellar.files["salt://meeseeks/scripts/hello.py"] = str(script)
    told = {"source": "salt://meeseeks/scripts/hello.py", "interpreter": "python3"}
    cellar.commands["x"] = {"script": told, "argv": ["--", "{what}"], "parameters": {"what": TEXT}}
    assert cellar.run(what="a b")["head"] == ["['--', 'a b'] False"]
    cellar.files.clear()
    job = cellar.ask()
    ran = cellar.run(job, what="a")
    assert (ran["state"], cellar.begun(job)) == ("not_begun", None)
    assert "salt://meeseeks/scripts/hello.py" in ran["error"]


def test_a_script_that_is_not_the_one_that_the_catalogue_names_does_not_run(cellar: Cellar, tmp_path: Path) -> None:
    script = tmp_path / "hello.sh"
    script.write_text("echo as approved\n")
    cellar.files["salt://hello.sh"] = str(script)
    told = {"source": "salt://hello.sh", "interpreter": "sh", "sha256": sha256(script.read_bytes()).hexdigest()}
    cellar.commands["x"] = {"script": told}
    assert cellar.run()["head"] == ["as approved"]
    script.write_text("echo something else\n")
    ran = cellar.run()
    assert (ran["state"], ran["head"]) == ("failed", [])
    assert "salt://hello.sh is not the one that was asked for" in ran["error"]


def test_a_function_is_called_and_its_result_is_the_output(cellar: Cellar) -> None:
    cellar.call = lambda name, arguments, keywords: ({"called": name, "with": arguments, **keywords}, 0)
    told = {"function": "disk.usage", "arguments": ["{path}"], "keywords": {"n": "{n}", "test": True}}
    parameters = {"path": TEXT, "n": {"kind": "int"}}
    cellar.commands["x"] = told | {"parameters": parameters}
    ran = cellar.run(path="/", n=3)
    said = shown(ran).replace(" ", "").replace("\n", "")
    assert said == '{"called":"disk.usage","with":["/"],"n":3,"test":true}'


def test_of_states_those_are_told_that_changed_or_failed_or_would(cellar: Cellar) -> None:
    def state(n: int, id: str, result: bool | None, **more: object) -> tuple[str, dict[str, object]]:
        told = {"__run_num__": n, "__id__": id, "name": f"/etc/{id}", "result": result, "comment": f"{id} so.", **more}
        return f"file_|-{id}_|-/etc/{id}_|-managed", told

    states = [state(2, "worse", False, changes={}), *(state(n, f"fine-{n}", True, changes={}) for n in range(3, 300))]
    states.append(state(1, "motd", None, changes={"diff": "-old\n+new"}))
    cellar.call = lambda name, arguments, keywords: (dict(states), 0)
    cellar.commands["x"] = {"function": "state.apply", "arguments": ["pubs"], "keywords": {"test": True}}
    assert shown(cellar.run()).splitlines() == [
        "would change: file.managed motd (/etc/motd): motd so.",
        "    -old",
        "    +new",
        "would fail: file.managed worse (/etc/worse): worse so.",
        "297 of 299 states needed nothing.",
    ]
    states[-1][1]["result"] = True
    cellar.commands["x"]["keywords"] = {}
    assert shown(cellar.run()).splitlines() == [
        "changed: file.managed motd (/etc/motd): motd so.",
        "    -old",
        "    +new",
        "failed: file.managed worse (/etc/worse): worse so.",
        "297 of 299 states needed nothing.",
    ]
    cellar.call = lambda name, arguments, keywords: (["No matching sls found for 'pubs'"], 1)
    assert "No matching sls" in shown(cellar.run())


def test_a_function_that_fails_fails(cellar: Cellar) -> None:
    def call(name: str, arguments: object, keywords: object) -> object:
        raise ValueError("it broke")

    cellar.call = call
    cellar.commands["x"] = {"function": "disk.usage"}
    ran = cellar.run()
    assert (ran["state"], ran["head"]) == ("failed", ["ValueError: it broke"])
    cellar.call = lambda *_: ("said", 2)
    ran = cellar.run()
    assert (ran["state"], ran["exit_code"], ran["head"]) == ("failed", 2, ["said"])


def test_a_command_runs_so_often_at_a_time_and_no_more(cellar: Cellar) -> None:
    cellar.shell("sleep 20", concurrency=1)
    job, told = cellar.ask(), []
    thread = threading.Thread(target=lambda: told.append(cellar.run(job)))
    thread.start()
    until(lambda: stopping.running(cellar.home))
    other = cellar.ask()
    assert cellar.run(other)["state"] == "not_begun"
    assert cellar.begun(other) is None
    [runs] = stopping.running(cellar.home)
    assert (runs["job"], runs["command"], runs["user"]) == (job, "x", "nobody")
    assert stopping.outcome(cellar.home, job)["state"] == "running"
    stopping.stop(cellar.home, job)
    thread.join()
    assert stopping.running(cellar.home) == []
    cellar.shell("true", concurrency=1)
    assert cellar.run(other)["state"] == "done"


def test_outcomes_are_forgotten_after_a_day(cellar: Cellar) -> None:
    cellar.shell("true")
    job = cellar.run()["job"]
    records.sweep(cellar.home)
    assert stopping.outcome(cellar.home, job) != {}
    import time

    records.sweep(cellar.home, time.time() + records.KEPT_S + 60)
    assert stopping.outcome(cellar.home, job) == {}

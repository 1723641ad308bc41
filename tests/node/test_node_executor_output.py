"""A command's output: in order, harmless, bounded, redacted, and at the service once, even if that was away."""

import base64
import json
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from executing import NODE, Cellar, until

from pillar_service.node.executor import leftovers, output, records, stopping
from pillar_service.node.executor.redactor import Redactor
from pillar_service.node.executor.splitting import PIECE, Splitter, lines
from pillar_service.store.database import release
from pillar_service.usecases.jobs import executing

SECRET = {"key": {"kind": "secret"}}


def test_each_line_says_from_which_stream_it_is(cellar: Cellar) -> None:
    cellar.shell("echo out; sleep 0.1; echo err >&2; sleep 0.1; printf 'no end'")
    ran = cellar.run()
    assert cellar.lines(ran["job"]) == [("stdout", "out"), ("stderr", "err"), ("stdout", "no end")]
    assert (ran["lines"], ran["dropped"], ran["head"]) == (3, 0, ["out", "err", "no end"])


def test_what_is_no_text_is_made_harmless(cellar: Cellar) -> None:
    raw = rb"a\000b\377\n\033[31mred\033[0m\033]0;title\007!\ntab\there\n12%%\r100%%\r\n\342\200\256esrever\n"
    cellar.shell(f"printf '{raw.decode()}'")
    ran = cellar.run()
    assert ran["head"] == ["a�b�", "red!", "tab\there", "12%", "100%", "�esrever"]
    assert [text for _, text in cellar.lines(ran["job"])] == ran["head"]


def test_a_random_megabyte_hurts_nobody(cellar: Cellar) -> None:
    cellar.shell("head -c 1000000 /dev/urandom")
    ran = cellar.run()
    assert ran["state"] == "done"
    kept = cellar.lines(ran["job"])
    assert kept
    assert all(len(text.encode()) < 1 << 16 and (text.isprintable() or "\t" in text) for _, text in kept)


def test_a_line_of_a_megabyte_comes_whole_in_pieces(cellar: Cellar) -> None:
    cellar.commands["x"] = {"argv": ["python3", "-c", "print('ä' * 500_000 + '.')"]}
    ran = cellar.run()
    kept = [text for _, text in cellar.lines(ran["job"])]
    assert "".join(kept) == "ä" * 500_000 + "."
    assert max(len(text.encode()) for text in kept) < 1 << 16


def test_a_hundred_megabytes_take_little_memory_and_disk(cellar: Cellar) -> None:
    count = 1_400_000
    cellar.commands["x"] = {
        "argv": ["python3", "-c", f"for n in range({count}): print('line %08d' % n, 'x' * 60)"], "timeout_s": 120,
    }  # fmt: skip
    job = cellar.ask()
    process = cellar.outside(job)
    sizes = []
    while process.poll() is None:
        sizes.append(sum(path.stat().st_size for path in records.folder(cellar.home, "lines").glob("*")))
        threading.Event().wait(0.2)
    told = json.loads(process.communicate()[0])
    ran = told["outcome"]
    assert ran["state"] == "done", ran
    assert told["memory_kb"] < 100_000, "the interpreter alone takes about 35 MB"
    assert max(sizes) < 20 << 20
    assert (ran["lines"], ran["lines"] - ran["dropped"]) == (count, output.HEAD_LINES + output.TAIL_LINES)
    kept = [text for _, text in cellar.lines(job)]
    assert [text[5:13] for text in kept[: output.HEAD_LINES]] == [f"{n:08}" for n in range(output.HEAD_LINES)]
    assert kept[output.HEAD_LINES] == f"… {ran['dropped']:,} lines left out here …"
    assert kept[-1].startswith(f"line {count - 1:08}")
    assert len(kept) == output.HEAD_LINES + output.TAIL_LINES + 1
    assert ran["tail"][-1] == kept[-1][: output.SHOWN_CHARACTERS]


def test_long_lines_are_bounded_by_their_bytes(tmp_path: Path) -> None:
    kept = output.Output(tmp_path / "kept", Redactor())
    for n in range(200):
        kept.feed("stdout", (f"{n:05}" + "x" * 10_000 + "\n").encode() * 20)
    kept.close()
    assert (kept.count, kept.dropped > 3000) == (4000, True)
    assert (tmp_path / "kept").stat().st_size < output.HEAD_BYTES + output.TAIL_BYTES + (1 << 20)
    assert kept.tail[-1].startswith("00199")


def everything_on(*folders: Path) -> bytes:
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return b"\n".join(path.read_bytes() + str(path).encode() for path in files)


def test_a_secret_is_found_nowhere(cellar: Cellar, tmp_path: Path) -> None:
    secret = "Käse-canary/7+Zw"
    script = """
    printf '%s\\n' "$1" "x$1y" "$CELLAR_ARG_KEY" "$1" >&2
    printf '%s' "$1" | base64; env; ps -o args -p $$; printf '%s' "$1" > kept
    python3 -c 'import json, os, urllib.parse as u; k = os.environ["CELLAR_ARG_KEY"]; print(json.dumps(k), u.quote(k), repr(k))'
    python3 -c 'import os; print("z" * 28_660 + os.environ["CELLAR_ARG_KEY"] + "z" * 9_000)'
    echo 'login: hunter2'; echo 'host:8008:@abc=.ed25519~seed='
    """
    cellar.commands["x"] = {
        "argv": ["/bin/sh", "-c", script, "sh", "{key}"], "parameters": SECRET, "output": {"redact": ["hunter[0-9]"]},
    }  # fmt: skip
    job = cellar.ask(key=secret)
    ran = cellar.run(job)
    assert ran["state"] == "done", ran
    said = "\n".join(text for _, text in cellar.lines(job))
    assert "(hidden)" in said
    assert "login: (hidden)" in said
    forms = [secret.encode(), base64.b64encode(secret.encode()), b"canary", b"hunter2", b"seed="]
    everything = everything_on(cellar.home.root, tmp_path) + said.encode() + json.dumps(ran).encode()
    assert [form for form in forms if form in everything] == []
    assert b"login: " in everything


def test_a_secret_stays_whole_wherever_a_long_line_is_cut() -> None:
    secret, pattern = "canary-value", re.compile("tok_[a-z]{20}")
    redactor = Redactor([secret], [pattern])
    for where in (*range(28_670, 28_720), *range(32_780, 32_810)):
        for hidden in (secret, "tok_" + "q" * 20):
            splitter = Splitter(redactor)
            raw = ("z" * where + hidden + "z" * 60_000).encode()
            found = [*splitter.feed(raw[:32_800]), *splitter.feed(raw[32_800:]), *splitter.end()]
            said = "".join(text for one in found for text in lines(one, redactor))
            assert said == "z" * where + "(hidden)" + "z" * 60_000, where


def test_bytes_in_any_pieces_give_the_same_lines() -> None:
    raw = "eins\r\nzwei\rdrei\n\nfünf 🧂\nend".encode()
    for step in range(1, 9):
        splitter = Splitter(Redactor())
        found = [line for at in range(0, len(raw), step) for line in splitter.feed(raw[at : at + step])]
        assert [one.decode() for one in found + splitter.end()] == ["eins", "zwei", "drei", "", "fünf 🧂", "end"]


def test_a_long_line_is_cut_between_characters() -> None:
    redactor, raw = Redactor(), ("🧂ä" * 200_000).encode()
    for step in (65_536, 65_537, 65_539):
        splitter = Splitter(redactor)
        found = [line for at in range(0, len(raw), step) for line in splitter.feed(raw[at : at + step])]
        pieces = [text for one in found + splitter.end() for text in lines(one, redactor)]
        assert "".join(pieces) == "🧂ä" * 200_000
        assert max(map(len, pieces)) <= PIECE


@pytest.mark.parametrize("secret", ["twenty\nlines of it", 'quote " and \\ back', "tab\tinside", "ключ"])
def test_a_secret_is_known_in_its_usual_forms(secret: str) -> None:
    redactor = Redactor([secret])
    for form in (*secret.splitlines(), json.dumps(secret), repr(secret), base64.b64encode(secret.encode()).decode()):
        left = redactor.text(f"<{form}>").replace("(hidden)", "").strip("<>\"'")
        assert not any(part in left for part in secret.split()), (form, left)


def test_lines_come_while_it_runs(cellar: Cellar) -> None:
    cellar.shell("echo first; sleep 20")
    job = cellar.ask()
    thread = threading.Thread(target=cellar.run, args=(job,))
    thread.start()
    until(lambda: cellar.lines(job) == [("stdout", "first")], 2.0)
    stopping.stop(cellar.home, job, True)
    thread.join()


def test_while_the_service_is_away_it_goes_on_and_the_lines_come_later_once(cellar: Cellar, monkeypatch: Any) -> None:
    from pillar_service.node.executor import sending

    monkeypatch.setattr(sending, "AT_THE_END_S", 0.5)
    cellar.shell("seq 1 3000; sleep 1.5; seq 3001 6000")
    job, told = cellar.ask(), []
    thread = threading.Thread(target=lambda: told.append(cellar.run(job)))
    thread.start()
    until(lambda: len(cellar.lines(job)) >= 500)
    cellar.stop()
    thread.join()
    assert (told[0]["state"], told[0]["lines"]) == ("done", 6000)
    assert leftovers.deliver(cellar.home, cellar.told) == 0
    cellar.start()
    assert leftovers.deliver(cellar.home, cellar.told, 60.0) > 0
    assert [text for _, text in cellar.lines(job)] == [str(n) for n in range(1, 6001)]
    assert records.unsent(cellar.home) == []


def test_answers_that_are_lost_make_no_line_come_twice(cellar: Cellar) -> None:
    app, lost = cellar.app.wsgi_app, []

    def forgetful(environ: dict, start: Any) -> Any:
        if environ["PATH_INFO"].endswith("/lines") and len(lost) < 5:
            lost.append(list(app(environ, lambda *_: None)))  # stored, but the node never hears of it
            start("503 Away", [("Content-Type", "application/json")])
            return [b"{}"]
        return app(environ, start)

    cellar.app.wsgi_app = forgetful
    cellar.shell("seq 1 1200; sleep 1; seq 1201 2000")
    job = cellar.ask()
    assert cellar.run(job)["state"] == "done"
    until(lambda: leftovers.deliver(cellar.home, cellar.told) == 0 and not records.unsent(cellar.home))
    assert len(lost) >= 2
    assert [text for _, text in cellar.lines(job)] == [str(n) for n in range(1, 2001)]


def test_lines_that_nobody_wants_are_not_kept(cellar: Cellar) -> None:
    from pillar_service.store.jobs import outputs

    cellar.shell("echo late")
    job = cellar.ask()
    record = records.Record.of(cellar.home, job, 1)
    record.lines.write_text('{"n": 1, "stream": "stdout", "text": "never begun"}\n')
    assert leftovers.deliver(cellar.home, cellar.told) == 0
    assert records.unsent(cellar.home) == []
    assert outputs.lines(job) == []


def test_a_full_disk_loses_lines_and_nothing_else(cellar: Cellar, tmp_path: Path) -> None:
    from pillar_service.node.executor.spool import Reader, Spool

    spool = Spool(tmp_path / "spool")
    spool.add("stdout", "one")
    spool.flush()
    import resource
    import signal

    before, ignored = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        spool.add("stdout", "two")
        spool.add("stdout", "x" * 1000)
        spool.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    spool.add("stdout", "4")
    spool.close()
    assert [line["n"] for line in Reader(tmp_path / "spool").batch()] == [1, 4]
    assert spool.lost == 2


def test_the_duty_brings_what_is_left_and_tells_what_the_node_has(cellar: Cellar) -> None:
    from pillar_service.node.executor.duty import Commands
    from pillar_service.store.nodes import nodes

    cellar.shell("echo ran")
    job = cellar.ask()
    cellar.run(job)
    record = records.Record.of(cellar.home, job, 1)
    record.lines.write_text('{"n": 2, "stream": "stdout", "text": "late"}\n')
    Commands(cellar.home, lambda: cellar.told).run(0.0)
    assert [text for _, text in cellar.lines(job)] == ["ran", "late"]
    assert "sh" in nodes.find(NODE).capacities["has"]
    assert nodes.find(NODE).capacities["slots"] > 0


def test_a_file_that_is_there_is_a_capacity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pillar_service.node.executor import capacities

    monkeypatch.setattr(capacities, "FILES", {"on-call": str(tmp_path / "on-call")})
    assert "on-call" not in capacities.found()["has"]
    (tmp_path / "on-call").write_text("2001-01-01 Ann\n")
    assert "on-call" in capacities.found()["has"]


def test_capacities_are_told_when_they_change(cellar: Cellar, tmp_path: Path) -> None:
    from pillar_service.node.executor import capacities
    from pillar_service.store.nodes import nodes

    (tmp_path / "kubectl").touch(mode=0o755)
    assert capacities.tell(cellar.home, cellar.told)
    assert not capacities.tell(cellar.home, cellar.told)
    assert "sh" in nodes.find(NODE).capacities["has"]
    assert capacities.tell(cellar.home, cellar.told, path=str(tmp_path))
    assert set(nodes.find(NODE).capacities["has"]) - {"systemd"} == {"kubectl"}
    cellar.stop()
    assert not capacities.tell(cellar.home, cellar.told)
    cellar.start()
    assert capacities.tell(cellar.home, cellar.told)


def test_what_a_loss_of_power_left_in_the_lines_of_one_run_holds_up_no_others(cellar: Cellar) -> None:
    first, second = cellar.ask(), cellar.ask()
    for job, written in ((first, b"\0" * 50 + b"\n{\n[]\n"), (second, b"")):
        executing.begin(NODE, job, 1)
        line = json.dumps({"n": 1, "stream": "stdout", "text": "said"}).encode() + b"\n"
        records.Record(cellar.home, job, 1).lines.write_bytes(written + line)
    release()
    leftovers.deliver(cellar.home, cellar.told, 5.0)
    assert [cellar.lines(job) for job in (first, second)] == [[("stdout", "said")]] * 2
    assert records.unsent(cellar.home) == []

"""python tests/contract/record.py VERSION: record all that a node of this version says to the service, and the answers.

Run this once for each released version, with that version's code; the recording is never changed afterwards. With it,
`test_contract.py` lets each later service hear the requests, on that version's database, and each later node read the
answers. The requests come from the node's own code, over HTTP, with keys made only for this.
"""

import base64
import gzip
import io
import json
import os
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TESTS = HERE.parent
sys.path[:0] = [str(TESTS), *(str(TESTS / room) for room in ("usecases",))]

from werkzeug.serving import make_server  # noqa: E402

KEPT = ("Authorization", "Content-Type", "Content-Encoding", "If-Match", "If-None-Match")
"""The request headers that matter."""

SECRET = "only-for-contracts-0123456789abcdef012345"
TOKEN, MASTER = "contract-token", "contract-master"
LATER = 4_102_444_800.0
"""The year 2100: what expires then is still valid whenever this is replayed."""


class Recorder:
    """A WSGI application around another one that records requests and answers."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self.app, self.heard = app, []
        self.name = ""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        said: dict[str, Any] = {}

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            said["status"] = int(status.split()[0])
            return start_response(status, headers, *rest)

        answer = b"".join(self.app(environ, start))
        self.heard.append({
            "name": self.name,
            "method": environ["REQUEST_METHOD"],
            "path": environ["PATH_INFO"],
            "headers": {name: environ[key] for name in KEPT if (key := _key(name)) in environ and environ[key]},
            "body": base64.b64encode(body).decode(),
            "status": said["status"],
            "answer": json.loads(answer) if answer else None,
        })  # fmt: skip
        return [answer]


def _key(name: str) -> str:
    key = name.upper().replace("-", "_")
    return key if key == "CONTENT_TYPE" else f"HTTP_{key}"


def prepare() -> str:
    """Make an account, an enrolment token, a master, a bot and a running command; return the command's job."""
    import eventful
    import pouring
    from enrolling import master_is_there

    from pillar_service.core.nodes.configuration import OPERATORS
    from pillar_service.core.people import tokens
    from pillar_service.store.database import transaction
    from pillar_service.store.jobs import jobs
    from pillar_service.store.nodes import enrolment as rows
    from pillar_service.store.service import masters
    from pillar_service.usecases.jobs import executing
    from pillar_service.usecases.nodes import configuration, enrolment_tokens, nodes

    nodes.add("test", "cellar-1")
    eventful.known("cellar-1")
    account = pouring.owner()
    pouring.poured("my", description="A friend")
    master_is_there("salt", "salt.example.org")
    made = enrolment_tokens.create_for(account, pattern="shed", uses=3)
    configuration.set("test", OPERATORS, "governors/restarts", 1)
    id = "c0ffee00c0ffee00"
    plan = {"function": "meeseeks.run", "arguments": ["disk", {}], "keywords": {}, "leading": [], "is_guarded": True}
    plan |= {"timeout_s": 60, "retry_safe": False, "secrets": executing.sealed(id, {"key": "canary-1"}), "redact": []}
    told = {
        "attempts": 1,
        "arguments": {},
        "actor": "test",
        "fingerprint": "x",
        "created_at": 1.7e9,
        "not_before": 1.7e9,
    }
    with transaction():
        jobs.add(id=id, command="disk", node="cellar-1", state="running", plan=plan, **told)
        rows.EnrolmentToken.update(token_hash=tokens.hash_token(TOKEN), expires_at=LATER).where(
            rows.EnrolmentToken.id == made["id"]
        ).execute()
        masters.put("salt", tokens.hash_token(MASTER), 1.7e9)
    return id


def speak(recorder: Recorder, url: str, folder: Path, job: str) -> None:
    """Let a node say everything that a node can say."""
    import eventful
    import pouring

    from pillar_service.core.bots import health
    from pillar_service.core.events.gaps import Gap, Reason
    from pillar_service.core.events.submission import GAP, Lifecycle, Priority
    from pillar_service.core.nodes import facts
    from pillar_service.core.people import tokens
    from pillar_service.node.door import Door
    from pillar_service.node.enrolment import joining, turning
    from pillar_service.node.enrolment.site import Site
    from pillar_service.usecases.bots import bots

    def as_(name: str) -> None:
        recorder.name = name

    node = "cellar-1"
    door = Door({"url": url, "token": tokens.node_token(SECRET, node, 1)})
    gap = Gap(1, 3, 4, 2, Reason.FULL, "backups", Priority.BULK)
    report = pouring.report(bots.show("my")["id"], sequence=8)
    said = {
        "grains": {"osfinger": "Debian-12"},
        "docker": {"answers": True},
        "disks": {},
        "versions": {"salt": "3008.3"},
    }
    batch = [
        eventful.told(1, Lifecycle.START, stream="lifecycle", data={"saltcellar": "0.1.0", "salt": "3008.3"}),
        eventful.alive(2),
        eventful.told(5, GAP, data=gap.data()),
        eventful.told(6, health.EVENT_TYPE, data=pouring.event(report)["data"], stream="health"),
        eventful.told(7, facts.EVENT_TYPE, data={"facts": said}, stream="facts"),
        eventful.told(8, data={"of": "photographs", "severity": "warning"}),
    ]
    as_("events, signed")
    door.events(batch, sign=lambda body: eventful.token(node, body))
    as_("events, the same once more")
    door.events(batch, sign=lambda body: eventful.token(node, body))
    as_("a health report with the node's token")
    door.events([pouring.event(report, node=node)])
    as_("capacities")
    door.capacities({"has": ["docker", "systemd"], "slots": 2})
    as_("begin")
    door.begin(job, 1)
    as_("begin, once more")
    _refused(lambda: door.begin(job, 1))
    as_("lines")
    door.lines(
        job, 1, [{"n": 1, "stream": "stdout", "text": "/dev/sda1 80 %"}, {"n": 2, "stream": "note", "text": "end"}]
    )
    as_("bundle")
    door.bundle()
    as_("configuration")
    door.configuration()
    as_("set a key")
    door.set_key("mood", "well", 0)
    as_("set a key that is another by now")
    _refused(lambda: door.set_key("mood", "ill", 99))
    as_("delete a key")
    door.delete_key("mood", None)
    as_("take a governor")
    fence = door.take("restarts", "pub-healer/my", 60)["fence"]
    as_("renew a governor")
    door.renew("restarts", "pub-healer/my", fence, 60)
    as_("release a governor")
    door.release("restarts", "pub-healer/my", fence)
    site = Site(folder / "shed")
    as_("enrol")
    joining.join(site, url, "shed", TOKEN)
    site.identity.write_text(json.dumps(site.who() | {"service": url}))  # The address in the answer leads nowhere.
    as_("turn the key")
    turning.turn(site)
    as_("leave")
    joining.leave(site)


def _refused(act: Callable[[], object]) -> None:
    from pillar_service.core.errors import SaltcellarError

    try:
        act()
    except SaltcellarError:
        return
    raise AssertionError("It was to be refused.")


def main(version: str) -> None:
    """Write the exchanges, and the database as it was before them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ |= {
            "CELLAR_DATABASE": f"sqlite:///{folder}/cellar.db", "CELLAR_FILES": str(folder / "files"),
            "CELLAR_SECRET_KEY": SECRET, "CELLAR_PUBLIC_URL": "https://cellar.example.org", "CELLAR_PASSWORD_KIB": "64",
            "CELLAR_MINION_D": str(TESTS.parent / "salt/minion.d"), "CELLAR_CATALOGUE": str(TESTS.parent / "salt/meeseeks"),
        }  # fmt: skip
        from pillar_service.usecases.nodes import pillars
        from pillar_service.usecases.service import storage

        storage.prepare()
        storage.migrate()
        pillars.refresh()
        job = prepare()
        into = HERE / version
        into.mkdir(exist_ok=True)
        with sqlite3.connect(folder / "cellar.db") as database:
            text = "\n".join(database.iterdump())
        (into / "database.sql.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
        exchanges = {
            "public": _recorded("public", lambda *told: speak(*told, folder, job)),
            "private": _recorded("private", ask),
        }
        (into / "exchanges.json").write_text(json.dumps(exchanges, indent=1) + "\n")


def ask(recorder: Recorder, url: str) -> None:
    """Let a master ask for a node's pillar, for the keys, and for work."""
    import requests

    for name, method, path, body in (
        ("pillar", "GET", "/pillar/cellar-1", None),
        ("keys", "GET", "/nodes/keys", None),
        ("claim", "POST", "/jobs/claim", {"wait": 0}),
    ):
        recorder.name = name
        headers = {"Authorization": f"Bearer {MASTER}"}
        answer = requests.request(method, url + path, json=body, headers=headers, timeout=20)
        assert answer.status_code == 200, answer.text


def _recorded(app: str, act: Callable[[Recorder, str], None]) -> list[dict[str, Any]]:
    from importlib import import_module

    recorder = Recorder(import_module(f"pillar_service.web.{app}").create_app())
    server = make_server("127.0.0.1", 0, recorder, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        act(recorder, f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        thread.join()
        time.sleep(0)
    return recorder.heard


if __name__ == "__main__":
    main(sys.argv[1])

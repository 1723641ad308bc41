"""Who may do what at which address: every route of the public app for each kind of person. A route without a line fails.

To add a route, add its line to MATRIX (matrix.py), and to ASKED if it must be asked with something.
"""

import io
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from enrolling import enrol, master_is_there
from flask import Flask
from matrix import ASKED, CODE, HOOK, MATRIX, PASSWORD, PEOPLE, WHERE, Ask
from pouring import PUB, answer, carry_out, has_second_factor, operator, owner, poured, tar

from pillar_service.core.people.agents import Belonging
from pillar_service.core.people.tokens import hash_token
from pillar_service.settings import settings
from pillar_service.store import database
from pillar_service.store.bots import invites
from pillar_service.store.chat import chat_people
from pillar_service.store.people import agents, second_factor
from pillar_service.usecases.bots import transfers
from pillar_service.usecases.events import forwardings
from pillar_service.usecases.jobs import claims, jobs, runs
from pillar_service.usecases.meeseeks import people
from pillar_service.usecases.nodes import configuration, enrolment_tokens
from pillar_service.usecases.people import accounts, sessions, sharing, tokens
from pillar_service.usecases.service import storage


@dataclass
class World:
    """The app, a database to be copied for each question, and each person's cookies and tokens."""

    app: Flask
    start: Path
    now: Path
    cookies: dict[str, str]
    tokens: dict[str, str]
    ids: dict[str, str]

    def ask(self, route: str, person: str) -> int:
        """The status that a person gets at a route, in a fresh copy of the world."""
        storage.release()
        for old in self.now.parent.glob(f"{self.now.name}*"):
            old.unlink()
        shutil.copy(self.start, self.now)
        method, _, rule = route.partition(" ")
        asked, client = ASKED.get(route, Ask()), self.app.test_client()
        for name, value in (WHERE | asked.where).items():
            rule = rule.replace(f"<{name}>", value.format(**self.ids)).replace(f"<path:{name}>", value)
        query = {name: value.format(**self.ids) for name, value in asked.query.items()}
        form = {name: value.format(**self.ids) for name, value in (asked.form or {}).items()}
        headers = {}
        if person != "nobody":
            client.set_cookie("saltcellar", self.cookies[person])
            headers["Authorization"] = f"Bearer {self.tokens[person]}"
        more: dict[str, Any] = {"json": asked.json} if asked.json is not None else {"data": form}
        answered = client.open(rule, method=method, query_string=query, headers=headers, **more)
        answered.close()
        return int(answered.status_code)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("matrix")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "DATABASE": f"sqlite:///{folder}/now.sqlite",
            "FILES": f"{folder}/files",
            "SECRET_KEY": "only-for-tests-0123456789abcdef0123456789",
            "PUBLIC_URL": "http://cellar.test",
            "MINION_D": str(Path(__file__).parents[2] / "salt" / "minion.d"),
        }.items():
            patch.setenv(f"CELLAR_{name}", value)
        settings.cache_clear()
        yield _made(folder)
        storage.release()
    settings.cache_clear()


def _made(folder: Path) -> World:
    from pillar_service.web.public import create_app

    app = create_app()
    app.config["WTF_CSRF_ENABLED"] = False  # this is about who may, not about where forms come from
    storage.migrate()
    ids = _people_and_bot()
    cookies, bearers = {}, {}
    for person in PEOPLE[:-1]:
        email, client = f"{person}@example.org", app.test_client()
        assert client.post("/sign-in", data={"email": email, "password": PASSWORD}).status_code == 302
        cookie = client.get_cookie("saltcellar")
        assert cookie is not None
        cookies[person] = cookie.value
        bearers[person] = tokens.sign_in(email, PASSWORD, None, "127.0.0.1")["secret"]
    boss = has_second_factor(accounts.show("operator@example.org")["id"])
    with database.transaction():
        second_factor.put_recovery(boss, [hash_token("".join(CODE.split("-")))])
    owner_id = accounts.show("owner@example.org")["id"]
    ids["session"] = sessions.listed(owner_id, "")[0]["id"]
    database.db.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    storage.release()
    shutil.copy(folder / "now.sqlite", folder / "start")
    return World(app, folder / "start", folder / "now.sqlite", cookies, bearers, ids)


def _people_and_bot() -> dict[str, str]:
    from pillar_service.usecases.nodes import nodes

    nodes.add("test", "cellar-1")
    who = {person: owner(f"{person}@example.org") for person in PEOPLE[:-3]}
    for person in PEOPLE[-3:-1]:
        operator(f"{person}@example.org")
    bot = poured(email="owner@example.org")["id"]
    with database.transaction():
        agents.join(who["member"], bot, Belonging.MEMBER)
        agents.join(who["suspended"], bot, Belonging.OWNER)
    accounts.set_state("test", "suspended@example.org", "suspended")
    configuration.set("test", who["owner"], "a/b", 1)
    with database.transaction():
        chat_people.put("T01", "U01", who["owner"], 1.0)
    link = people.invite(people.asker("T01", "U02")).rpartition("/")[2]
    there = {"link": link, "member": who["member"], "invitation": _invited(who["owner"]), "invite": _invite()}
    there["forwarding"] = forwardings.make(who["owner"], who["owner"], "webhook", HOOK)["id"]
    there |= _node(who["owner"])
    return there | {"export": _exported(who["owner"]), "token": tokens.create(who["owner"], "ci", ["read"])["id"]}


def _node(person: str) -> dict[str, str]:
    master_is_there()
    node = enrol(enrolment_tokens.create_for(person)["secret"])["node"]
    return {"node": str(node), "node_token": str(enrolment_tokens.create_for(person)["id"])}


def _invited(by: str) -> str:
    sharing.invite(by, "my", "somebody@example.org")
    return str(sharing.people(by, "my")["invitations"][0]["id"])


def _invite() -> str:
    jobs.submit("test", "bots.invite", "my")
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], f"jid-{run['id']}")
    answer(run, {"id": PUB, "code": "my.butt.nz:20000:abc~def", "note": "", "uses": 1})
    return str(invites.Invite.get().id)


def _exported(person: str) -> str:
    export = str(jobs.submit(f"account:{person}", "bots.export", "my")["job"]["id"])
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], f"jid-{run['id']}")
    transfers.deliver("cellar-1", export, io.BytesIO(tar().getvalue()))
    answer(run, {"pub_id": PUB, "sequence": 3})
    carry_out()
    return export


def routes(app: Flask) -> set[str]:
    """Every method and rule of an app."""
    return {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_the_matrix_names_every_route_and_no_other(world: World) -> None:
    assert routes(world.app) - set(MATRIX) == set(), "name who may do what at these routes"
    assert set(MATRIX) - routes(world.app) == set(), "these routes are no more"
    assert set(ASKED) <= set(MATRIX)


@pytest.mark.parametrize("route", list(MATRIX))
def test_each_person_gets_what_the_matrix_says(world: World, route: str) -> None:
    got = tuple(world.ask(route, person) for person in PEOPLE)
    assert dict(zip(PEOPLE, got, strict=True)) == dict(zip(PEOPLE, MATRIX[route], strict=True))


def test_no_two_routes_of_the_same_method_stand_at_one_address(world: World) -> None:
    seen: list[str] = []
    for rule in world.app.url_map.iter_rules():
        shape = "/".join("<>" if part.startswith("<") else part for part in rule.rule.split("/"))
        seen += [f"{method} {shape}" for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}]
    assert sorted(seen) == sorted(set(seen))


def test_a_route_that_nobody_named_is_seen(world: World) -> None:
    other = Flask("other")
    other.add_url_rule("/secret/<id>", "secret", lambda id: id)
    assert "GET /secret/<id>" in routes(other) - set(MATRIX)

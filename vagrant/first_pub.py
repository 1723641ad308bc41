"""Makes the first account and its first bot, and says what a newcomer needs to know about them.

up.sh runs this with the settings in the environment. It may be stopped at any point, and run again. It talks to the
service as the runners do.
"""

import os
import secrets
import sys
from pathlib import Path
from typing import Any

from pillar_service.core.errors import SaltcellarError
from pillar_service.master.client import Client
from pillar_service.master.following import finished
from pillar_service.node.disk import write_atomically

Bot = dict[str, Any]

CELLAR = Path(os.environ["CELLAR_DIR"])
EMAIL, BOT, NODE = (os.environ[f"CELLAR_{name}"] for name in ("ACCOUNT", "BOT", "NODE"))
PAGES = f"http://127.0.0.1:{os.environ['CELLAR_PUBLIC_PORT']}"
SECRETS = CELLAR / "secrets"
PASSWORD, FIRST, WELCOME = SECRETS / "password", SECRETS / "first-bot", SECRETS / "welcome"
"""Files with the account's password, the first bot's id once it was asked for, and the text that was printed last."""


def kept(file: Path) -> str:
    """The text of a file, or an empty text if there is no file."""
    return file.read_text().strip() if file.exists() else ""


def keep(file: Path, text: str) -> str:
    """Write a line to a file that only root can read, whole or not at all; returns the line."""
    write_atomically(file, f"{text}\n".encode())
    return text


def first_account(service: Client) -> str:
    """Make the first account if it is missing; returns its password, or how to get a new one if it is not kept here.

    The password is written to its file before the account is made.
    """
    password = kept(PASSWORD)
    if not service.agents(type="person", email=EMAIL):
        password = password or keep(PASSWORD, secrets.token_urlsafe(12))
        service.create_agent({"type": "person", "email": EMAIL, "password": password})
    return (
        password or f"(no password in {PASSWORD}: choose another at {PAGES}/forgotten; {PAGES}/mailbox shows its mail)"
    )


def began() -> float:
    """When this node's minion or engine was last started (Unix seconds): older reports say nothing about now."""
    files = (CELLAR / "run" / f"{name}.began" for name in ("minion", "dockerd"))
    return max((file.stat().st_mtime for file in files if file.exists()), default=0.0)


def is_asleep(bot: Bot, since: float) -> bool:
    """Whether this machine should run the bot, but no report since ``since`` (Unix seconds) says that it is alive."""
    lives = bot["actual"] == "alive" and (bot["reported_at"] or 0.0) >= since
    # A service that was not upgraded yet sends no "effective".
    return bot["node"] == NODE and bot.get("effective", bot["desired"]) == "running" and not lives


def first_bot(service: Client, there: dict[str, Bot]) -> tuple[str, list[dict[str, Any]]]:
    """The first bot's id, and the job that pours it if it is missing. A deleted bot is not poured again (empty id)."""
    if BOT in there:
        first = keep(FIRST, there[BOT]["id"])
        return "" if there[BOT]["desired"] == "absent" else first, []
    if kept(FIRST):
        return "", []
    made = service.create_agent({"type": "bot", "name": BOT, "account": EMAIL})
    return keep(FIRST, made["agent"]["id"]), [made["job"]]


def pour(service: Client) -> tuple[str, str]:
    """Pour the first bot, and start all others that should run here; returns the first one's id, and what was done."""
    there, since = {bot["name"]: bot for bot in service.agents(type="bot")}, began()
    first, jobs = first_bot(service, there)
    done = [f"poured {BOT}"] if jobs else []
    for name, bot in there.items():
        if is_asleep(bot, since):
            jobs.append(service.change_agent(bot["id"], {"desired": "running"})["job"])
            done.append(f"started {name}")
    for job in jobs:
        finished(service, job)
    return first, ", ".join(done)


def invite(service: Client, bot: Bot) -> str:
    """The code of the bot's first invite, which is made once, while the bot runs."""
    file = SECRETS / f"invite-{bot['id']}"
    if kept(file) or bot["actual"] != "alive":
        return kept(file) or f"(none yet: {BOT} was not running)"
    job = service.submit("bots.invite", bot["id"], {"uses": 1, "note": "the first one"})
    return keep(file, finished(service, job)["result"]["code"])


def about(bot: Bot, code: str) -> str:
    """What `make up` says about the first bot."""
    return (
        f"  pub      {bot['pub_id']}\n"
        f"  invite   {code}\n\n"
        f"For the invite to work, {bot['host']} must lead to this machine, port {bot['port']}\n"
        "(by DNS, or by a line in /etc/hosts for a try).\n"
    )


def welcome(state: str, password: str, pub: str) -> str:
    """What `make up` prints at its end."""
    return (
        f"{state}.\n\n"
        f"  page     {PAGES}/\n"
        f"  sign in  {EMAIL}  {password}\n"
        f"{pub}"
        "make status shows each process and bot; make logs, make down, make clean do what they say.\n"
    )


def gone() -> tuple[str, str]:
    """The state, and how to pour another bot, if the first bot was deleted."""
    again = f"{Path(sys.executable).parent}/salt-run -c {CELLAR}/etc/salt bots.create NAME account={EMAIL}"
    return f"The first bot, {BOT}, was deleted, and stays deleted", f"\nTo pour another: {again}\n"


def main() -> int:
    """Do all of this; prints one line, or the reason why not."""
    service = Client(
        f"http://127.0.0.1:{os.environ['CELLAR_PRIVATE_PORT']}", str(SECRETS / "master-token"), actor="make up"
    )
    try:
        password = first_account(service)
        first, done = pour(service)
        state, pub = gone()
        if first:
            bot = service.agent(first)
            state, pub = f"{bot['host']} is #{bot['actual']}", about(bot, invite(service, bot))
    except SaltcellarError as error:
        print(error.sentence)
        return 1
    keep(WELCOME, welcome(state, password, pub).rstrip("\n"))
    print(f"{done or 'nothing to do'}: {state}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

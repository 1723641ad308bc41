"""The first account and its first bot, alive, and what a newcomer needs to know about them.

Run by up.sh with the settings in the environment; does everything as an operator would: through salt-run.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

CELLAR = Path(os.environ["CELLAR_DIR"])
EMAIL, BOT = os.environ["CELLAR_ACCOUNT"], os.environ["CELLAR_BOT"]
WELCOME = CELLAR / "secrets" / "welcome"
SALT_RUN = [str(Path(sys.executable).parent / "salt-run"), "-c", str(CELLAR / "etc" / "salt"), "--out=json"]


class Refused(Exception):
    """salt-run said no; the message is its sentence."""


def salt_run(function: str, *arguments: str) -> Any:
    """What a runner returns; raises Refused with its sentence when it failed."""
    done = subprocess.run([*SALT_RUN, function, *arguments], capture_output=True, text=True, check=False)  # noqa: S603
    sys.stderr.write(done.stderr)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        raise Refused(done.stderr.strip() or done.stdout.strip() or f"{function} gave no answer") from None
    if done.returncode:
        raise Refused(answer.get("error", str(answer)) if isinstance(answer, dict) else str(answer))
    return answer


def first_account() -> str:
    """The account's password, made once and kept where only root reads it."""
    kept = CELLAR / "secrets" / "password"
    if not kept.exists():
        kept.write_text(salt_run("accounts.create", EMAIL)["password"] + "\n")
    return kept.read_text().strip()


def pour(bots: dict[str, dict[str, Any]]) -> str:
    """Bring the first bot, and each other that should run, to life; returns what was done."""
    done = []
    if BOT not in bots:
        salt_run("bots.create", BOT, f"account={EMAIL}")
        done.append(f"poured {BOT}")
    for name, bot in bots.items():
        if bot["desired"] == "running" and bot["actual"] != "alive":
            salt_run("bots.start", name)
            done.append(f"started {name}")
    return ", ".join(done)


def first_invite() -> str:
    """The first invite's code, made once."""
    kept = CELLAR / "secrets" / "invite"
    if not kept.exists():
        kept.write_text(salt_run("bots.invite", BOT, "note=the first one")["code"] + "\n")
    return kept.read_text().strip()


def welcome(bot: dict[str, Any], password: str, invite: str) -> str:
    """What `make up` prints at its end."""
    port = os.environ["CELLAR_PUBLIC_PORT"]
    return (
        f"{bot['host']} is #{bot['actual']}.\n\n"
        f"  page     http://127.0.0.1:{port}/\n"
        f"  sign in  {EMAIL}  {password}\n"
        f"  pub      {bot['pub_id']}\n"
        f"  invite   {invite}\n\n"
        f"For the invite to work, {bot['host']} must lead to this machine, port {bot['port']}\n"
        "(by DNS, or by a line in /etc/hosts for a try).\n"
        "make status shows each process and bot; make logs, make down, make clean do what they say.\n"
    )


def main() -> int:
    """Do all of it; prints one line, or the reason."""
    try:
        password = first_account()
        done = pour({bot["name"]: bot for bot in salt_run("bots.list")})
        invite = first_invite()
        bot = salt_run("bots.show", BOT)
    except Refused as refused:
        print(refused)
        return 1
    WELCOME.write_text(welcome(bot, password, invite))
    print(f"{done or bot['host'] + ' was there already'}: {bot['host']} #{bot['actual']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The fake Slack of the tests as a process, and a desk: a page on which one reads and writes in its one channel.

What people would do in Slack's own client is done here as Olga or as Ben: write to the bot, and press its buttons.
"""

import os
from typing import Any

from cast import BEN_THERE, OLGA_THERE, PAGES, TEAM
from fakes.slack import Slack
from fakes.slack.people import User, label_of, readable
from fakes.slack.rules import interactive
from flask import Flask, abort, redirect, render_template, request
from werkzeug.wrappers import Response

CHANNEL = "C1"
PEOPLE = {OLGA_THERE: "Olga", BEN_THERE: "Ben"}
PORT = int(os.environ["CELLAR_DESK_PORT"])


class Desk:
    """The pages on that Slack."""

    def __init__(self, slack: Slack) -> None:
        self.slack = slack
        for id in PEOPLE:
            slack.user(f"{TEAM}/{id}")

    def desk(self) -> str:
        """The channel in a frame, and where one writes."""
        return render_template("desk.html", people=PEOPLE)

    def channel(self) -> str:
        """The channel, read anew each few seconds."""
        return render_template("channel.html", messages=said(self.slack))

    def writes(self) -> Response:
        """Somebody writes to the bot."""
        self._who().mentions(request.form["text"], CHANNEL)
        return redirect("/", 303)

    def presses(self) -> Response:
        """Somebody presses the newest button with that label."""
        self._who().presses(request.form["label"])
        return redirect("/channel", 303)

    def _who(self) -> User:
        who = request.form.get("who", OLGA_THERE)
        return self.slack.user(f"{TEAM}/{who if who in PEOPLE else abort(400)}")


def only_from_here() -> None:
    """Another site in the same browser must not write in Olga's name."""
    if request.host not in (f"127.0.0.1:{PORT}", f"localhost:{PORT}"):
        abort(403)
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        abort(403)


def create_app(slack: Slack) -> Flask:
    """The desk of that Slack."""
    app, desk = Flask(__name__), Desk(slack)
    app.before_request(only_from_here)
    app.get("/")(desk.desk)
    app.get("/channel")(desk.channel)
    app.post("/writes")(desk.writes)
    app.post("/presses")(desk.presses)
    return app


def said(slack: Slack) -> list[dict[str, Any]]:
    """The channel as its people read it, the oldest first."""
    found = slack.user(f"{TEAM}/{OLGA_THERE}").visible()
    return [
        {
            "who": PEOPLE.get(one.get("user", ""), "Mr Meeseeks"),
            "text": _plain(readable(one), slack),
            "buttons": [label_of(part) for part in interactive(one.get("blocks", [])) if part["type"] == "button"],
            "is_reply": bool(one.get("thread_ts")),
        }
        for one in found
    ]


def _plain(text: str, slack: Slack) -> str:
    """Slack's own way to name people, in words."""
    for id, name in {**PEOPLE, slack.bot: "mrmeeseeks"}.items():
        text = text.replace(f"<@{id}>", f"@{name}")
    return text


def main() -> None:
    """Serve both until told to stop."""
    slack = Slack(port=int(os.environ["CELLAR_SLACK_PORT"]))
    slack.workspace.team = TEAM
    slack.delivers_to(f"{PAGES}/slack")
    create_app(slack).run("127.0.0.1", PORT, threaded=True)


if __name__ == "__main__":
    main()

"""The tests' fake Slack as a process, with a desk: a page on which one reads and writes in its only channel.

Here one does as Olga or Ben what people do in Slack's own client: write to the bot, and press its buttons.
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
    """The desk's pages."""

    def __init__(self, slack: Slack) -> None:
        self.slack = slack
        for id in PEOPLE:
            slack.user(f"{TEAM}/{id}")

    def desk(self) -> str:
        """The page: the channel in a frame, and a field to write in."""
        return render_template("desk.html", people=PEOPLE)

    def channel(self) -> str:
        """The channel alone, which reloads every few seconds."""
        return render_template("channel.html", messages=said(self.slack))

    def writes(self) -> Response:
        """Write to the bot as somebody."""
        self._who().mentions(request.form["text"], CHANNEL)
        return redirect("/", 303)

    def presses(self) -> Response:
        """Press the newest button with this label as somebody."""
        self._who().presses(request.form["label"])
        return redirect("/channel", 303)

    def _who(self) -> User:
        who = request.form.get("who", OLGA_THERE)
        return self.slack.user(f"{TEAM}/{who if who in PEOPLE else abort(400)}")


def only_from_here() -> None:
    """Refuse requests of other sites in the same browser: they must not write in Olga's name."""
    if request.host not in (f"127.0.0.1:{PORT}", f"localhost:{PORT}"):
        abort(403)
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        abort(403)


def create_app(slack: Slack) -> Flask:
    """Make the desk's app."""
    app, desk = Flask(__name__), Desk(slack)
    app.before_request(only_from_here)
    app.get("/")(desk.desk)
    app.get("/channel")(desk.channel)
    app.post("/writes")(desk.writes)
    app.post("/presses")(desk.presses)
    return app


def said(slack: Slack) -> list[dict[str, Any]]:
    """The channel's messages as its people read them, the oldest first."""
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
    """Replace Slack's ids of people by their names."""
    for id, name in {**PEOPLE, slack.bot: "mrmeeseeks"}.items():
        text = text.replace(f"<@{id}>", f"@{name}")
    return text


def main() -> None:
    """Serve the fake Slack and the desk until told to stop."""
    slack = Slack(port=int(os.environ["CELLAR_SLACK_PORT"]))
    slack.workspace.team = TEAM
    slack.delivers_to(f"{PAGES}/slack")
    create_app(slack).run("127.0.0.1", PORT, threaded=True)


if __name__ == "__main__":
    main()

"""A conversation in the fake Slack: Olga asks how the nodes are and has a bot restarted; Ben is told why he may not."""

import html
import re

import requests
from cast import BEN_THERE, BOTS, DESK, OLGA_THERE, client, until

PATIENCE_S = 90


def channel() -> str:
    """The text of the channel's page."""
    answer = requests.get(f"{DESK}/channel", timeout=10)
    answer.raise_for_status()
    return " ".join(html.unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", answer.text, flags=re.S)).split())


def does(deed: str, answer: str, **form: str) -> None:
    """Do a deed ("writes" or "presses"), and wait until the channel has the answer once more than before."""
    before = channel().count(answer)
    requests.post(f"{DESK}/{deed}", form, timeout=30).raise_for_status()
    until(lambda: channel().count(answer) > before, PATIENCE_S, f"“{answer}” was said in {DESK}")


def can_run_commands() -> bool:
    """Whether each node has reported what it can run commands with: only then does it get any."""
    return all(node["capacities"].get("has") for node in client().nodes())


def main() -> None:
    """Hold the conversation; each line waits for the answer to the one before."""
    [bot, *_] = BOTS
    until(can_run_commands, PATIENCE_S, "both nodes told what they can run commands with")
    does("writes", "All done!", who=OLGA_THERE, text="disk")
    does("writes", "Yes", who=OLGA_THERE, text=f"restart-bot {bot}")
    does("presses", "All done!", who=OLGA_THERE, label="Yes")
    does("writes", "No role names you", who=BEN_THERE, text=f"restart-bot {bot}")
    print(f"Olga had {bot} restarted, and Ben may not")


if __name__ == "__main__":
    main()

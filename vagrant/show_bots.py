"""Shows the output of `bots.list --out=json`, a line for each bot; exit code 1 unless each is as its node is told."""

import json
import sys

GOOD = {"running": "alive", "stopped": "stopped", "absent": "gone"}


def main() -> int:
    """Read the list from standard input and print it; returns the exit code."""
    try:
        bots = json.load(sys.stdin)
    except ValueError:
        bots = {"error": "bots.list gave no answer: read the master's log with 'make logs'"}
    if not isinstance(bots, list):
        print(f"  {bots.get('error', bots)}")
        return 1
    for bot in bots:
        detail = f"   {bot['detail']}" if bot.get("detail") else ""
        print(f"  {bot['host']:<24} #{bot['actual']:<12} on {bot['node']}, port {bot['port']}{detail}")
    # A service that was not upgraded yet sends no "effective".
    return int(any(bot["actual"] != GOOD[bot.get("effective", bot["desired"])] for bot in bots))


if __name__ == "__main__":
    sys.exit(main())

"""Show what `bots.list --out=json` printed, a line a bot; exit code 1 unless each is as its node is told."""

import json
import sys

GOOD = {"running": "alive", "stopped": "stopped", "absent": "gone"}


def main() -> int:
    """Read the list on standard input, print it, and say by the exit code whether all is well."""
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
    # A service that was not upgraded yet does not tell what the node is told.
    return int(any(bot["actual"] != GOOD[bot.get("effective", bot["desired"])] for bot in bots))


if __name__ == "__main__":
    sys.exit(main())

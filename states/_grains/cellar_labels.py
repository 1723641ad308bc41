"""
Grains: the labels that the service gave this node, as `labels:KEY:VALUE`, so that operators can target by them:
``salt -G 'labels:environment:prd' test.ping``.

They are read from the file that ``states/meeseeks`` writes from the pillar. Nobody believes them: a node can set its own
grains as it likes, so the service chooses nodes by what it keeps itself.
"""

import json
from pathlib import Path

DEFAULT = "/var/lib/saltcellar"


def labels():
    """The labels; none before the state has written them."""
    data = (__opts__.get("saltcellar") or {}).get("data") or DEFAULT
    try:
        read = json.loads((Path(data) / "labels.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return {"labels": read} if isinstance(read, dict) else {}

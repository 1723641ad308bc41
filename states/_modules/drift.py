"""
Drift: where this node is not as it should be; ``salt-run nodes.audit nodes=True`` asks every node.

Setup: ``pip install saltcellar[node]`` into the minion's Python.
"""

try:
    from pillar_service.node import drift as _drift

    MISSING = None
except ImportError as error:
    MISSING = f"drift needs `pip install saltcellar[node]` in the minion's Python ({error})."


def __virtual__():
    return (False, MISSING) if MISSING else "drift"


def look():
    """
    What in the minion's configuration and files is not as it should be (``drift``: about, told, mend), and its versions.

    CLI Example:

    .. code-block:: bash

        salt cellar-1 drift.look
    """
    return _drift.look(__opts__)

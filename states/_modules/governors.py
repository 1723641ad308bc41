"""
Governors: leases that this node takes from the service, which limit how many of its account's nodes do something at once.

While the service is away no lease is granted: whoever needs one waits. A lease ends by itself; its fence only ever grows.

Setup: ``pip install saltcellar[node]`` into the minion's Python; a key ``governors/NAME`` in the account's configuration, which
says how many may hold it. A function that can't do its work raises ``CommandExecutionError`` with one sentence for people.
"""

try:
    from pillar_service.node import told as pillars
    from pillar_service.node.door import Door
    from pillar_service.node.saying import said as _said  # private: Salt offers each public name here

    MISSING = None
except ImportError as error:
    MISSING = f"governors needs `pip install saltcellar[node]` in the minion's Python ({error})."

    def _said(function):
        return function


def __virtual__():
    return (False, MISSING) if MISSING else "governors"


def _door():
    return Door(pillars.told_now(__salt__, __opts__["id"]).service)


@_said
def take(name, holder, seconds=60):
    """
    Take a lease: granted, fence. If the same holder asks again, its lease is renewed.

    CLI Example:

    .. code-block:: bash

        salt cellar-1 governors.take restarts by-hand seconds=60
    """
    told = _door().take(name, holder, seconds)
    __context__["retcode"] = 0 if told.get("granted") else 1
    return told


@_said
def renew(name, holder, fence, seconds=60):
    """
    Renew a lease; one that is over can't be renewed.

    CLI Example:

    .. code-block:: bash

        salt cellar-1 governors.renew restarts by-hand 7 seconds=60
    """
    return _door().renew(name, holder, fence, seconds)


@_said
def release(name, holder, fence):
    """
    Give a lease back.

    CLI Example:

    .. code-block:: bash

        salt cellar-1 governors.release restarts by-hand 7
    """
    _door().release(name, holder, fence)
    return True

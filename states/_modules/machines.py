"""
The machines of this node: state machines in YAML that it runs by itself (``docs/machines.md``).

Setup: ``pip install saltcellar[node]`` into the minion's Python; ``saltcellar: {data: DIRECTORY}`` in the minion's
configuration (default ``/var/lib/saltcellar``); its folder ``machines`` holds this node's own machines.
"""

try:
    from pillar_service.node import paths
    from pillar_service.node.machines import asking
    from pillar_service.node.saying import said as _said  # private: Salt offers each public name here

    MISSING = None
except ImportError as error:
    MISSING = f"machines needs `pip install saltcellar[node]` in the minion's Python ({error})."

    def _said(function):
        return function


__func_alias__ = {"list_": "list"}


def __virtual__():
    return (False, MISSING) if MISSING else "machines"


def _home():
    return paths.Home.at(__salt__["config.get"]("saltcellar:data"))


@_said
def list_():
    """
    Every machine of this node: what it is about, its file, the state of each instance, and the file's fault if it has one.

    CLI Example:

    .. code-block:: bash

        salt '*' machines.list
    """
    return asking.listed(_home())


@_said
def show(machine):
    """
    One machine: its states, events and watchers, and what each instance remembers.

    CLI Example:

    .. code-block:: bash

        salt cellar-1 machines.show pub-healer
    """
    return asking.show(_home(), machine)


@_said
def history(machine, subject=None, last=20):
    """
    What a machine did, newest first, for each of its instances or for one (``subject``: a bot's id, or the node's).

    CLI Example:

    .. code-block:: bash

        salt cellar-1 machines.history pub-healer last=50
    """
    return asking.history(_home(), machine, subject, last)


@_said
def fire(machine, event, subject=None):
    """
    Have a machine take an event shortly: each of its instances, or just one (``subject``: a bot's id, or the node's).

    CLI Example:

    .. code-block:: bash

        salt cellar-1 machines.fire pub-healer reset 9e0f1f3a9c2e5b7d
    """
    return asking.fire(_home(), machine, event, subject)

"""
The configuration of this node's account: keys with JSON values, which machines on this node use.

Reading uses the copy on this node, which is there even while the service is away. Changes are made at the service, and come
back through the pillar within two seconds.

Setup: ``pip install saltcellar[node]`` into the minion's Python; ``saltcellar: {data: DIRECTORY}`` in the minion's
configuration (default ``/var/lib/saltcellar``). A function that can't do its work raises ``CommandExecutionError`` with
one sentence for people.
"""

try:
    from pillar_service.node import configuration, paths
    from pillar_service.node import told as pillars
    from pillar_service.node.saying import said as _said  # private: Salt offers each public name here

    MISSING = None
except ImportError as error:
    MISSING = f"configuration needs `pip install saltcellar[node]` in the minion's Python ({error})."

    def _said(function):
        return function


__func_alias__ = {"list_": "list", "set_": "set"}


def __virtual__():
    return (False, MISSING) if MISSING else "configuration"


def _here():
    return configuration.Configuration(paths.Home.at(__salt__["config.get"]("saltcellar:data")))


def _told():
    return pillars.told_now(__salt__, __opts__["id"])


@_said
def take():
    """
    Take over the configuration that is in the pillar now; returns the keys that have changed.

    CLI Example:

    .. code-block:: bash

        salt '*' configuration.take
    """
    return _here().take(_told)


def list_():
    """
    Every key with its value and revision, as this node has it.

    CLI Example:

    .. code-block:: bash

        salt cellar-1 configuration.list
    """
    return _here().all()


@_said
def get(key):
    """
    The value of a key, as this node has it.

    CLI Example:

    .. code-block:: bash

        salt cellar-1 configuration.get pub/restart-after
    """
    return _here().get(key)


@_said
def set_(key, value, revision=None):
    """
    Set a key at the service, for all nodes of the account; returns it. With ``revision``, only if the key has that revision.

    CLI Example:

    .. code-block:: bash

        salt cellar-1 configuration.set pub/restart-after '{"seconds": 60}'
    """
    return configuration.change(_told(), key, value, revision)


@_said
def delete(key, revision=None):
    """
    Delete a key at the service. With ``revision``, only if the key has that revision.

    CLI Example:

    .. code-block:: bash

        salt cellar-1 configuration.delete pub/restart-after
    """
    configuration.delete(_told(), key, revision)
    return True

"""
Operate nodes: the machines that bots and commands run on.

What failed is returned as ``{"error": …, "retcode": 1}``, and salt-run exits with 1.

:depends: the ``saltcellar`` package, and ``saltcellar: {url, token_file}`` in the master's configuration
"""

from pillar_service.core.errors import NotFound
from pillar_service.master import runners

__func_alias__ = {"list_": "list"}


def list_():
    """
    Every node, with its labels, what it has to run commands with, and what it last told.

    CLI Example:

    .. code-block:: bash

        salt-run nodes.list --out=json
    """
    return runners.answer(__opts__, lambda service: service.nodes())


def show(node):
    """
    One node.

    CLI Example:

    .. code-block:: bash

        salt-run nodes.show cellar-1
    """
    return runners.answer(__opts__, lambda service: _found(service, node))


def label(node, *remove, **labels):
    """
    Set labels of a node; a name alone takes that label off. Returns the node.

    Selectors of commands and roles go by these labels, and a node's grains ``labels:…`` follow them.

    CLI Example:

    .. code-block:: bash

        salt-run nodes.label cellar-1 environment=prd app=pub
        salt-run nodes.label cellar-1 gpu
    """
    given = {name: runners.text(value) for name, value in labels.items() if not name.startswith("__")}

    def ask(service):
        known = _found(service, node)["labels"]
        kept = {name: value for name, value in known.items() if name not in remove}
        return service.label(runners.text(node), kept | given)

    return runners.answer(__opts__, ask)


def _found(service, node):
    for known in service.nodes():
        if known["id"] == runners.text(node):
            return known
    raise NotFound(f"There is no node {node}.")

"""
Operate nodes: the machines that bots and commands run on. The files ``nodes_*.py`` are part of the same runner.

A failure is returned as ``{"error": …, "retcode": 1}``, and salt-run exits with 1.

:depends: the ``saltcellar`` package, and ``saltcellar: {url, token_file}`` in the master's configuration
"""

from pillar_service.master import drift, node_keys, runners

__func_alias__ = {"list_": "list"}


@runners.asked
def list_():
    """
    All nodes, with their labels, what they can run commands with (``capacities``), and when they were last heard of.

    CLI Example: ``salt-run nodes.list --out=json``
    """
    return runners.answer(__opts__, lambda service: service.nodes())


@runners.asked
def show(node):
    """
    One node.

    CLI Example: ``salt-run nodes.show cellar-1``
    """
    return runners.answer(__opts__, lambda service: node_keys.found(service, runners.text(node)))


@runners.asked
def facts(node):
    """
    What a node reported of itself: its ``facts``, and their newest ``changes``, newest first.

    CLI Example: ``salt-run nodes.facts cellar-1 --out=json``
    """
    return runners.answer(__opts__, lambda service: service.facts(runners.text(node)))


@runners.asked
def audit(nodes=False):
    """
    Where this master is not as it should be: ``drift``, a list of what is wrong (``about``, ``told``) and what mends it
    (``mend``). Exits with 1 if there is any.

    It compares the configuration with what is shipped, checks who may read and change the master's files, and compares
    Salt's keys with the service's.

    nodes
        If True, also ask each node for drift of its configuration, files and versions; a node that does not answer is drift.

    CLI Example::

        salt-run nodes.audit
        salt-run nodes.audit nodes=True --out=json
    """
    return runners.answer(__opts__, lambda service: drift.found(__opts__, service, nodes is True))


@runners.asked
def label(node, *more, **labels):
    """
    Set labels of a node; a name alone removes that label. Returns the node.

    Selectors of commands and roles use these labels, and the node's grains ``labels:…`` follow them.

    CLI Example::

        salt-run nodes.label cellar-1 environment=prd app=pub
        salt-run nodes.label cellar-1 butt.nz/rack=r1
        salt-run nodes.label cellar-1 gpu
    """

    def ask(service):
        given, taken_off = runners.labels(more, labels)
        known = node_keys.found(service, runners.text(node))["labels"]
        kept = {name: value for name, value in known.items() if name not in taken_off}
        return service.label(runners.text(node), kept | given)

    return runners.answer(__opts__, ask)


@runners.asked
def share(node, sharing, *emails):
    """
    Set whose bots a node takes: ``own`` (its account's; for the place's own nodes: nobody's), ``named`` (also those of the
    accounts with these e-mail addresses, if they choose the node), or ``all``. Returns the node. Bots that it has stay.

    Whoever has root on a node can read its bots' secrets: share a node with all only if you answer for it.

    CLI Example::

        salt-run nodes.share shed.f67b76a543a7a349 named bob@example.org
        salt-run nodes.share cellar-1 all
    """
    whom = (runners.text(one) for one in emails)
    return runners.answer(
        __opts__, lambda service: service.share(runners.text(node), runners.text(sharing), list(whom))
    )


@runners.asked
def limit(node, bots=None):
    """
    Set how many bots a node has at most; without a number, as many as its ports, processors, memory and disk allow.

    Returns the node. Bots that it has stay.

    CLI Example: ``salt-run nodes.limit shed.f67b76a543a7a349 4``
    """
    return runners.answer(__opts__, lambda service: service.limit(runners.text(node), bots))


@runners.asked
def drain(node):
    """
    Let a node take no new bots, and move its bots to other nodes, one by one, each under its identity.

    Each bot is stopped and packed, and brought to life elsewhere only once the node has confirmed that it is gone. The service
    goes on by itself; run this again to retry the bots that stayed. Returns ``moves``, and the bots that are ``left``, each
    with the reason; ``nodes.draining`` shows the same later.

    CLI Example: ``salt-run nodes.drain cellar-1``
    """
    return runners.answer(__opts__, lambda service: service.drain(runners.text(node)))


@runners.asked
def undrain(node):
    """
    Let a node take new bots again. Moves under way go on, and bots that have moved stay where they are.

    CLI Example: ``salt-run nodes.undrain cellar-1``
    """
    return runners.answer(__opts__, lambda service: service.undrain(runners.text(node)))


@runners.asked
def draining(node):
    """
    How far a node is drained: ``moves``, and the bots that are ``left``, each with the reason.

    CLI Example: ``salt-run nodes.draining cellar-1 --out=json``
    """
    return runners.answer(__opts__, lambda service: service.draining(runners.text(node)))


@runners.asked
def lost(node, anyway=False):
    """
    Declare a node lost, because its disk or machine is gone: it is cut off, its bots show ``lost`` and can be restored
    elsewhere (``bots.restore``). Returns the node.

    Do this only if the node never runs its bots again: if it starts the container of a bot that was restored, the bot's
    identity forks, and nothing mends that. A node heard of within the last five minutes needs ``anyway=True``.

    CLI Example: ``salt-run nodes.lost cellar-1``
    """
    return runners.answer(__opts__, lambda service: service.lose(runners.text(node), anyway is True))


@runners.asked
def forget(node):
    """
    Forget a node that is cut off, lost or retired, and has no bots, so that no list shows it. Returns the node as it was.

    A token may let its machine in again, with another key.

    CLI Example: ``salt-run nodes.forget shed.f67b76a543a7a349``
    """
    return runners.answer(__opts__, lambda service: service.forget_node(runners.text(node)))

"""
Operate nodes: the machines that bots and commands run on. Salt takes ``nodes_*.py`` for the same runner.

What failed is returned as ``{"error": …, "retcode": 1}``, and salt-run exits with 1.

:depends: the ``saltcellar`` package, and ``saltcellar: {url, token_file}`` in the master's configuration
"""

from pillar_service.master import drift, node_keys, runners

__func_alias__ = {"list_": "list"}


@runners.asked
def list_():
    """
    Every node, with its labels, what it has to run commands with, and what it last told.

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
    What a node told of itself: ``facts``, and the newest ``changes`` of them, the last first.

    CLI Example: ``salt-run nodes.facts cellar-1 --out=json``
    """
    return runners.answer(__opts__, lambda service: service.facts(runners.text(node)))


@runners.asked
def audit(nodes=False):
    """
    Where this master is not what it should be: ``drift``, a list of what is wrong (``about``, ``told``) and what mends it
    (``mend``). Exits with 1 if there is any.

    It compares the configuration with what is shipped, looks who may read and change the master's files, and compares
    Salt's keys with the service's.

    nodes
        Ask each node, too, for its own configuration, files and versions; one that does not answer is drift.

    CLI Example::

        salt-run nodes.audit
        salt-run nodes.audit nodes=True --out=json
    """
    return runners.answer(__opts__, lambda service: drift.found(__opts__, service, nodes is True))


@runners.asked
def label(node, *more, **labels):
    """
    Set labels of a node; a name alone takes that label off. Returns the node.

    Selectors of commands and roles go by these labels, and a node's grains ``labels:…`` follow them.

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
    Say whose bots a node takes: ``own`` (its account's; of the place's own nodes: nobody's), ``named`` (also those of the
    accounts with these e-mail addresses, where they choose it), or ``all``. Returns it. Bots that are there stay.

    Whoever has root on a node can read its bots' secrets: only share with all what you answer for.

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
    Say how many bots a node has at most; without a number as many as it has ports, and its processors, memory and disk
    carry. Returns it. Bots that are there stay.

    CLI Example: ``salt-run nodes.limit shed.f67b76a543a7a349 4``
    """
    return runners.answer(__opts__, lambda service: service.limit(runners.text(node), bots))


@runners.asked
def drain(node):
    """
    Let a node take no new bot, and its bots go to other nodes, one by one, each under its identity: stopped, packed, gone from
    here by the node's own word, only then brought to life elsewhere. Goes on by itself; asked again, bots that stayed are
    tried again. Returns ``moves``, and the bots that are ``left`` with why; ``nodes.draining`` tells it later.

    CLI Example: ``salt-run nodes.drain cellar-1``
    """
    return runners.answer(__opts__, lambda service: service.drain(runners.text(node)))


@runners.asked
def undrain(node):
    """
    Let a node take new bots again. What is on its way goes on, what has moved stays where it is.

    CLI Example: ``salt-run nodes.undrain cellar-1``
    """
    return runners.answer(__opts__, lambda service: service.undrain(runners.text(node)))


@runners.asked
def draining(node):
    """
    How the draining of a node stands: ``moves``, and the bots that are ``left`` with why.

    CLI Example: ``salt-run nodes.draining cellar-1 --out=json``
    """
    return runners.answer(__opts__, lambda service: service.draining(runners.text(node)))


@runners.asked
def lost(node, anyway=False):
    """
    Declare a node lost, whose disk or machine is gone: it is cut off, its bots show ``lost`` and can be restored elsewhere
    (``bots.restore``). Returns it.

    Only where it never runs its bots again: should it start a container of a bot that was restored, that identity forks, and
    nothing mends that. ``anyway=True`` for one that was heard of within the last five minutes.

    CLI Example: ``salt-run nodes.lost cellar-1``
    """
    return runners.answer(__opts__, lambda service: service.lose(runners.text(node), anyway is True))


@runners.asked
def forget(node):
    """
    Forget a node that is cut off, lost or retired, and on which no bots stand: no list shows it any more. A token may let its
    machine in again, with another key. Returns what it was.

    CLI Example: ``salt-run nodes.forget shed.f67b76a543a7a349``
    """
    return runners.answer(__opts__, lambda service: service.forget_node(runners.text(node)))

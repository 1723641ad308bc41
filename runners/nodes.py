"""
Operate nodes: the machines that bots and commands run on.

What failed is returned as ``{"error": …, "retcode": 1}``, and salt-run exits with 1.

:depends: the ``saltcellar`` package, and ``saltcellar: {url, token_file}`` in the master's configuration
"""

from pillar_service.master import drift, enrolling, node_keys, ordering, packing, runners

__func_alias__ = {"list_": "list"}


def list_():
    """
    Every node, with its labels, what it has to run commands with, and what it last told.

    CLI Example: ``salt-run nodes.list --out=json``
    """
    return runners.answer(__opts__, lambda service: service.nodes())


def show(node):
    """
    One node.

    CLI Example: ``salt-run nodes.show cellar-1``
    """
    return runners.answer(__opts__, lambda service: node_keys.found(service, runners.text(node)))


def facts(node):
    """
    What a node told of itself: ``facts``, and the newest ``changes`` of them, the last first.

    CLI Example: ``salt-run nodes.facts cellar-1 --out=json``
    """
    return runners.answer(__opts__, lambda service: service.facts(runners.text(node)))


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


def label(node, *remove, **labels):
    """
    Set labels of a node; a name alone takes that label off. Returns the node.

    Selectors of commands and roles go by these labels, and a node's grains ``labels:…`` follow them.

    CLI Example::

        salt-run nodes.label cellar-1 environment=prd app=pub
        salt-run nodes.label cellar-1 gpu
    """

    def ask(service):
        given = runners.keywords(labels)
        known = node_keys.found(service, runners.text(node))["labels"]
        kept = {name: value for name, value in known.items() if name not in remove}
        return service.label(runners.text(node), kept | given)

    return runners.answer(__opts__, ask)


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


def limit(node, bots=None):
    """
    Say how many bots a node has at most; without a number as many as it has ports, and its processors, memory and disk
    carry. Returns it. Bots that are there stay.

    CLI Example: ``salt-run nodes.limit shed.f67b76a543a7a349 4``
    """
    return runners.answer(__opts__, lambda service: service.limit(runners.text(node), bots))


def drain(node):
    """
    Let a node take no new bot, and its bots go to other nodes, one by one, each under its identity: stopped, packed, gone from
    here by the node's own word, only then brought to life elsewhere. Goes on by itself; asked again, bots that stayed are
    tried again. Returns ``moves``, and the bots that are ``left`` with why; ``nodes.draining`` tells it later.

    CLI Example: ``salt-run nodes.drain cellar-1``
    """
    return runners.answer(__opts__, lambda service: service.drain(runners.text(node)))


def undrain(node):
    """
    Let a node take new bots again. What is on its way goes on, what has moved stays where it is.

    CLI Example: ``salt-run nodes.undrain cellar-1``
    """
    return runners.answer(__opts__, lambda service: service.undrain(runners.text(node)))


def draining(node):
    """
    How the draining of a node stands: ``moves``, and the bots that are ``left`` with why.

    CLI Example: ``salt-run nodes.draining cellar-1 --out=json``
    """
    return runners.answer(__opts__, lambda service: service.draining(runners.text(node)))


def lost(node, anyway=False):
    """
    Declare a node lost, whose disk or machine is gone: it is cut off, its bots show ``lost`` and can be restored elsewhere
    (``bots.restore``). Returns it.

    Only where it never runs its bots again: should it start a container of a bot that was restored, that identity forks, and
    nothing mends that. ``anyway=True`` for one that was heard of within the last five minutes.

    CLI Example:

    .. code-block:: bash

        salt-run nodes.lost cellar-1
    """
    return runners.answer(__opts__, lambda service: service.lose(runners.text(node), anyway is True))


def upgrade(selector="", waves="1,10%,rest", deadline="30m", version=None):
    """
    Let enrolled nodes become the version that the service hands out, by themselves, in waves: the nodes that the selector
    means (without one: all) are asked wave after wave. The next wave begins when each node of this one has said that it is
    the version and lives; one that fails, or is not there before the deadline, stops it. Returns it, with who is left out
    and why; goes on by itself.

    ``waves``: numbers, shares of all, and ``rest``; ``version``: refuse if the service's is another.

    CLI Example::

        salt-run nodes.upgrade environment=prd
        salt-run nodes.upgrade selector='site=shed,!gpu' waves=1,25%,rest deadline=1h
    """
    told = {"selector": selector, "waves": str(waves), "deadline": deadline, "version": version}
    return runners.answer(__opts__, lambda service: service.upgrade_nodes(told))


def upgrades(id=None):
    """
    The newest upgrades of nodes, or one of them with each of its nodes.

    CLI Example::

        salt-run nodes.upgrades
        salt-run nodes.upgrades 5d0c0f3f3f0b8c2e
    """
    return runners.answer(
        __opts__, lambda service: service.upgrades() if id is None else service.upgrade_of_nodes(runners.text(id))
    )


def resume_upgrade(id):
    """
    Go on with an upgrade that stopped: the nodes of its wave that are not through are asked again. Returns it.

    CLI Example: ``salt-run nodes.resume_upgrade 5d0c0f3f3f0b8c2e``
    """
    return runners.answer(__opts__, lambda service: service.resume_upgrade(runners.text(id)))


def cancel_upgrade(id):
    """
    End an upgrade. Nodes that are the version already stay so. Returns it.

    CLI Example: ``salt-run nodes.cancel_upgrade 5d0c0f3f3f0b8c2e``
    """
    return runners.answer(__opts__, lambda service: service.cancel_upgrade(runners.text(id)))


def token(account=None, uses=1, life="1h", pattern="*", replaces=False, **labels):
    """
    Make a token that lets machines in as nodes of an account (id or address), without one as the place's own. Returns it
    with its ``secret``, which is told this once, and the line to paste on the machine.

    ``uses``: how many machines it lets in; ``life``: how long it is good ('30m', '2h', '1d'); ``pattern``: what these nodes
    may be called ('shed-*'); ``replaces``: it may also give a node that is there another key, whose disk was lost. Any other
    keyword is a label of these nodes.

    CLI Example::

        salt-run nodes.token account=ann@example.org environment=prd
        salt-run nodes.token account=ann@example.org pattern=shed replaces=True
    """
    told = {"uses": uses, "life": life, "replaces": replaces}

    def ask(service):
        told["account"] = None if account is None else runners.text(account)
        told["pattern"], told["labels"] = runners.text(pattern), runners.keywords(labels)
        return service.enrolment_token(told)

    return runners.answer(__opts__, ask)


def enrol(
    host,
    account=None,
    name=None,
    user="root",
    port=22,
    identity=None,
    known_hosts=None,
    fingerprint=None,
    wait=900,
    **labels,
):
    """
    Make a machine that is there a node, over SSH: the service's own ``enrol.sh`` runs on it, as root or by ``sudo -n``, with a
    token for this once. Shows how it goes, waits until the service has heard of it; returns ``node``, whether anything
    ``changed``, and what is to be ``said``. A machine that is a node already stays as it is. ``account`` (id or address),
    ``name`` and any other keyword (a label) are as with ``nodes.token``.

    ``identity`` is a file with a key, without one the agent's keys are tried. The host key must be known: from ``known_hosts``
    (a file; else that of who asks), or by its ``fingerprint``. ``wait``: for so many seconds at most.

    CLI Example::

        salt-run nodes.enrol shed.example.org account=ann@example.org name=shed user=admin identity=/root/.ssh/id_ed25519
        salt-run nodes.enrol 192.0.2.7 fingerprint=SHA256:DU2rxQ6YCpTCuWVmIZYQvZMX1pGxCYxbbWsMsGmA1Mg
    """
    way = {"address": host, "user": user, "port": port, "identity": identity}
    way |= {"known_hosts": known_hosts, "fingerprint": fingerprint}
    told = {"account": account, "name": name, "labels": labels}
    return runners.answer(__opts__, lambda service: enrolling.asked(service, way, told, wait))


def tokens():
    """
    The newest tokens that let machines in, without their secrets.

    CLI Example: ``salt-run nodes.tokens --out=json``
    """
    return runners.answer(__opts__, lambda service: service.enrolment_tokens())


def revoke_token(token):
    """
    End a token, by the id that ``nodes.tokens`` shows.

    CLI Example: ``salt-run nodes.revoke_token 9e0f1f3a9c2e5b7d``
    """
    return runners.answer(__opts__, lambda service: service.revoke_enrolment_token(runners.text(token)) or True)


def enrolled():
    """
    The nodes whose keys are kept, with whose they are, and how their keys stand.

    CLI Example: ``salt-run nodes.enrolled --out=json``
    """
    return runners.answer(__opts__, node_keys.keys)


def revoke(node):
    """
    Cut a node off: its key is refused from now on, by masters and by the service. It may be enrolled again. Returns it.

    CLI Example: ``salt-run nodes.revoke shed.f67b76a543a7a349``
    """
    return runners.answer(__opts__, lambda service: service.revoke(runners.text(node)))


def forget(node):
    """
    Forget a node that is cut off, lost or retired, and on which no bots stand: no list shows it any more. A token may let its
    machine in again, with another key. Returns what it was.

    CLI Example: ``salt-run nodes.forget shed.f67b76a543a7a349``
    """
    return runners.answer(__opts__, lambda service: service.forget_node(runners.text(node)))


def rotate(node, wait=60):
    """
    Let a node make itself another key, which takes the place of the one it has; waits for so many seconds until it has, and
    returns how its key stands then.

    CLI Example: ``salt-run nodes.rotate shed.f67b76a543a7a349``
    """
    return runners.answer(__opts__, lambda service: node_keys.turned(service, runners.text(node), wait))


def provision(name, account=None, size=None, volume_gb=None, wait=1800, **labels):
    """
    Order a machine with a volume at the service's provider, which becomes the node ``name`` of an account (id or address),
    without one the place's own. Waits for so many seconds until it has; returns its order. Any other keyword is a label.

    CLI Example: ``salt-run nodes.provision rack-1 account=ann@example.org volume_gb=50 environment=prd``
    """
    named = {"name": name, "account": account, "size": size}

    def ask(service):
        told = {word: runners.text(value) for word, value in named.items() if value is not None}
        told |= {"labels": runners.keywords(labels), "volume_gb": volume_gb}
        return ordering.ordered(service, told, wait)

    return runners.answer(__opts__, ask)


def provisioned():
    """
    The machines that were ordered: those that are there or on their way, also half-made ones, then those that are retired.

    CLI Example: ``salt-run nodes.provisioned --out=json``
    """
    return runners.answer(__opts__, lambda service: service.machine_orders())


def retire(machine, with_bots=False, wait=600):
    """
    Cut off a node that was ordered (its id, or its order's), then destroy its machine and volume; waits, returns the order.
    Refused while bots stand on it, unless ``with_bots=True``: their data goes with it. Said again it does no harm.

    CLI Example: ``salt-run nodes.retire rack-1.f67b76a543a7a349``
    """
    return runners.answer(__opts__, lambda service: ordering.retired(service, runners.text(machine), with_bots, wait))


def finish(machine, wait=1800):
    """
    Go on with an order that failed, once what was wrong is mended; a machine that can't enrol any more is replaced.

    CLI Example: ``salt-run nodes.finish 1f2e3d4c5b6a7988``
    """
    return runners.answer(__opts__, lambda service: ordering.finished(service, runners.text(machine), wait))


def publish(directory, account=None, allow=None, deny=None, facts=None, days=90):
    """
    Sign the files of a directory of this master, and offer them to nodes: machines (``machines/NAME.yaml``), beacons
    (``beacons/NAME.py``), checks (``checks/NAME``, programs). Returns the bundle: serial, files, for whom, until when.

    ``account`` (an id): only that account's nodes. ``allow`` and ``deny``: patterns of nodes' ids. ``facts``: grains that
    must fit. Anything wrong in a file is told with its line, and nothing is published. A node runs the newest for it,
    and one of its account's own before any for all; ``warning`` says whom that concerns.

    CLI Example::

        salt-run nodes.publish /srv/bundle
        salt-run nodes.publish /srv/bundle account=9e0f1f3a9c2e5b7d deny='["test-*"]' facts='{os: Debian}' days=30
    """
    told = {"account": account, "allow": allow, "deny": deny, "facts": facts, "days": days}
    return runners.answer(__opts__, lambda service: service.publish(packing.bundle(runners.text(directory), told)))


def bundles():
    """
    The bundles that nodes may still take, the newest first.

    CLI Example: ``salt-run nodes.bundles``
    """
    return runners.answer(__opts__, lambda service: service.bundles())

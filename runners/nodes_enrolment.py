"""
Operate nodes: how machines become nodes, and the nodes' keys.

A failure is returned as ``{"error": …, "retcode": 1}``, and salt-run exits with 1.

:depends: the ``saltcellar`` package, and ``saltcellar: {url, token_file}`` in the master's configuration
"""

from pillar_service.master import enrolling, node_keys, runners

__virtualname__ = "nodes"


def __virtual__():
    return __virtualname__


@runners.asked
def token(account=None, uses=1, life="1h", pattern="*", replaces=False, **labels):
    """
    Make an enrolment token; returns it with its ``secret``, which is shown only now, and the line to paste on the machine.

    ``account`` (id or address) owns the nodes that it makes; without it, they are the place's own. ``uses``: how many machines
    it lets in; ``life``: how long it is valid ('30m', '2h', '1d'); ``pattern``: what these nodes may be called ('shed-*');
    ``replaces``: it may also give an existing node another key, such as one whose disk was lost. Any other keyword is a label
    of these nodes.

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


@runners.asked
def tokens():
    """
    The newest enrolment tokens, without their secrets.

    CLI Example: ``salt-run nodes.tokens --out=json``
    """
    return runners.answer(__opts__, lambda service: service.enrolment_tokens())


@runners.asked
def revoke_token(token):
    """
    Revoke an enrolment token, by the id that ``nodes.tokens`` shows.

    CLI Example: ``salt-run nodes.revoke_token 9e0f1f3a9c2e5b7d``
    """
    return runners.answer(__opts__, lambda service: service.revoke_enrolment_token(runners.text(token)) or True)


@runners.asked
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
    Make an existing machine a node, over SSH: the service's own ``enrol.sh`` runs there, as root or through ``sudo -n``, with
    an enrolment token for only this use.

    Shows progress, and waits for at most ``wait`` seconds until the service has heard of the node. Returns ``node``, whether
    anything ``changed``, and a sentence (``said``). A machine that is a node already stays as it is.

    ``account`` (id or address), ``name`` and labels (any other keyword) are as with ``nodes.token``. ``identity`` is a file
    with a key; without it, the ssh agent's keys are tried. The host key must be known: from the file ``known_hosts`` (without
    it, from the user's own), or by its ``fingerprint``.

    CLI Example::

        salt-run nodes.enrol shed.example.org account=ann@example.org name=shed user=admin identity=/root/.ssh/id_ed25519
        salt-run nodes.enrol 192.0.2.7 fingerprint=SHA256:DU2rxQ6YCpTCuWVmIZYQvZMX1pGxCYxbbWsMsGmA1Mg
    """
    way = {"address": host, "user": user, "port": port, "identity": identity}
    way |= {"known_hosts": known_hosts, "fingerprint": fingerprint}
    told = {"account": account, "name": name, "labels": labels}
    return runners.answer(__opts__, lambda service: enrolling.asked(service, way, told, wait))


@runners.asked
def enrolled():
    """
    The nodes with a known key: each with its account, and its key's state and fingerprint.

    CLI Example: ``salt-run nodes.enrolled --out=json``
    """
    return runners.answer(__opts__, node_keys.keys)


@runners.asked
def revoke(node):
    """
    Cut a node off: masters and the service refuse its key from now on. It may be enrolled again. Returns the node.

    CLI Example: ``salt-run nodes.revoke shed.f67b76a543a7a349``
    """
    return runners.answer(__opts__, lambda service: service.revoke(runners.text(node)))


@runners.asked
def rotate(node, wait=60):
    """
    Make a node replace its key with a new one; waits for at most ``wait`` seconds until it has, and returns the new key's
    state.

    CLI Example: ``salt-run nodes.rotate shed.f67b76a543a7a349``
    """
    return runners.answer(__opts__, lambda service: node_keys.turned(service, runners.text(node), wait))

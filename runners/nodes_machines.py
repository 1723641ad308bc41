"""
Operate nodes: machines ordered from a provider.

A failure is returned as ``{"error": …, "retcode": 1}``, and salt-run exits with 1.

:depends: the ``saltcellar`` package, and ``saltcellar: {url, token_file}`` in the master's configuration
"""

from pillar_service.master import ordering, runners

__virtualname__ = "nodes"


def __virtual__():
    return __virtualname__


@runners.asked
def provision(name, account=None, size=None, volume_gb=None, wait=1800, **labels):
    """
    Order a machine from the service's provider, to become the node ``name``; returns its order.

    ``account`` (id or address) owns the node; without it, it is the place's own. ``size``: the provider's name for the
    machine's size; ``volume_gb``: the size of its volume (0: none). ``wait``: for how many seconds to wait until it is a node.
    Any other keyword is a label.

    CLI Example: ``salt-run nodes.provision rack-1 account=ann@example.org volume_gb=50 environment=prd``
    """
    named = {"name": name, "account": account, "size": size}

    def ask(service):
        told = {word: runners.text(value) for word, value in named.items() if value is not None}
        told |= {"labels": runners.keywords(labels), "volume_gb": volume_gb}
        return ordering.ordered(service, told, wait)

    return runners.answer(__opts__, ask)


@runners.asked
def provisioned():
    """
    The machines that were ordered: first those that exist or are on their way, even half-made ones, then retired ones.

    CLI Example: ``salt-run nodes.provisioned --out=json``
    """
    return runners.answer(__opts__, lambda service: service.machine_orders())


@runners.asked
def retire(machine, with_bots=False, wait=600):
    """
    Cut off an ordered node (its id, or its order's), then destroy its machine and volume; returns the order.

    Refused while the node has bots, unless ``with_bots=True``: their data is destroyed with it. ``wait``: for how many seconds
    to wait until it is gone. Running it again does no harm.

    CLI Example: ``salt-run nodes.retire rack-1.f67b76a543a7a349``
    """
    return runners.answer(__opts__, lambda service: ordering.retired(service, runners.text(machine), with_bots, wait))


@runners.asked
def finish(machine, wait=1800):
    """
    Go on with a failed order, once you have mended what was wrong; a machine that can't enrol is replaced. Returns the order.

    CLI Example: ``salt-run nodes.finish 1f2e3d4c5b6a7988``
    """
    return runners.answer(__opts__, lambda service: ordering.finished(service, runners.text(machine), wait))

"""
Operate nodes: machines that are ordered from a provider.

What failed is returned as ``{"error": …, "retcode": 1}``, and salt-run exits with 1.

:depends: the ``saltcellar`` package, and ``saltcellar: {url, token_file}`` in the master's configuration
"""

from pillar_service.master import ordering, runners

__virtualname__ = "nodes"


def __virtual__():
    return __virtualname__


@runners.asked
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


@runners.asked
def provisioned():
    """
    The machines that were ordered: those that are there or on their way, also half-made ones, then those that are retired.

    CLI Example: ``salt-run nodes.provisioned --out=json``
    """
    return runners.answer(__opts__, lambda service: service.machine_orders())


@runners.asked
def retire(machine, with_bots=False, wait=600):
    """
    Cut off a node that was ordered (its id, or its order's), then destroy its machine and volume; waits, returns the order.
    Refused while bots stand on it, unless ``with_bots=True``: their data goes with it. Said again it does no harm.

    CLI Example: ``salt-run nodes.retire rack-1.f67b76a543a7a349``
    """
    return runners.answer(__opts__, lambda service: ordering.retired(service, runners.text(machine), with_bots, wait))


@runners.asked
def finish(machine, wait=1800):
    """
    Go on with an order that failed, once what was wrong is mended; a machine that can't enrol any more is replaced.

    CLI Example: ``salt-run nodes.finish 1f2e3d4c5b6a7988``
    """
    return runners.answer(__opts__, lambda service: ordering.finished(service, runners.text(machine), wait))

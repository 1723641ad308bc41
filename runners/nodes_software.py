"""
Operate nodes: the version that they run, and the bundles that they are offered.

A failure is returned as ``{"error": …, "retcode": 1}``, and salt-run exits with 1.

:depends: the ``saltcellar`` package, and ``saltcellar: {url, token_file}`` in the master's configuration
"""

from pillar_service.master import packing, runners

__virtualname__ = "nodes"


def __virtual__():
    return __virtualname__


@runners.asked
def upgrade(selector="", waves="1,10%,rest", deadline="30m", version=None, **labels):
    """
    Upgrade enrolled nodes to the version that the service offers, in waves; returns the upgrade, with the nodes that are left
    out and why. The service goes on by itself.

    The nodes that the selector chooses (without one: all) are asked wave after wave, and upgrade themselves. The next wave
    begins when each node of the current one has reported that it runs the version and is well. A node that reports a failure,
    or is not done before the deadline, stops the upgrade.

    ``waves``: numbers, shares of all nodes, and ``rest``; ``version``: refuse if the service offers another. Any other keyword
    is a label that the nodes must have.

    CLI Example::

        salt-run nodes.upgrade environment=prd
        salt-run nodes.upgrade selector='site=shed,!gpu' waves=1,25%,rest deadline=1h
    """
    told = {"waves": str(waves), "deadline": deadline, "version": version}

    def ask(service):
        return service.upgrade_nodes(told | {"selector": runners.selector(selector, labels)})

    return runners.answer(__opts__, ask)


@runners.asked
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


@runners.asked
def resume_upgrade(id):
    """
    Go on with a stopped upgrade: the nodes of its wave that are not done are asked again. Returns the upgrade.

    CLI Example: ``salt-run nodes.resume_upgrade 5d0c0f3f3f0b8c2e``
    """
    return runners.answer(__opts__, lambda service: service.resume_upgrade(runners.text(id)))


@runners.asked
def cancel_upgrade(id):
    """
    End an upgrade. Nodes that run the version already keep it. Returns the upgrade.

    CLI Example: ``salt-run nodes.cancel_upgrade 5d0c0f3f3f0b8c2e``
    """
    return runners.answer(__opts__, lambda service: service.cancel_upgrade(runners.text(id)))


@runners.asked
def publish(directory, account=None, allow=None, deny=None, facts=None, days=90):
    """
    Sign the files of a directory on this master, and offer them to nodes: machines (``machines/NAME.yaml``), beacons
    (``beacons/NAME.py``), checks (``checks/NAME``, programs). Returns the bundle: serial, files, for whom, until when.

    ``account`` (e-mail address or id): only that account's nodes. ``allow`` and ``deny``: patterns of nodes' ids. ``facts``:
    grains that must match. ``days``: for how long it is valid. Any fault in a file is shown with its line, and nothing is
    published. A node runs the newest bundle for it, and its own account's before any for all; ``warning`` says which nodes
    that concerns.

    CLI Example::

        salt-run nodes.publish /srv/bundle
        salt-run nodes.publish /srv/bundle account=demo@example.org deny='["test-*"]' facts='{os: Debian}' days=30
    """
    told = {"account": account, "allow": allow, "deny": deny, "facts": facts, "days": days}
    return runners.answer(__opts__, lambda service: service.publish(packing.bundle(runners.text(directory), told)))


@runners.asked
def bundles():
    """
    The bundles that nodes may still take, newest first.

    CLI Example: ``salt-run nodes.bundles``
    """
    return runners.answer(__opts__, lambda service: service.bundles())

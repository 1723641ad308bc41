"""
Operate nodes: the version that they run, and the files that they are handed.

What failed is returned as ``{"error": …, "retcode": 1}``, and salt-run exits with 1.

:depends: the ``saltcellar`` package, and ``saltcellar: {url, token_file}`` in the master's configuration
"""

from pillar_service.master import packing, runners

__virtualname__ = "nodes"


def __virtual__():
    return __virtualname__


@runners.asked
def upgrade(selector="", waves="1,10%,rest", deadline="30m", version=None, **labels):
    """
    Let enrolled nodes become the version that the service hands out, by themselves, in waves: the nodes that the selector
    means (without one: all) are asked wave after wave. The next wave begins when each node of this one has said that it is
    the version and lives; one that fails, or is not there before the deadline, stops it. Returns it, with who is left out
    and why; goes on by itself.

    ``waves``: numbers, shares of all, and ``rest``; ``version``: refuse if the service's is another. Any other keyword is a
    label that they must have.

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
    Go on with an upgrade that stopped: the nodes of its wave that are not through are asked again. Returns it.

    CLI Example: ``salt-run nodes.resume_upgrade 5d0c0f3f3f0b8c2e``
    """
    return runners.answer(__opts__, lambda service: service.resume_upgrade(runners.text(id)))


@runners.asked
def cancel_upgrade(id):
    """
    End an upgrade. Nodes that are the version already stay so. Returns it.

    CLI Example: ``salt-run nodes.cancel_upgrade 5d0c0f3f3f0b8c2e``
    """
    return runners.answer(__opts__, lambda service: service.cancel_upgrade(runners.text(id)))


@runners.asked
def publish(directory, account=None, allow=None, deny=None, facts=None, days=90):
    """
    Sign the files of a directory of this master, and offer them to nodes: machines (``machines/NAME.yaml``), beacons
    (``beacons/NAME.py``), checks (``checks/NAME``, programs). Returns the bundle: serial, files, for whom, until when.

    ``account`` (its e-mail address or id): only that account's nodes. ``allow`` and ``deny``: patterns of nodes' ids.
    ``facts``: grains that must fit. Anything wrong in a file is told with its line, and nothing is published. A node
    runs the newest for it, and one of its account's own before any for all; ``warning`` says whom that concerns.

    CLI Example::

        salt-run nodes.publish /srv/bundle
        salt-run nodes.publish /srv/bundle account=demo@example.org deny='["test-*"]' facts='{os: Debian}' days=30
    """
    told = {"account": account, "allow": allow, "deny": deny, "facts": facts, "days": days}
    return runners.answer(__opts__, lambda service: service.publish(packing.bundle(runners.text(directory), told)))


@runners.asked
def bundles():
    """
    The bundles that nodes may still take, the newest first.

    CLI Example: ``salt-run nodes.bundles``
    """
    return runners.answer(__opts__, lambda service: service.bundles())

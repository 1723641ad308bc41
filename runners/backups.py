"""
Operate the backups of the control plane: its database, keys and configuration, and bots' exports.

A failure is returned as ``{"error": …, "retcode": 1}``, and salt-run exits with 1.

:depends: the ``saltcellar`` package, and ``saltcellar: {url, token_file}`` in the master's configuration
"""

from pillar_service.master import backing_up, runners

__func_alias__ = {"list_": "list"}


@runners.asked
def now(wait=3600):
    """
    Make a snapshot now, and remove old ones. Waits for at most ``wait`` seconds; after that the backup goes on by itself.

    CLI Example: ``salt-run backups.now``
    """
    return runners.answer(__opts__, lambda service: backing_up.over(service, service.back_up, wait))


@runners.asked
def verify(wait=3600):
    """
    Restore the newest snapshot into a scratch folder, check it, and delete that folder. Waits as ``now`` does.

    CLI Example: ``salt-run backups.verify``
    """
    return runners.answer(__opts__, lambda service: backing_up.over(service, service.verify_backup, wait))


@runners.asked
def list_():
    """
    The newest snapshots and verifications: who asked for them, and what came of them.

    CLI Example: ``salt-run backups.list --out=json``
    """
    return runners.answer(__opts__, lambda service: service.backups())


@runners.asked
def show():
    """
    What the repository holds now.

    CLI Example: ``salt-run backups.show``
    """
    return runners.answer(__opts__, lambda service: service.kept_backups())

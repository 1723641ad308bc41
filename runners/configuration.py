"""
Operate the configuration of accounts: keys with JSON values, which reach the account's nodes within two seconds.

``operators`` in place of an account means the place's own nodes.

A failure is returned as ``{"error": …, "retcode": 1}``, and salt-run exits with 1.

:depends: the ``saltcellar`` package, and ``saltcellar: {url, token_file}`` in the master's configuration
"""

from pillar_service.master import runners

__func_alias__ = {"list_": "list", "set_": "set"}


@runners.asked
def list_(account):
    """
    All keys of an account (e-mail address or id), with their values and revisions.

    CLI Example: ``salt-run configuration.list demo@example.org --out=json``
    """
    return runners.answer(__opts__, lambda service: service.configuration(runners.text(account)))


@runners.asked
def get(account, key):
    """
    One key: its value, its revision, and who set it when.

    CLI Example: ``salt-run configuration.get demo@example.org pub/restart-after``
    """
    return runners.answer(__opts__, lambda service: service.key(runners.text(account), runners.text(key)))


@runners.asked
def set_(account, key, value, revision=None):
    """
    Set a key to any JSON value; returns the key. With ``revision``, only if the key has that revision (0: if it has no value).

    CLI Example::

        salt-run configuration.set demo@example.org pub/restart-after '{"seconds": 60}'
        salt-run configuration.set demo@example.org pub/restart-after 90 revision=1
    """
    return runners.answer(
        __opts__, lambda service: service.set_key(runners.text(account), runners.text(key), value, revision)
    )


@runners.asked
def delete(account, key, revision=None):
    """
    Delete a key; with ``revision``, only if the key has that revision.

    CLI Example: ``salt-run configuration.delete demo@example.org pub/restart-after``
    """

    def ask(service):
        service.delete_key(runners.text(account), runners.text(key), revision)
        return True

    return runners.answer(__opts__, ask)


@runners.asked
def governors(account):
    """
    The governors of an account (keys such as ``governors/restarts``), with their holders.

    CLI Example: ``salt-run configuration.governors demo@example.org --out=json``
    """
    return runners.answer(__opts__, lambda service: service.governors(runners.text(account)))


@runners.asked
def history(account, key=None):
    """
    What was changed, by whom and when, newest first; of one key, or of all.

    CLI Example: ``salt-run configuration.history demo@example.org``
    """

    def ask(service):
        which = None if key is None else runners.text(key)
        return service.configuration_changes(runners.text(account), which)

    return runners.answer(__opts__, ask)

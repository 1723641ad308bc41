"""
Operate accounts: the persons whom bots belong to.

What failed is returned as ``{"error": …, "retcode": 1}``, and salt-run exits with 1.

:depends: the ``saltcellar`` package, and ``saltcellar: {url, token_file}`` in the master's configuration
"""

from pillar_service.master import runners

__func_alias__ = {"list_": "list"}


@runners.asked
def list_():
    """
    Every account.

    CLI Example: ``salt-run accounts.list --out=json``
    """
    return runners.answer(__opts__, lambda service: service.agents(type="person"))


@runners.asked
def create(email, name=None, password=None, role=None, password_file=None):
    """
    Make an account; returns it, with its ``password`` when none was given and one was made. ``role=operator`` lets it see the
    operators' pages, once it has a second factor. ``password_file`` has a password on its first line: one that is typed as
    ``password`` can be read in the list of processes by everybody on the master.

    CLI Example::

        salt-run accounts.create demo@example.org name='Demo'
        salt-run accounts.create ben@example.org password_file=/root/password
    """
    more = {"name": name, "password": password, "role": role}
    told = {"type": "person", "email": email} | {key: str(value) for key, value in more.items() if value is not None}

    def ask(service):
        if password_file is not None:
            told["password"] = "".join(runners.lines(password_file)[:1])
        made = service.create_agent(told)
        return made["agent"] | ({"password": made["password"]} if made.get("password") else {})

    return runners.answer(__opts__, ask)


@runners.asked
def show(account):
    """
    One account, by e-mail address or id, with its bots.

    CLI Example: ``salt-run accounts.show demo@example.org``
    """
    return runners.answer(__opts__, lambda service: service.agent(runners.text(account)))


@runners.asked
def suspend(account, wait=True):
    """
    Stop all bots that belong to this account alone, until ``accounts.resume``; returns the account.

    CLI Example: ``salt-run accounts.suspend demo@example.org``
    """
    return runners.change(__opts__, account, {"state": "suspended"}, wait)


@runners.asked
def resume(account, wait=True):
    """
    Let an account's bots run again; returns the account.

    CLI Example: ``salt-run accounts.resume demo@example.org``
    """
    return runners.change(__opts__, account, {"state": "active"}, wait)


@runners.asked
def second_factor_off(account):
    """
    Turn off the second factor of somebody who has lost it and every recovery code; returns the account.

    Be sure first that it is them who ask: their password alone lets them in afterwards. A mail tells them.

    CLI Example: ``salt-run accounts.second_factor_off demo@example.org``
    """
    return runners.change(__opts__, account, {"second_factor": "off"}, wait=True)


@runners.asked
def verify(account):
    """
    Say that an account's e-mail address is its owner's, where no mail can show it; returns the account. What names people by
    their address (roles in chat, nodes that are shared) counts for them from then on: be sure first.

    CLI Example: ``salt-run accounts.verify demo@example.org``
    """
    return runners.change(__opts__, account, {"verified": True}, wait=True)


@runners.asked
def new_password(account):
    """
    Give somebody who has forgotten theirs another password, shown this once as ``password``; returns the account. All their
    sessions and tokens end. Where mail is set up they do it themselves, by the link under the form to sign in.

    Be sure first that it is them who ask: it lets them in, but for a second factor.

    CLI Example: ``salt-run accounts.new_password demo@example.org``
    """

    def ask(service):
        which = service.agent(runners.text(account))["id"]
        told = service.change_agent(which, {"password": "new"})
        return told["agent"] | {"password": told["password"]}

    return runners.answer(__opts__, ask)

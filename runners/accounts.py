"""
Operate accounts: the persons whom bots belong to.

A failure is returned as ``{"error": …, "retcode": 1}``, and salt-run exits with 1.

:depends: the ``saltcellar`` package, and ``saltcellar: {url, token_file}`` in the master's configuration
"""

from pillar_service.master import runners

__func_alias__ = {"list_": "list"}


@runners.asked
def list_():
    """
    All accounts.

    CLI Example: ``salt-run accounts.list --out=json``
    """
    return runners.answer(__opts__, lambda service: service.agents(type="person"))


@runners.asked
def create(email, name=None, password=None, role=None, password_file=None):
    """
    Make an account; returns it, with a generated ``password`` if none was given.

    With ``role=operator`` it may see the operators' pages, once its second factor is on. ``password_file`` is a file with the
    password on its first line: a ``password`` typed here can be read by everybody on the master, in the list of processes.

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
    Suspend an account; returns it. Bots whose owners are all suspended then are stopped, until ``accounts.resume``.

    CLI Example: ``salt-run accounts.suspend demo@example.org``
    """
    return runners.change(__opts__, account, {"state": "suspended"}, wait)


@runners.asked
def resume(account, wait=True):
    """
    Resume an account that an operator suspended, and let its bots run again; returns the account.

    An account that is suspended for not paying stays suspended: ``payments.mark_paid`` resumes it.

    CLI Example: ``salt-run accounts.resume demo@example.org``
    """
    return runners.change(__opts__, account, {"state": "active"}, wait)


@runners.asked
def second_factor_off(account):
    """
    Turn off the second factor of somebody who has lost it and all recovery codes; returns the account.

    First make sure that it is really them: afterwards their password alone lets them in. A mail tells them.

    CLI Example: ``salt-run accounts.second_factor_off demo@example.org``
    """
    return runners.change(__opts__, account, {"second_factor": "off"}, wait=True)


@runners.asked
def verify(account):
    """
    Confirm that an account's e-mail address belongs to its owner, where no mail can show it; returns the account.

    First make sure of it: roles in chat and shared nodes name people by their address, and count for them from then on.

    CLI Example: ``salt-run accounts.verify demo@example.org``
    """
    return runners.change(__opts__, account, {"verified": True}, wait=True)


@runners.asked
def new_password(account):
    """
    Give somebody who has forgotten their password a new one; returns the account, with ``password``, which is shown only now.

    All their sessions and tokens end. Where mail is set up, people can do this themselves, by the link below the sign-in form.
    First make sure that it is really them: with the password, only a second factor keeps others out.

    CLI Example: ``salt-run accounts.new_password demo@example.org``
    """

    def ask(service):
        which = service.agent(runners.text(account))["id"]
        told = service.change_agent(which, {"password": "new"})
        return told["agent"] | {"password": told["password"]}

    return runners.answer(__opts__, ask)

"""
Operate bots: each function asks the service and, unless ``wait=False``, follows the job to its end.

The job's lines go to stderr as they come. A failure is returned as ``{"error": …, "retcode": 1}``, and salt-run exits
with 1.

:depends: the ``saltcellar`` package, and in the master's configuration:

.. code-block:: yaml

    saltcellar:
      url: http://127.0.0.1:8081
      token_file: /etc/salt/saltcellar.token
"""

from pillar_service.core.errors import NotFound
from pillar_service.master import following, runners, tars

__func_alias__ = {"list_": "list", "import_": "import"}


@runners.asked
def list_(account=None):
    """
    All bots, or those of one account.

    account
        The account's e-mail address or id.

    CLI Example::

        salt-run bots.list
        salt-run bots.list account=demo@example.org --out=json
    """
    wanted = {"type": "bot"} | ({"account": account} if account else {})
    return runners.answer(__opts__, lambda service: service.agents(**wanted))


@runners.asked
def show(bot):
    """
    One bot, by name or id: what it should be, what it is, and its last health report.

    CLI Example: ``salt-run bots.show my``
    """
    return runners.answer(__opts__, lambda service: service.agent(runners.text(bot)))


@runners.asked
def create(name, account, description=None, node=None, memory_mb=None, selector=None, wait=True):
    """
    Make a bot and wait until it is alive; returns it.

    name
        A DNS label: ``my`` becomes ``my.butt.nz``.
    account
        The e-mail address or id of its owner.
    description, memory_mb
        A line about the bot; its memory limit in MiB.
    node, selector
        The node to run it on, or a selector of suitable nodes; otherwise any node that the account may use.

    CLI Example::

        salt-run bots.create my account=demo@example.org
        salt-run bots.create my account=demo@example.org selector='site=shed,!gpu'
    """
    told = _given(
        name=name, account=account, description=description, node=node, memory_mb=memory_mb, selector=selector
    )
    return runners.answer(__opts__, lambda service: _create(service, told, wait))


@runners.asked
def start(bot, wait=True):
    """
    Start a bot, or mend one that is not well; returns it.

    CLI Example: ``salt-run bots.start my``
    """
    return runners.change(__opts__, bot, {"desired": "running"}, wait)


@runners.asked
def stop(bot, wait=True):
    """
    Stop a bot; its data stays. Returns it.

    CLI Example: ``salt-run bots.stop my``
    """
    return runners.change(__opts__, bot, {"desired": "stopped"}, wait)


@runners.asked
def upgrade(bot, wait=True):
    """
    Run a bot from the newest image, under the same identity; returns it.

    CLI Example: ``salt-run bots.upgrade my``
    """
    return runners.change(__opts__, bot, {"image": "latest"}, wait)


@runners.asked
def delete(bot, purge=False, wait=True):
    """
    Delete a bot; returns it. With ``purge=True``, its data and identity are deleted for good, too.

    Otherwise the data is kept for as many days as the service's setting ``CELLAR_DELETED_DAYS`` says. During that time the
    bot's owner can bring it back, and ``purge=True`` with the bot's id deletes the data at once.

    CLI Example::

        salt-run bots.delete my
        salt-run bots.delete my purge=True
    """

    def ask(service):
        told = service.delete_agent(_id(service, bot, purge), purge)
        if not wait:
            return told
        following.finished(service, told["job"])
        return told["agent"] | {"actual": "gone"}  # the service no longer finds it

    return runners.answer(__opts__, ask)


@runners.asked
def purge():
    """
    Delete the data of deleted bots that is due to be deleted; returns the jobs that do so. The master's schedule runs this
    every hour; running it twice does no harm.

    CLI Example: ``salt-run bots.purge``
    """
    return runners.answer(__opts__, lambda service: service.purge())


@runners.asked
def restart(bot, wait=True):
    """
    Restart a bot's container and wait until it answers again; returns what the pub reports of itself.

    CLI Example: ``salt-run bots.restart my``
    """
    return runners.command(__opts__, "bots.restart", bot, wait=wait)


@runners.asked
def rebuild(bot, wait=True):
    """
    Build the pub image on the bot's node, and pour the bot again from it; its data and identity stay.

    CLI Example: ``salt-run bots.rebuild my``
    """
    return runners.command(__opts__, "bots.rebuild", bot, wait=wait)


@runners.asked
def invite(bot, uses=1, note="", wait=True):
    """
    Make an invite; returns it with its ``code``, which is shown only now.

    uses
        How many peers may use it.
    note
        Whom it is for.

    CLI Example: ``salt-run bots.invite my uses=3 note='for the garden club'``
    """
    return runners.command(__opts__, "bots.invite", bot, {"uses": uses, "note": str(note)}, wait)


@runners.asked
def invites(bot, wait=True):
    """
    A bot's invites: who used them, and how often they can still be used.

    CLI Example: ``salt-run bots.invites my``
    """
    return runners.command(__opts__, "bots.invites", bot, wait=wait)


@runners.asked
def revoke(bot, invite, wait=True):
    """
    Revoke an invite by its id, as ``bots.invites`` lists it.

    CLI Example: ``salt-run bots.revoke my '@qbO9vWmBRd9AvzJnDVLpe0a2j0GdUjsA6SLnPNHJUdE=.ed25519'``
    """
    return runners.command(__opts__, "bots.revoke", bot, {"invite": invite}, wait)


@runners.asked
def logs(bot, lines=100, wait=True):
    """
    The last lines of a bot's log.

    CLI Example: ``salt-run bots.logs my lines=20``
    """
    return runners.command(__opts__, "bots.logs", bot, {"lines": lines}, wait)


@runners.asked
def export(bot, path, kind="everything", job=None, wait=True):
    """
    Write a bot's identity and data to a tar on the master, which only the file's owner can read; the bot is stopped meanwhile.

    path
        The absolute path of the file, which appears once it is complete.
    kind
        ``everything`` (only that can be imported), or only ``secret``, ``gossip``, ``log`` or ``blobs``.
    job
        An export that was asked for before, with ``wait=False``: write its tar, which the service keeps for a day.

    With ``wait=False`` nothing is written, and the job is returned.

    CLI Example::

        salt-run bots.export my /root/my.tar
        salt-run bots.export my /root/my-blobs.tar kind=blobs
        salt-run bots.export my /root/my.tar wait=False
        salt-run bots.export my /root/my.tar job=9e0f1f3a9c2e5b7d
    """

    def ask(service):
        file = tars.target(runners.text(path))
        asked = (
            tars.asked(service, runners.text(bot), kind) if job is None else tars.known(service, bot, runners.text(job))
        )
        return tars.export(service, asked, file) if wait else asked

    return runners.answer(__opts__, ask)


@runners.asked
def import_(name, path, account, description=None, node=None, memory_mb=None, selector=None, wait=True):
    """
    Make a bot from the export in the file ``path``, under the same identity; returns it. All else is as with ``bots.create``.

    Refused when the tar lacks the log, or when a bot here has that identity already: either would fork it.

    CLI Example: ``salt-run bots.import my2 /root/my.tar account=demo@example.org node=cellar-2``
    """
    told = _given(
        name=name, account=account, description=description, node=node, memory_mb=memory_mb, selector=selector
    )
    return runners.answer(
        __opts__,
        lambda service: _create(service, told | {"import": tars.upload(service, runners.file(path))["upload"]}, wait),
    )


@runners.asked
def restore(bot, node=None, typed=None, wait=True):
    """
    Restore a bot of a lost node (``nodes.lost``) on another node, from the newest export that the service keeps of it, under
    the same identity; returns it. What it wrote after that export is lost.

    node
        The node to run it on; otherwise any that its owners may use without choosing it.
    typed
        The bot's name once more; needed if the bot is known to have written more than the export holds: whoever has read
        those messages sees a fork.

    CLI Example::

        salt-run bots.restore my
        salt-run bots.restore my node=cellar-2 typed=my
    """
    given = {"node": node, "typed": typed}

    def ask(service):
        told = {name: runners.text(value) for name, value in given.items() if value is not None}
        return runners.settled(service, service.restore(runners.text(bot), told), wait)

    return runners.answer(__opts__, ask)


def _id(service, bot, purge):
    try:
        return service.agent(runners.text(bot))["id"]
    except NotFound:
        if not purge:
            raise
        return runners.text(bot)  # a bot that was deleted before has no name, only its id


def _given(name, **more):
    return {"type": "bot", "name": name} | {key: value for key, value in more.items() if value is not None}


def _create(service, told, wait):
    return runners.settled(service, service.create_agent(told | {"name": runners.text(told["name"])}), wait)

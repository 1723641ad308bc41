"""
Operate payments: the state of accounts, which months they paid, and what is due.

A failure is returned as ``{"error": …, "retcode": 1}``, and salt-run exits with 1.

:depends: the ``saltcellar`` package, and ``saltcellar: {url, token_file}`` in the master's configuration
"""

import logging

from pillar_service.master import runners

__func_alias__ = {"list_": "list"}

log = logging.getLogger(__name__)


@runners.asked
def list_():
    """
    Every account's payment state, and until when it is covered.

    CLI Example: ``salt-run payments.list --out=json``
    """
    return runners.answer(__opts__, lambda service: service.payments())


@runners.asked
def show(account):
    """
    The payment state of one account (e-mail address or id), and what it paid.

    CLI Example: ``salt-run payments.show demo@example.org``
    """
    return runners.answer(__opts__, lambda service: service.payment(runners.text(account)))


@runners.asked
def mark_paid(account, months=1):
    """
    Mark so many months as paid by an account; if it was suspended for not paying, its bots run again.

    The months begin where the account's cover ends; after a suspension, they begin now.

    CLI Example: ``salt-run payments.mark_paid demo@example.org months=3``
    """
    return runners.answer(__opts__, lambda service: service.mark_paid(runners.text(account), months))


@runners.asked
def take_back(account, payment):
    """
    Take back months that were marked as paid by mistake; ``payment`` is their id, as ``payments.show`` shows it.

    The newest must be taken back first. Both the mark and its undoing stay among the account's payments. An account whose
    cover ends by this is warned and suspended like any other.

    CLI Example: ``salt-run payments.take_back demo@example.org manual_0123456789abcdef0123456789abcdef``
    """
    return runners.answer(__opts__, lambda service: service.take_back(runners.text(account), runners.text(payment)))


@runners.asked
def run():
    """
    Do what is due: warn, suspend, resume, close. The master's schedule runs this every hour; running it twice does no harm.

    CLI Example: ``salt-run payments.run``
    """

    def ask(service):
        told = service.run_payments()
        return told | {"retcode": 1} if told["failures"] else told

    answer = runners.answer(__opts__, ask)
    if answer.get("retcode"):
        log.error("Not all payments could be settled: %s", answer.get("error") or answer["failures"])
    return answer

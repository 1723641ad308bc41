"""The client of the service's private app: one file for each thing that it is asked about."""

from pillar_service.master.client.agents import Agents
from pillar_service.master.client.asking import LONG_POLL_S
from pillar_service.master.client.backups import Backups
from pillar_service.master.client.commands import Commands
from pillar_service.master.client.configuration import Configuration
from pillar_service.master.client.machines import Machines
from pillar_service.master.client.nodes import Nodes
from pillar_service.master.client.payments import Payments
from pillar_service.master.client.runs import Runs
from pillar_service.master.client.waves import Waves

__all__ = ["LONG_POLL_S", "Client"]


class Client(Agents, Backups, Commands, Configuration, Machines, Nodes, Payments, Runs, Waves):
    """The private app, with one method for each thing that a master or an operator asks of it.

    ``url`` is the service's private address, ``token_file`` holds the master's token, ``timeout`` is the total time of a
    request in seconds, and ``actor`` is the Unix user who asks. Every method raises the error that the service named
    (core.errors), or Unavailable. Several threads may use one client. Each POST carries an Idempotency-Key, so that one sent
    twice is carried out once.
    """

"""
The dispatcher: takes jobs from the service, publishes them to minions, and brings their lines and results back.

As Salt loads its engines before it forks its workers, this file also puts up the guard in front of them.

Configuration of the master:

.. code-block:: yaml

    engines:
      - dispatcher:
          url: http://127.0.0.1:8081
          token_file: /etc/salt/saltcellar.token
          name: master-1      # this master's name in the service; the master's id if left out
"""

from pillar_service.master import guard
from pillar_service.master.dispatch import dispatcher

guard.put_up()


def start(url: str, token_file: str, name: str | None = None) -> None:
    """
    Runs until the master stops; if it fails, Salt's process manager starts it again.

    url
        The service's private address.
    token_file
        The file that holds the master's token.
    name
        This master's name in the service; two masters must not share one.
    """
    dispatcher.run(__opts__, url, token_file, name or __opts__["id"])

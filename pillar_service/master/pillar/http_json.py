"""
A node's pillar over HTTP, as JSON: a current one, an old one marked as such, or an error; never an empty one.

It takes the arguments of the ``http_json`` that Salt had until 3007, and fails closed where that one returned ``{}``.
While the service is away, it serves the last known good pillar for ``max_age`` seconds, with
``saltcellar: stale: {since, reason}`` in it. After that, and whenever the service refuses (401, 403, 404), the pillar carries
``_errors``, and Salt applies no state.

:depends: the ``saltcellar`` package, installed where salt-master runs (its ``salt.loader`` entry point)

Configuration of the master:

.. code-block:: yaml

    ext_pillar:
      - http_json:
          url: http://127.0.0.1:8081/pillar/%s    # %s becomes the minion's id, which the master verified
          token_file: /etc/salt/saltcellar.token  # or token, or username and password, or header_dict
          timeout: 2                              # seconds, in total
          last_known_good: {max_age: 86400}       # seconds
"""

import os
from typing import Any

from pillar_service.core.durations import DAY_S
from pillar_service.core.errors import Invalid
from pillar_service.master import fetch

MAX_AGE_S = DAY_S


def ext_pillar(
    minion_id: str,
    pillar: dict[str, Any],
    url: str,
    with_grains: Any = None,
    header_dict: dict[str, str] | None = None,
    auth: Any = None,
    username: str | None = None,
    password: str | None = None,
    namespace: str | None = None,
    token: str | None = None,
    token_file: str | None = None,
    timeout: float = 2.0,
    last_known_good: dict[str, float] | None = None,
) -> dict[str, Any]:
    """
    The pillar of a minion.

    url
        The pillar's URL, with ``%s`` for the minion's id.
    with_grains
        Refused: a minion writes its own grains, so a forged grain would fetch another minion's pillar.
    header_dict, auth, username, password
        As in Salt 3007: additional headers; ``[username, password]``; or the two by name.
    namespace
        The key to put the pillar under.
    token, token_file
        A bearer token, or the file that holds it (read again when it changes).
    timeout
        Seconds from connecting to the last byte (default 2).
    last_known_good
        ``max_age``: for how many seconds an earlier pillar may serve while the service is away (default 86400).

    Raises core.errors.SaltcellarError, which Salt puts into the pillar's ``_errors``.

    CLI Example:

    .. code-block:: bash

        salt-run pillar.show_pillar cellar-1
    """
    if with_grains:
        raise Invalid(
            "http_json takes no with_grains: a minion writes its own grains, so a forged one would fetch another "
            "minion's pillar. Remove it; the pillar is chosen by the verified id alone."
        )
    if auth:
        username, password = auth
    source = fetch.Source(
        url, token_file, token, username, password, tuple(sorted((header_dict or {}).items())), float(timeout)
    )
    folder = os.path.join(__opts__["cachedir"], "saltcellar", "pillars")
    told = fetch.pillar(minion_id, source, folder, float((last_known_good or {}).get("max_age", MAX_AGE_S)))
    return {namespace: told} if namespace else told

"""The duties of a node's agent, one line each."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pillar_service.node.agent import Duty
from pillar_service.node.bundles.duty import Bundles
from pillar_service.node.bundles.keeping import of_minion
from pillar_service.node.configuration import Asking, Configuration, put
from pillar_service.node.delivery import Delivery
from pillar_service.node.drops import Drops
from pillar_service.node.executor.duty import Commands
from pillar_service.node.facts import Facts
from pillar_service.node.lastgood import Kept
from pillar_service.node.lifecycle import Beat
from pillar_service.node.machines.duty import Machines
from pillar_service.node.machines.telling import Telling
from pillar_service.node.masterless.applying import apply
from pillar_service.node.masterless.duty import Converging
from pillar_service.node.masterless.states import States
from pillar_service.node.paths import Home
from pillar_service.node.results import Results
from pillar_service.node.signing import Signer
from pillar_service.node.spool import Spool
from pillar_service.node.upgrading.duty import Upgrading, state


def duties(
    home: Home,
    opts: Mapping[str, Any],
    salt: str,
    refresh: Callable[[], object],
    grains: Callable[[], Mapping[str, Any]] | None = None,
) -> list[Duty]:
    """The duties of the node whose minion has this configuration (``opts``).

    ``refresh`` has the pillar fetched again; ``grains`` gathers the grains afresh, and defaults to those in ``opts``.
    """
    node, pki, spool = opts["id"], Path(opts["pki_dir"]), Spool(home)
    kept, states = Kept(home, node, pki), States(home, node, pki)
    known = kept.told
    facts, tell = dict(opts.get("grains") or {}), Telling(spool)
    return [
        Delivery(Spool(home), known, Signer(node, pki), refresh),
        Drops(home, spool),
        Results(Path(opts["cachedir"]), spool),
        Beat(home, node, spool, salt),
        Machines(home, node, tell, known, Configuration(home).get, partial(put, home, known)),
        Bundles(of_minion(home, opts, known), known, tell),
        Commands(home, known),
        Asking(home, known),
        Converging(home, node, kept, states, partial(apply, home, opts["conf_file"], states.folder), Spool(home)),
        Facts(node, spool, grains or (lambda: facts), known, lambda: state(home)),
        Upgrading(home, known),
    ]

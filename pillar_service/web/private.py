"""The private app, for masters and their runners. Keep it on loopback, or behind TLS."""

from flask import Flask, g, request

from pillar_service.core.errors import Forbidden
from pillar_service.usecases.service import masters, measuring, storage
from pillar_service.web import incoming, problems, readiness, tracing
from pillar_service.web.masters import (
    agents,
    audit,
    backups,
    bundles,
    configuration,
    enrolment,
    facts,
    jobs,
    keys,
    machine_orders,
    meeseeks,
    nodes,
    payments,
    pillars,
    purges,
    runs,
    transfers,
    waves,
)

LARGEST_BODY = 32 << 20
"""The largest body in bytes: a state's return for many bots is a few MiB."""

NOUNS = (
    agents, audit, backups, bundles, configuration, enrolment, facts, jobs, keys, machine_orders, meeseeks, nodes, payments,
    pillars, purges, runs, transfers, waves,
)  # fmt: skip
"""The modules whose ``blueprint`` the private app serves."""


def create_app() -> Flask:
    """Make the WSGI app. It does not connect to the database yet, so a server may fork afterwards."""
    storage.prepare()
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]
    tracing.register(app)
    problems.register(app)
    app.before_request(_authenticate)
    app.add_url_rule("/metrics", "metrics", lambda: (measuring.text(), {"Content-Type": measuring.TYPE}))
    readiness.register(app)
    for noun in NOUNS:
        app.register_blueprint(noun.blueprint)
    return app


def _authenticate() -> None:
    if request.endpoint not in (*readiness.FOR_ANYBODY, "metrics"):
        g.master = masters.authenticate(incoming.bearer())
        if g.master == masters.PROMETHEUS and request.endpoint != "facts.targets":
            raise Forbidden("Prometheus's token works only for /prometheus/targets: use a master's.")
        g.actor = incoming.actor(g.master)
        tracing.take_over()

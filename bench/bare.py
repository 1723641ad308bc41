"""The least that Flask can do under the private app's own gunicorn settings: python -m bench.bare BODY_FILE"""

import sys
from pathlib import Path

from flask import Flask, Response

from bench.bare_server import BareServer


class Bare(BareServer):
    """One route that answers the same bytes to everybody: no token, no database, no errors of ours."""

    def load(self) -> Flask:
        app, body = Flask(__name__, static_folder=None), Path(sys.argv[1]).read_text()
        app.add_url_rule(
            "/pillar/<node>", view_func=lambda node: Response(body, mimetype="application/json"), endpoint="pillar"
        )
        return app


if __name__ == "__main__":
    Bare().run()

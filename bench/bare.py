"""The least that Flask can do with our gunicorn settings for the private app: python -m bench.bare BODY_FILE"""

import sys
from pathlib import Path

from flask import Flask, Response

from bench.bare_server import BareServer


class Bare(BareServer):
    """An app with one route that answers the same bytes to everybody: no token, no database, no error handling of ours."""

    def load(self) -> Flask:
        app, body = Flask(__name__, static_folder=None), Path(sys.argv[1]).read_text()
        app.add_url_rule(
            "/pillar/<node>", view_func=lambda node: Response(body, mimetype="application/json"), endpoint="pillar"
        )
        return app


if __name__ == "__main__":
    Bare().run()

"""The least that bolt can do with our gunicorn settings for the private app: python -m bench.bare_bolt"""

from collections.abc import Iterable
from typing import Any

from slack_bolt import App
from slack_bolt.adapter.wsgi import SlackRequestHandler
from slack_bolt.authorization import AuthorizeResult

from bench.bare_server import BareServer
from pillar_service.settings import settings


class BareBolt(BareServer):
    """A bolt app at /slack with one listener that does nothing, and a route that says that the app is up."""

    def load(self) -> Any:
        secret = settings().slack_signing_secret
        app = App(
            signing_secret=secret,
            authorize=lambda **_: AuthorizeResult(enterprise_id=None, team_id="T1", bot_token="x"),
        )
        app.event("app_mention")(lambda: None)
        handler = SlackRequestHandler(app, path="/slack")

        def serve(environ: Any, start_response: Any) -> Iterable[bytes]:
            if environ["PATH_INFO"] != "/healthz":
                return handler(environ, start_response)
            start_response("200 OK", [("Content-Length", "0")])
            return [b""]

        return serve


if __name__ == "__main__":
    BareBolt().run()

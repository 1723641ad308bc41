"""The least that a batch of events costs: Flask reads a body and answers, with our gunicorn settings."""

from typing import Any

from flask import Flask, request

from bench.bare_server import BareServer


class BareDoor(BareServer):
    """An app with one route that takes whatever is sent: no signature, no events, no database."""

    def load(self) -> Flask:
        app = Flask(__name__, static_folder=None)

        def events() -> tuple[dict[str, Any], int]:
            request.get_data()
            return {"accepted": [], "refused": []}, 202

        app.add_url_rule("/events", view_func=events, methods=["POST"])
        app.add_url_rule("/healthz", view_func=lambda: {"ok": True}, endpoint="healthz")
        return app


if __name__ == "__main__":
    BareDoor().run()

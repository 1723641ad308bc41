"""The least that a page costs: one Jinja template, with our gunicorn settings for the private app."""

from pathlib import Path

from flask import Flask, render_template

from bench.bare_server import BareServer

ONE = 350
"""The approximate size of an article on the page, in bytes."""


class BarePage(BareServer):
    """An app with a page of about so many bytes at ``/page/<bytes>``, drawn anew each time: no session, no database."""

    def load(self) -> Flask:
        app = Flask(__name__, static_folder=None, template_folder=str(Path(__file__).parent))

        def page(size: int) -> str:
            rows = [_row(n) for n in range(max(1, size // ONE))]
            return render_template("page.html", title="Bare", rows=rows)

        app.add_url_rule("/page/<int:size>", view_func=page)
        return app


def _row(n: int) -> dict[str, object]:
    name = f"bot-{n}"
    return {
        "address": f"/bots/{name}", "name": name, "state": "alive", "disk": f"{n} GiB", "memory": f"{n} MiB", "peers": n
    }  # fmt: skip


if __name__ == "__main__":
    BarePage().run()

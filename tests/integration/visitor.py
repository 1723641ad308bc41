"""Someone who uses a service while it is upgraded, and the migration that such a version brings."""

import threading
from typing import Any

import requests

STEP = '''
"""For a test."""


def up(migrator, db):
    db.execute_sql("{up}")


def down(migrator, db):
    db.execute_sql("{down}")
'''


class Visitor(threading.Thread):
    """Requests a page again and again, over one kept connection and over new ones."""

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__(daemon=True)
        self.url, self.options, self.over = url, options, threading.Event()
        self.seen, self.wrong = 0, list[object]()
        self.start()

    def run(self) -> None:
        with requests.Session() as session:
            while not self.over.wait(0.02):
                for ask in (session.get, requests.get):
                    try:
                        status = ask(f"{self.url}/healthz", timeout=20, **self.options).status_code
                    except requests.RequestException as error:
                        status = repr(error)
                    self.seen += 1
                    if status != 200:
                        self.wrong.append(status)

    def goes(self) -> list[object]:
        """End the visit and return what went wrong."""
        self.over.set()
        self.join(30)
        return self.wrong

"""Someone who uses a place from outside: its pages in a browser without scripts, and its API with a token."""

import html
import re
from typing import Any

import requests

PASSWORD = "quince teapot walrus 7"


class Visitor:
    """Someone who reads the pages; with an address, signs in first, with a code if asked for one."""

    def __init__(self, url: str, email: str = "", password: str = PASSWORD, code: str = "") -> None:
        self.url, self.browser = url, requests.Session()
        if email and "Enter the code" in self.sends("/sign-in", "/sign-in", email=email, password=password):
            self.sends("/sign-in/code", "/sign-in/code", code=code)

    def sees(self, path: str) -> str:
        """The text of a page."""
        return _read(self.browser.get(self.url + path, timeout=30))

    def sends(self, path: str, seen: str, **form: str) -> str:
        """Sends the form of the page ``seen`` to ``path``; returns the text of the page that comes back."""
        page = self.browser.get(self.url + seen, timeout=30).text
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        assert token, page
        return _read(self.browser.post(self.url + path, data={**form, "csrf_token": token[1]}, timeout=30))


class Customer(Visitor):
    """Someone who registers an account and signs in, like everyone else."""

    def __init__(self, url: str, email: str) -> None:
        super().__init__(url)
        self.bearer = ""
        known = {"email": email, "password": PASSWORD}
        self.asks("POST", "/authentication/register", **known)
        self.bearer = self.asks("POST", "/authentication/sign-in", **known)["token"]["secret"]
        self.sends("/sign-in", "/sign-in", **known)

    def asks(self, method: str, path: str, **body: Any) -> Any:
        """Calls the API and returns its answer."""
        headers = {"Authorization": f"Bearer {self.bearer}"} if self.bearer else {}
        answer = requests.request(method, self.url + path, json=body or None, headers=headers, timeout=30)
        assert answer.ok, answer.text
        return answer.json()


def _read(answer: requests.Response) -> str:
    assert answer.ok, answer.text
    text = re.sub(r"<style>.*?</style>|<[^>]+>", " ", answer.text, flags=re.DOTALL)
    return " ".join(html.unescape(text).split())

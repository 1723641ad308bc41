"""URLs within the site, each built once: a page has dozens, and building one takes longer than drawing a bot."""

from functools import lru_cache
from typing import Any

from flask import Flask, request

from pillar_service.web import static_files

KNOWN = 2048
"""How many URLs a process remembers."""


def register(app: Flask) -> None:
    """Make this app's `url_for` remember the paths that it built."""
    build = app.url_for

    @lru_cache(KNOWN)
    def built(_: str, endpoint: str, values: tuple[tuple[str, str], ...]) -> str:
        return build(endpoint, **dict(values))

    def url_for(endpoint: str, /, **values: Any) -> str:
        if endpoint == "static":
            values.setdefault("v", static_files.stamp(values.get("filename", "")))
        given = tuple(one for one in values.items() if one[1] is not None)
        if request and endpoint[0] != "." and all(map(_is_plain, given)):
            return built(request.root_path, endpoint, given)
        return build(endpoint, **values)

    app.url_for = url_for  # type: ignore[method-assign]
    app.jinja_env.globals["url_for"] = url_for  # Flask has already put its own there


def _is_plain(given: tuple[str, Any]) -> bool:
    """Whether it is text and part of the URL (not an option such as `_external`): equal text gives equal URLs."""
    name, value = given
    return isinstance(value, str) and name[0] != "_"

"""Conditions of a request (RFC 9110, section 13) on the current revision, and entity tags."""

import re

from flask import Response, jsonify, request

from pillar_service.core.errors import Invalid

TAG = re.compile(r'"(\d{1,18})"', re.ASCII)


def etag(revision: int) -> str:
    """The entity tag of a revision."""
    return f'"{revision}"'


def expected() -> int | None:
    """The revision that must be current (``If-Match``), 0 if there must be none (``If-None-Match: *``), or None.

    None means that the request has no condition. Raises Invalid for any other condition.
    """
    match, none = request.headers.get("If-Match"), request.headers.get("If-None-Match")
    if match is None and none is None:
        return None
    found = TAG.fullmatch(match.strip()) if match is not None and none is None else None
    if found:
        return int(found[1])
    if match is None and none is not None and none.strip() == "*":
        return 0
    raise Invalid("Send either If-Match with the tag of one revision, such as \"7\", or 'If-None-Match: *'.")


def tagged(told: dict[str, object], revision: int) -> Response:
    """A JSON answer with the entity tag of a revision."""
    answer = jsonify(told)
    answer.headers["ETag"] = etag(revision)
    return answer

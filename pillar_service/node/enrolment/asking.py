"""The requests that a node makes before it has a token of its own, and those about its key."""

from collections.abc import Mapping
from typing import Any

import requests

from pillar_service.core.errors import Failed, Unavailable
from pillar_service.node.door import ERRORS

TIMEOUT_S = 30.0


def ask(service: str, path: str, told: Mapping[str, Any], token: str | None = None) -> dict[str, Any]:
    """The service's answer; raises Unavailable if the outcome is unknown, otherwise the error that the service named."""

    def bear(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if token:
            request.headers["Authorization"] = f"Bearer {token}"  # set here: a .netrc would override a header passed in
        return request

    try:
        answer = requests.post(service + path, json=dict(told), auth=bear, timeout=TIMEOUT_S, allow_redirects=False)
    except requests.exceptions.RequestException as error:
        raise Unavailable(
            f"The service does not answer at {service} ({type(error).__name__}): try again later."
        ) from error
    said = _object(answer)
    if answer.status_code // 100 == 2 and said is not None:
        return said
    # What is not a JSON object comes from a proxy on the way; 429 and server errors are neither a yes nor a no.
    is_known = said is not None and answer.status_code < 500 and answer.status_code != 429
    detail = (said or {}).get("detail") or f"The service answered {answer.status_code} without a reason."
    raise (ERRORS.get(answer.status_code, Failed) if is_known else Unavailable)(str(detail))


def _object(answer: requests.Response) -> dict[str, Any] | None:
    try:
        said = answer.json()
    except ValueError:
        return None
    return said if isinstance(said, dict) else None

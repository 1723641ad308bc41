"""What a node asks the service before it has a token of its own, and what it says of its key."""

from collections.abc import Mapping
from typing import Any

import requests

from pillar_service.core.errors import Failed, Unavailable
from pillar_service.node.door import ERRORS

TIMEOUT_S = 30.0


def ask(service: str, path: str, told: Mapping[str, Any], token: str | None = None) -> dict[str, Any]:
    """The answer to what is told; raises Unavailable when it is not known what came of it, else what the service said."""

    def bear(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if token:
            request.headers["Authorization"] = f"Bearer {token}"  # set here: a .netrc would win over a header given
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
    # What is no object of JSON comes from somebody on the way; and who is asked to wait, or meets a fault, hears no yes or no.
    is_known = said is not None and answer.status_code < 500 and answer.status_code != 429
    detail = (said or {}).get("detail") or f"The service answered {answer.status_code} without a reason."
    raise (ERRORS.get(answer.status_code, Failed) if is_known else Unavailable)(str(detail))


def _object(answer: requests.Response) -> dict[str, Any] | None:
    try:
        said = answer.json()
    except ValueError:
        return None
    return said if isinstance(said, dict) else None

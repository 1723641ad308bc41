"""Failures at a provider, as core's errors; nothing that is shown or logged contains the key or its secret."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from libcloud.common.exceptions import BaseHTTPError, RateLimitReachedError
from libcloud.common.types import LibcloudError, MalformedResponseError, ProviderError

from pillar_service.clouds.provider import Account
from pillar_service.core import names
from pillar_service.core.errors import Failed, Forbidden, Full, NotFound, SaltcellarError, Unavailable
from pillar_service.core.jobs.redaction import HIDDEN

LONGEST_WAIT_S = 3600
"""The longest wait, in seconds, that a provider may ask for."""

AGAIN = (408, 409, 423, 425, 429)
"""Statuses below 500 that say to ask again: the provider was too slow, or something else is changing the same machine."""

log = logging.getLogger(__name__)


class Later(Unavailable):
    """The provider says after how many seconds it may be asked again."""

    def __init__(self, sentence: str, after_s: float) -> None:
        super().__init__(sentence)
        self.retry_after_s = int(min(max(after_s, 1), LONGEST_WAIT_S))  # type: ignore[misc]


@contextmanager
def sentences(account: Account) -> Iterator[None]:
    """Raise what the library raises inside as one of core's errors, without its cause, which may hold what was sent."""
    try:
        yield
    except SaltcellarError:
        raise
    except Exception as error:
        log.warning("%s: %s: %s", account.provider, type(error).__name__, _said(account, error))
        raise _explained(account, error) from None


def _explained(account: Account, error: Exception) -> SaltcellarError:
    who = account.provider
    if isinstance(error, RateLimitReachedError):
        return Later(f"{who} was asked too often: it will be asked again when it allows that.", error.retry_after)
    if isinstance(error, BaseHTTPError | ProviderError):
        code = error.code if isinstance(error, BaseHTTPError) else error.http_code
        return _of_status(account, int(code or 0), _said(account, error))
    if isinstance(error, LibcloudError) and not isinstance(error, MalformedResponseError):
        return Failed(f"{who} refused the request: {_said(account, error)}")
    return Unavailable(f"{who} does not answer, or not as it should ({type(error).__name__}): it will be asked again.")


def _of_status(account: Account, status: int, said: str) -> SaltcellarError:
    who = account.provider
    if "quota" in said.lower():
        return Full(
            f"{who} has no more room for us: {said} Ask it for more, or retire something, then finish this order."
        )
    if status in (401, 403):
        return Forbidden(
            f"{who} refuses our key: correct CELLAR_CLOUD_KEY and CELLAR_CLOUD_SECRET, then finish this order."
        )
    if status == 404:
        return NotFound(f"{who} does not know it: {said}")
    if status in AGAIN or status >= 500:
        return Unavailable(f"{who} answered {status}: it will be asked again.")
    return Failed(f"{who} refused the request: {said}")


def _said(account: Account, error: Exception) -> str:
    told = str(getattr(error, "value", None) or getattr(error, "message", None) or error)
    for secret in (account.secret, account.key):
        told = told.replace(secret, HIDDEN) if secret else told
    return names.printable(told)[:200]

"""The node's door: its requests to the service."""

import gzip
import hashlib
import json
import time
from collections.abc import Callable, Mapping
from typing import IO, Any

import requests

from pillar_service.core.errors import (
    Changed,
    Conflict,
    Failed,
    Forbidden,
    Full,
    Invalid,
    NotFound,
    SaltcellarError,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from pillar_service.core.events.submission import MEDIA_TYPE

CHUNK = 1 << 20
PIECE = 1 << 16
"""Chunk size of a fetch that can be resumed: the most bytes that are lost when it breaks off."""
PARTIAL = 206
KNOWN = (Unauthenticated, Forbidden, NotFound, Conflict, Changed, Invalid, TooMany, Full, Unavailable)
ERRORS = {error.status: error for error in KNOWN} | {400: Invalid, 413: Invalid}

Sign = Callable[[bytes], str]
"""Makes the token for a request with that body."""


class _Bearer(requests.auth.AuthBase):
    """Sets the token's header itself: a .netrc would override a header that was passed in."""

    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class Door:
    """Makes requests with the service's address (``url``) and this node's token, both from the pillar.

    With a ``session``, it reuses one connection. Raises Unavailable if the pillar does not say where the service is.
    """

    def __init__(self, service: Mapping[str, str] | None, session: requests.Session | None = None) -> None:
        if not service or not service.get("url") or not service.get("token"):
            raise Unavailable("This node was not told where the service is: refresh its pillar.")
        self.url = service["url"].rstrip("/")
        self._auth = _Bearer(service["token"])
        self._request = (session or requests).request

    def events(self, batch: list[dict[str, Any]], timeout_s: float = 10.0, sign: Sign | None = None) -> dict[str, Any]:
        """Deliver CloudEvents; returns the ids that were stored (``accepted``) and those that never will be (``refused``).

        With ``sign``, the request is compressed and has a token of its own; without it, it has the node's token.
        """
        body = json.dumps(batch, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        options: dict[str, Any] = {"headers": {"Content-Type": MEDIA_TYPE}}
        if sign is not None:
            body = gzip.compress(body, mtime=0)
            options["headers"]["Content-Encoding"] = "gzip"
            options["auth"] = _Bearer(sign(body))
        return _object(self._call("POST", "/events", timeout_s, data=body, **options))

    def send(self, job: str, file: IO[bytes]) -> dict[str, Any]:
        """Upload an export's tar from an open file; returns the ``size`` and ``sha256`` that the service has."""
        headers = {"Content-Type": "application/x-tar"}
        return _object(self._call("PUT", f"/transfers/{job}", 60, data=file, headers=headers))

    def fetch(self, job: str, file: IO[bytes], size: int) -> str:
        """Fetch an import's tar of ``size`` bytes into a file; returns its sha256; raises Failed for any other size."""
        digest, got = hashlib.sha256(), 0
        with self._call("GET", f"/transfers/{job}", 60, stream=True) as answer:
            for part in _parts(answer):
                got += len(part)
                if got > size:
                    break
                digest.update(part)
                file.write(part)
        if got != size:
            raise Failed(f"The transfer has {got} bytes or more instead of {size}: try again.")
        return digest.hexdigest()

    def begin(self, job: str, attempt: int, timeout_s: float = 10.0) -> dict[str, Any]:
        """Ask whether an attempt of a job may begin; returns the job's secret arguments, which are handed out once.

        Raises Conflict if it began before or must not run now, NotFound if the job is not this node's.
        """
        answer = self._call("POST", f"/jobs/{job}/begin", timeout_s, json={"attempt": attempt})
        return dict(_object(answer).get("arguments") or {})

    def lines(self, job: str, attempt: int, lines: list[Mapping[str, Any]], timeout_s: float = 10.0) -> int:
        """Deliver lines (``n``, ``stream``, ``text``) of an attempt; returns the highest ``n`` that the service has."""
        told = {"attempt": attempt, "lines": lines}
        answer = self._call("POST", f"/jobs/{job}/lines", timeout_s, json=told)
        return int(_object(answer).get("taken") or 0)

    def run(self, run: str, timeout_s: float = 10.0) -> None:
        """Ask whether somebody still waits for a run; raises Conflict if not, NotFound if the service does not know it."""
        self._call("GET", f"/runs/{run}", timeout_s)

    def capacities(self, told: Mapping[str, Any], timeout_s: float = 10.0) -> None:
        """Tell what this node has for running commands: ``has`` (names) and ``slots``."""
        self._call("POST", "/capacities", timeout_s, json=told)

    def bundle(self, timeout_s: float = 10.0) -> dict[str, Any]:
        """Which bundle is for this node: ``bundle`` with ``serial``, ``size`` and a signed ``path``, or None."""
        return _object(self._call("GET", "/bundle", timeout_s))

    def upgrade(self, timeout_s: float = 10.0) -> dict[str, Any] | None:
        """Which version this node is to switch to: ``order``, ``version``, ``sha256`` of its wheels; None if none.

        Also None from an older service, which does not have this address.
        """
        try:
            wanted = _object(self._call("GET", "/node/upgrade", timeout_s)).get("upgrade")
        except NotFound:
            return None
        return wanted if isinstance(wanted, dict) else None

    def wheels(self, file: IO[bytes], most: int) -> str:
        """Fetch the wheels of that version into a file; returns their sha256; raises Failed if they exceed ``most`` bytes."""
        digest, got = hashlib.sha256(), 0
        with self._call("GET", "/node/wheels", 60, stream=True) as answer:
            for part in _parts(answer):
                got += len(part)
                if got > most:
                    raise Failed(f"The bundle of wheels has more than {most} bytes.")
                digest.update(part)
                file.write(part)
        return digest.hexdigest()

    def image(self, sha256: str, file: IO[bytes], size: int, until: float) -> None:
        """Fetch the rest of the pub's image into a file that is open at its end; ``until``: monotonic seconds.

        Raises NotFound if the image is not handed out any more, Failed if it has more than ``size`` bytes, Unavailable if
        the transfer breaks off or takes too long: what has come stays in the file.
        """
        headers = {"Range": f"bytes={file.tell()}-"} if file.tell() else {}
        with self._call("GET", f"/node/image/{sha256}", 60, stream=True, headers=headers) as answer:
            if answer.status_code != PARTIAL:
                file.truncate(0)
                file.seek(0)
            for part in _parts(answer, PIECE):
                file.write(part)
                if file.tell() > size:
                    raise Failed(f"The pub's image has more than {size} bytes.")
                if time.monotonic() > until:
                    raise Unavailable("It took too long.")
        if file.tell() < size:
            raise Unavailable("The transfer broke off: try again.")

    def configuration(self, timeout_s: float = 10.0) -> dict[str, Any]:
        """The account's configuration, as in the pillar: ``revision`` and ``keys``."""
        return _object(self._call("GET", "/node/configuration", timeout_s))

    def set_key(self, key: str, value: Any, revision: int | None, timeout_s: float = 10.0) -> dict[str, Any]:
        """Set a key of the account's configuration, if it has that revision (0: if there is no such key; None: in any case)."""
        headers = _condition(revision)
        return _object(self._call("PUT", _key(key), timeout_s, json={"value": value}, headers=headers))

    def delete_key(self, key: str, revision: int | None, timeout_s: float = 10.0) -> None:
        """Delete a key of the account's configuration, if it has that revision."""
        self._call("DELETE", _key(key), timeout_s, headers=_condition(revision))

    def take(self, name: str, holder: str, seconds: int, timeout_s: float = 5.0) -> dict[str, Any]:
        """Take a lease on a governor; returns ``granted`` and ``fence``."""
        told = {"holder": holder, "seconds": seconds}
        return _object(self._call("POST", f"/governors/{name}/take", timeout_s, json=told))

    def renew(self, name: str, holder: str, fence: int, seconds: int, timeout_s: float = 5.0) -> dict[str, Any]:
        """Renew a lease; raises Conflict if it is over."""
        told = {"holder": holder, "fence": fence, "seconds": seconds}
        return _object(self._call("POST", f"/governors/{name}/renew", timeout_s, json=told))

    def release(self, name: str, holder: str, fence: int, timeout_s: float = 5.0) -> None:
        """Give a lease back."""
        told = {"holder": holder, "fence": fence}
        self._call("POST", f"/governors/{name}/release", timeout_s, json=told)

    def _call(self, method: str, path: str, timeout_s: float, **options: Any) -> requests.Response:
        try:
            answer = self._request(
                method,
                self.url + path,
                timeout=(min(timeout_s, 5.0), timeout_s),
                # A redirect could carry the token elsewhere.
                allow_redirects=False,
                **{"auth": self._auth, **options},
            )
        except requests.exceptions.RequestException as error:
            away = Unavailable(f"The service does not answer at {self.url} ({type(error).__name__}).")
            away.retry_after_s = None
            raise away from error
        if answer.status_code // 100 != 2:
            raise _error(answer)
        return answer


def in_its_turn(fetch: Callable[[IO[bytes]], str], file: IO[bytes], patience_s: float) -> str:
    """Call ``fetch`` with the file until it succeeds; returns its result. The file is emptied before each new try.

    Raises Unavailable if the service does not say when to try again, or says a time after ``patience_s`` seconds.
    """
    until = time.monotonic() + patience_s
    while True:
        try:
            return fetch(file)
        except Unavailable as error:
            if error.retry_after_s is None or time.monotonic() + error.retry_after_s > until:
                raise
            file.seek(0)
            file.truncate()
            time.sleep(error.retry_after_s)


def _key(key: str) -> str:
    return f"/node/configuration/{key}"


def _condition(revision: int | None) -> dict[str, str]:
    if revision is None:
        return {}
    return {"If-Match": f'"{revision}"'} if revision else {"If-None-Match": "*"}


def _parts(answer: requests.Response, size: int = CHUNK) -> Any:
    try:
        yield from answer.iter_content(size)
    except requests.exceptions.RequestException as error:
        raise Unavailable("The transfer broke off: try again.") from error


def _object(answer: requests.Response) -> dict[str, Any]:
    try:
        read = answer.json()
    except ValueError as error:
        raise Failed("The service's answer is not JSON.") from error
    if not isinstance(read, dict):
        raise Failed("The service's answer is not an object.")
    return read


def _error(answer: requests.Response) -> SaltcellarError:
    try:
        said, kind = answer.json()["detail"], ERRORS.get(answer.status_code, Failed)
    except (ValueError, KeyError, TypeError):
        # This is not the service's own answer: what a proxy refuses is not refused for good.
        said, kind = answer.reason, ERRORS.get(answer.status_code, Failed)
        kind = Failed if kind is Invalid else kind
    error = kind(f"The service said {answer.status_code}: {str(said)[:300]}")
    # Replaces the default of this kind of error.
    after = answer.headers.get("Retry-After", "")
    error.retry_after_s = int(after[:6]) if after.isdecimal() else None
    return error

"""What programs send to the public API, and what they get."""

from typing import Any

from flask.testing import FlaskClient

from pillar_service.usecases.jobs import claims, runs


def problem(answered: Any, status: int) -> str:
    assert answered.status_code == status, answered.text
    assert answered.mimetype == "application/problem+json"
    assert answered.json["status"] == status
    return str(answered.json["detail"])


def bearer(client: FlaskClient, secret: str) -> FlaskClient:
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
    return client


def lines_of(job: str, *texts: str) -> dict[str, Any]:
    """Let the job's run write these lines; return the run."""
    held = claims.claim("salt")["runs"] or runs.held("salt")
    [run] = [run for run in held if job in run["jobs"]]
    if run["jid"] is None:
        runs.started("salt", run["id"], f"jid-{run['id']}")
    runs.add_lines("salt", run["id"], [{"key": text, "text": text} for text in texts])
    return run

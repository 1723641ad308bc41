"""The API's description (OpenAPI 3.1), generated from the code, and the page on which to try it."""

from typing import Any

from flask import Blueprint, current_app, render_template
from flask_openapi3 import Info, OpenAPI

from pillar_service import __version__
from pillar_service.settings import settings
from pillar_service.web.api import (
    actions,
    agents,
    authentication,
    configuration,
    events,
    exports,
    forwardings,
    imports,
    invites,
    jobs,
    meeseeks,
    restores,
    tokens,
)
from pillar_service.web.api.operations import COMMAND_TOKEN
from pillar_service.web.api.refusing import refused
from pillar_service.web.api.shapes import Problem

NOUNS = (
    authentication, agents, actions, invites, exports, imports, restores, jobs, configuration, events, forwardings, tokens,
    meeseeks,
)  # fmt: skip
PATHS = (
    "agents", "api", "authentication", "configuration", "configuration-changes", "forwardings", "imports", "jobs",
    "openapi.json", "tokens",
)  # fmt: skip
"""The first path segments of the API's addresses: errors there are problems in JSON."""

ABOUT = (
    "Bots, their invites and their jobs. Sign in, or make a token, and send it as 'Authorization: Bearer <token>'; "
    "cookies are ignored. Whatever a node has to do for a bot is a job: follow it at /jobs/<id>. A POST with an "
    "'Idempotency-Key' can be sent again without being done twice."
)
BEARER = {"type": "http", "scheme": "bearer", "description": "A personal token, or the one that signing in gives."}
COMMAND_BEARER = {"type": "http", "scheme": "bearer", "description": "A token for one command, made in chat."}

blueprint = Blueprint("api", __name__)


def app(import_name: str) -> OpenAPI:
    """A Flask app that describes its API. The library's own pages are off: they load files that we don't serve."""
    return OpenAPI(
        import_name,
        info=Info(title=f"Saltcellar at {settings().domain}", version=__version__, description=ABOUT),
        security_schemes={"token": BEARER, COMMAND_TOKEN: COMMAND_BEARER},
        validation_error_model=Problem,
        validation_error_callback=refused,
        doc_ui=False,
        static_folder=None,  # static_files.py serves the static files
    )


def register(app: OpenAPI) -> None:
    """Serve the API, its description and the page on which to try it."""
    for noun in NOUNS:
        app.register_api(noun.blueprint)
        app.extensions["csrf"].exempt(noun.blueprint)  # it takes no cookies, so there is nothing to forge
    app.register_blueprint(blueprint)
    app.generate_spec_json()  # before the server forks, so that all workers share it


@blueprint.get("/openapi.json")
def openapi() -> dict[str, Any]:
    """The description."""
    return current_app.api_doc  # type: ignore[attr-defined,no-any-return]


@blueprint.get("/api")
def page() -> str:
    """Every operation with what it takes, and a form that sends it."""
    told = current_app.api_doc  # type: ignore[attr-defined]
    return render_template("api.html", told=told, groups=_groups(told))


def _groups(told: dict[str, Any]) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    groups: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in told["tags"]}
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            groups[operation["tags"][0]].append(_operation(told, path, method, operation))
    return [(tag, groups[tag["name"]]) for tag in told["tags"]]


def _operation(told: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {})
    unsaid = ("405",) if content else ("400", "405")  # answers that requests sent from this page can't get
    schemas, fields = told["components"]["schemas"], {}
    if "application/json" in content:
        name = content["application/json"]["schema"]["$ref"].rpartition("/")[2]
        fields = schemas[name].get("properties", {})
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": operation.get("summary", ""),
        "description": operation.get("description", "").replace("<br/>", " "),
        "scopes": [scope for need in operation.get("security", ()) for scope in need.get("token", ())],
        "open": "security" not in operation,
        "is_of_command": {COMMAND_TOKEN: []} in operation.get("security", ()),
        "parameters": operation.get("parameters", []),
        "fields": fields,
        "body": _filled_in(content["application/json"], schemas) if fields else None,
        "file": next((type for type in content if type != "application/json"), None),
        "answers": sorted(one for one in operation["responses"].items() if one[0] not in unsaid),
    }


def _filled_in(content: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """An example of a body that can be sent as it is: that of the whole, or one made of an example for each field."""
    if "example" in content:
        return content["example"]
    fields = schemas[content["schema"]["$ref"].rpartition("/")[2]]["properties"]
    return {name: _example(field) for name, field in fields.items()}


def _example(field: dict[str, Any]) -> Any:
    if "example" in field:
        return field["example"]
    if field.get("default") is not None:
        return field["default"]
    if "enum" in field:
        return field["enum"][0]
    kinds = {field.get("type"), *(one.get("type") for one in field.get("anyOf", ()))}
    return [] if "array" in kinds else "" if "null" not in kinds else None

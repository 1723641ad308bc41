"""What all operations of the API share: who may ask, what they may send, and how the description says so."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import g, request
from flask_openapi3 import APIBlueprint, Tag
from werkzeug.exceptions import BadRequest

from pillar_service.core.errors import Invalid, Unauthenticated
from pillar_service.core.jobs import faults as sentences
from pillar_service.core.names import shown
from pillar_service.core.people import scopes
from pillar_service.core.people.scopes import Scope
from pillar_service.settings import settings
from pillar_service.usecases.people import tokens
from pillar_service.web import incoming
from pillar_service.web.api.shapes import Problem
from pillar_service.web.problems import NoJson

View = Callable[..., Any]

ANY_TOKEN = frozenset(Scope)
"""The scope of an operation that requires a token, but no scope in particular."""

COMMAND_TOKEN = "command"  # noqa: S105 - a name, not one
"""The security scheme of operations for a command's token; their view checks that token itself."""

IN_ADDRESS = ("access_token", "token", "api_key", "authorization")
PROBLEM = "application/problem+json"
FAULTS = {
    400: "The body is not JSON",
    401: "The token is missing, wrong, revoked or expired",
    403: "The token or its owner may not do this",
    404: "It is not there, or not yours to see",
    405: "The address does not take that method",
    422: "A value is wrong: the sentence says which and why",
    429: "Too many attempts, or too much at once: wait",
    503: "The service is away for now: try again",
}
OF_WRITING = {
    409: "It clashes with what is there",
    413: "The body is too large",
    415: "The body is not sent as JSON",
    507: "No room is left",
}

SCHEMA_OF_PROBLEM = {"$ref": f"#/components/schemas/{Problem.__name__}"}
CHANGED: dict[int, Any] = {
    412: {
        "description": "There is another revision: it is given as `current`",
        "content": {PROBLEM: {"schema": SCHEMA_OF_PROBLEM}},
    }
}
"""The answer of an operation with a condition, if that is not met."""


@dataclass(frozen=True)
class Operation:
    """What a view takes: scope (None: no token), keys in the query, whether the body is a stream, its fields."""

    scope: Scope | frozenset[Scope] | None
    keys: frozenset[str]
    streams: bool
    fields: tuple[str, ...]


class Noun(APIBlueprint):  # type: ignore[misc]
    """A blueprint of the API. What a view takes and answers is declared once, then described and enforced from there."""

    def __init__(self, name: str, about: str) -> None:
        super().__init__(f"api_{name}", __name__, abp_tags=[Tag(name=name, description=about)])
        self.operations: dict[str, Operation] = {}
        self.before_request(self._admit)

    def on(
        self,
        method: str,
        rule: str,
        scope: Scope | frozenset[Scope] | None,
        answers: dict[int, Any],
        scheme: str | None = None,
    ) -> Callable[[View], View]:
        """Register a view for ``method`` (lower case) at ``rule``; ``answers`` are the successful ones by status.

        If ``scope`` is None, ``scheme`` may name a security scheme other than a person's token.
        """

        def declared(view: View) -> View:
            query, body = (view.__annotations__.get(name) for name in ("query", "body"))
            self.operations[view.__name__] = Operation(
                scope,
                frozenset(query.model_fields if query else ()),
                "raw" in view.__annotations__,
                tuple(body.model_fields if body else ()),
            )
            told = {
                "responses": answers | faults(writes=method != "get"),
                "operation_id": f"{self.abp_tags[0].name}_{view.__name__}",
                "security": _security(scope, scheme),
            }
            return getattr(self, method)(rule, **told)(_for_people(view))  # type: ignore[no-any-return]

        return declared

    def _admit(self) -> None:
        operation = self.operations[str(request.endpoint).rpartition(".")[2]]
        g.fields = operation.fields
        if any(key.lower() in IN_ADDRESS for key in request.args):
            raise Unauthenticated("Never put a token into an address, where logs keep it: send it in a header.")
        if operation.scope is not None:
            g.bearer = tokens.authenticate(incoming.bearer())
            if isinstance(operation.scope, Scope):
                scopes.require(operation.scope, g.bearer.scopes)
        _refuse_unknown(operation.keys)
        if operation.streams:
            request.max_content_length = settings().transfer_bytes  # the view reads it piece by piece
        elif request.get_data():
            _refuse_what_is_no_object()


def _for_people(view: View) -> View:
    @functools.wraps(view)
    def answered(*given: Any, **more: Any) -> Any:
        answer = view(*given, **more)
        if isinstance(answer, tuple):
            return (sentences.answer_for_people(answer[0]), *answer[1:])
        return sentences.answer_for_people(answer)

    return answered


def _security(scope: Scope | frozenset[Scope] | None, scheme: str | None) -> list[dict[str, list[str]]] | None:
    if scope is None:
        return None if scheme is None else [{scheme: []}]
    return [{"token": [scope] if isinstance(scope, Scope) else []}]


def _refuse_unknown(known: frozenset[str]) -> None:
    unknown = sorted(set(request.args) - known)
    if unknown:
        there = ", ".join(sorted(known)) or "none"
        raise Invalid(f"{shown(unknown[0])} is not known in this address; known: {there}.")
    twice = sorted(key for key in request.args if len(request.args.getlist(key)) > 1)
    if twice:
        raise Invalid(f"'{twice[0]}' is in the address twice: send it once.")


def _refuse_what_is_no_object() -> None:
    # The library would treat a body that is no JSON as if there were none.
    try:
        sent = request.get_json()
    except BadRequest as error:
        raise NoJson from error
    if not isinstance(sent, dict):
        raise Invalid("Send a JSON object.")


def faults(writes: bool) -> dict[int, Any]:
    """The errors that an operation may answer with, as the description lists them."""
    named = FAULTS | (OF_WRITING if writes else {})
    return {
        status: {"description": said, "content": {PROBLEM: {"schema": SCHEMA_OF_PROBLEM}}}
        for status, said in sorted(named.items())
    }

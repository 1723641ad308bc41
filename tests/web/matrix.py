"""Every route, and the status that each kind of person gets there."""

from dataclasses import dataclass, field
from typing import Any

from enrolling import key
from pouring import PUB

PASSWORD = "long enough 1"

CODE = "aaaa-bbbb-cccc-dddd"
"""A recovery code of the operator who has a second factor."""

HOOK = "https://hooks.example.org/saltcellar"

PEOPLE = ("owner", "member", "stranger", "suspended", "operator", "bare", "nobody")
"""In relation to the bot `my`: its owner, a member, a stranger, another owner whose account is suspended; an operator with a
second factor, one without; and someone not signed in.
"""


def of_operators(status: int) -> tuple[int, ...]:
    """The row of an operators' route where those with a second factor get this status."""
    return 404, 404, 404, 404, status, 403, 404


LET_IN = of_operators(400)  # the form's token is missing; what each does: test_web_admin.py

MATRIX = {
    # public                         owner member stranger suspended operator bare nobody
    "GET /": (200, 200, 200, 200, 200, 200, 200),
    "GET /healthz": (200, 200, 200, 200, 200, 200, 200),
    "GET /readyz": (200, 200, 200, 200, 200, 200, 200),
    "GET /static/<path:filename>": (200, 200, 200, 200, 200, 200, 200),
    "GET /api": (200, 200, 200, 200, 200, 200, 200),
    "GET /openapi.json": (200, 200, 200, 200, 200, 200, 200),
    # pages
    "GET /sign-in": (302, 302, 302, 302, 302, 302, 200),
    "POST /sign-in": (422, 422, 422, 422, 422, 422, 422),
    "POST /sign-out": (302, 302, 302, 302, 302, 302, 302),
    "GET /sign-in/code": (302, 302, 302, 302, 302, 302, 302),
    "POST /sign-in/code": (401, 401, 401, 401, 401, 401, 401),
    "GET /start": (302, 302, 302, 302, 302, 302, 200),
    "POST /start": (422, 422, 422, 422, 422, 422, 422),
    "GET /newbie": (302, 302, 302, 302, 302, 302, 302),
    "POST /newbie": (404, 404, 404, 404, 404, 404, 404),
    "GET /mailed": (200, 200, 200, 200, 200, 200, 200),
    "GET /mailbox": (404, 404, 404, 404, 404, 404, 404),
    "GET /welcome/<token>": (404, 404, 404, 404, 404, 404, 404),
    "POST /welcome/<token>": (404, 404, 404, 404, 404, 404, 404),
    "GET /forgotten": (200, 200, 200, 200, 200, 200, 200),
    "POST /forgotten": (422, 422, 422, 422, 422, 422, 422),
    "GET /reset/<token>": (404, 404, 404, 404, 404, 404, 404),
    "POST /reset/<token>": (404, 404, 404, 404, 404, 404, 404),
    "GET /account": (200, 200, 200, 200, 200, 200, 302),
    "POST /account/name": (302, 302, 302, 302, 302, 302, 302),
    "POST /account/email": (302, 302, 302, 302, 401, 302, 302),  # a code is asked for, too
    "GET /verify/<token>": (404, 404, 404, 404, 404, 404, 302),
    "POST /verify/<token>": (404, 404, 404, 404, 404, 404, 302),
    "POST /account/password": (302, 302, 302, 302, 401, 302, 302),  # a code is asked for, too
    "POST /account/sessions/<id>/end": (302, 404, 404, 404, 404, 404, 302),  # it is the owner's session
    "POST /account/sessions/end": (302, 302, 302, 302, 302, 302, 302),
    "GET /account/tokens/new": (200, 200, 200, 200, 200, 200, 302),
    "POST /account/tokens/new": (200, 200, 200, 200, 422, 200, 302),  # a code is asked for, too
    "POST /account/tokens/<id>/revoke": (302, 404, 404, 404, 404, 404, 302),  # it is the owner's token
    "GET /account/configuration": (200, 200, 200, 200, 200, 200, 302),
    "POST /account/configuration": (302, 302, 302, 403, 302, 302, 302),
    "GET /account/configuration/<path:key>": (200, 404, 404, 404, 404, 404, 302),  # it is the owner's key
    "POST /account/configuration/delete": (302, 412, 412, 412, 412, 412, 302),
    "GET /account/forwardings": (200, 200, 200, 200, 200, 200, 302),
    "POST /account/forwardings": (200, 200, 200, 403, 200, 200, 302),
    "POST /account/forwardings/<id>/switch": (302, 404, 404, 404, 404, 404, 302),  # it is the owner's
    "POST /account/forwardings/<id>/test": (302, 404, 404, 404, 404, 404, 302),
    "POST /account/forwardings/<id>/remove": (302, 404, 404, 404, 404, 404, 302),
    "GET /chat/link/<token>": (200, 200, 200, 200, 200, 200, 302),  # whoever was given the link
    "POST /chat/link/<token>": (302, 302, 302, 302, 302, 302, 302),
    "POST /account/chat/<team>/<user>/unlink": (302, 404, 404, 404, 404, 404, 302),  # it is the owner
    "GET /account/data": (200, 200, 200, 200, 200, 200, 302),
    "POST /account/delete": (302, 422, 422, 422, 422, 422, 302),  # it is the owner's address
    "GET /account/second-factor": (200, 200, 200, 200, 200, 200, 302),
    "GET /account/second-factor/qr.svg": (404, 404, 404, 404, 404, 404, 302),
    "POST /account/second-factor/begin": (302, 302, 302, 302, 409, 302, 302),  # it is on
    "POST /account/second-factor/on": (409, 409, 409, 409, 409, 409, 302),
    "POST /account/second-factor/renew": (409, 409, 409, 409, 401, 409, 302),  # a code is asked for, too
    "POST /account/second-factor/off": (302, 302, 302, 302, 401, 302, 302),  # a code is asked for, too
    "GET /bots": (200, 200, 200, 200, 200, 200, 302),
    "GET /live/bots": (200, 200, 200, 200, 200, 200, 401),
    "GET /bots/new": (200, 200, 200, 200, 200, 200, 302),
    "POST /bots/new": (302, 302, 302, 409, 302, 302, 302),
    "GET /bots/import": (200, 200, 200, 200, 200, 200, 302),
    "POST /bots/import": (415, 415, 415, 415, 415, 415, 302),
    "GET /bots/<name>": (302, 302, 404, 302, 302, 404, 302),
    "GET /bots/<name>/actions": (200, 200, 404, 200, 200, 404, 302),
    "POST /bots/<name>/actions/<action>": (302, 302, 404, 403, 302, 404, 302),
    "GET /bots/<name>/export": (200, 403, 404, 200, 403, 404, 302),
    "POST /bots/<name>/export": (302, 403, 404, 302, 403, 404, 302),
    "GET /bots/<name>/exports/<job>": (200, 403, 404, 200, 403, 404, 302),
    "GET /bots/<name>/delete": (200, 403, 404, 403, 200, 404, 302),
    "POST /bots/<name>/delete": (302, 403, 404, 403, 302, 404, 302),
    "GET /bots/<name>/restore": (200, 403, 404, 403, 403, 404, 302),
    "POST /bots/<name>/restore": (409, 403, 404, 403, 403, 404, 302),  # its node is not lost
    "POST /deleted/<id>/bring-back": (409, 403, 404, 403, 409, 404, 302),  # it is there
    "GET /bots/<name>/status": (200, 200, 404, 200, 200, 404, 302),
    "GET /bots/<name>/status/figures": (200, 200, 404, 200, 200, 404, 401),
    "GET /bots/<name>/series.json": (200, 200, 404, 200, 200, 404, 401),
    "GET /bots/<name>/chart.svg": (200, 200, 404, 200, 200, 404, 302),
    "GET /bots/<name>/spark.svg": (200, 200, 404, 200, 200, 404, 302),
    "GET /my/jobs/<id>": (200, 200, 404, 200, 200, 404, 302),
    "GET /my/jobs/<id>/live": (200, 200, 404, 200, 200, 404, 401),
    "POST /my/jobs/<id>/again": (409, 403, 404, 409, 403, 404, 302),  # it succeeded
    "POST /my/jobs/<id>/cancel": (409, 403, 404, 409, 403, 404, 302),
    # a person's nodes
    "GET /nodes": (200, 200, 200, 200, 200, 200, 302),
    "GET /nodes/events": (200, 200, 200, 200, 200, 200, 302),
    "GET /nodes/registry": (200, 200, 200, 200, 200, 200, 302),
    "GET /nodes/<id>/facts": (200, 404, 404, 404, 404, 404, 302),
    "GET /nodes/<id>/story": (200, 404, 404, 404, 404, 404, 302),  # it is the owner's node
    "GET /nodes/<id>/bots": (200, 404, 404, 404, 200, 404, 302),
    "POST /nodes/<id>/bots": (302, 404, 404, 404, 302, 404, 302),
    "POST /nodes/<id>/drain": (302, 404, 404, 404, 302, 404, 302),
    "POST /nodes/<id>/undrain": (302, 404, 404, 404, 302, 404, 302),
    "GET /nodes/<id>/lost": (200, 404, 404, 404, 200, 404, 302),
    "POST /nodes/<id>/lost": (302, 404, 404, 404, 302, 404, 302),
    "POST /nodes/tokens": (200, 200, 200, 403, 200, 200, 302),
    "POST /nodes/tokens/<id>/revoke": (302, 404, 404, 404, 404, 404, 302),  # it is the owner's token
    "POST /nodes/<id>/revoke": (302, 404, 404, 404, 302, 404, 302),  # it is the owner's node
    "POST /nodes/<id>/rotate": (302, 404, 404, 404, 302, 404, 302),
    "POST /nodes/<id>/forget": (409, 404, 404, 404, 409, 404, 302),  # it was not revoked
    # enrolment: anyone may read the script; the rest takes a token or a key
    "GET /enrol.sh": (200, 200, 200, 200, 200, 200, 200),
    "POST /enrol": (401, 401, 401, 401, 401, 401, 401),
    "GET /enrol/token": (401, 401, 401, 401, 401, 401, 401),
    "GET /enrol/bundle": (401, 401, 401, 401, 401, 401, 401),
    "GET /enrol/node": (401, 401, 401, 401, 401, 401, 401),
    "POST /keys/turn": (401, 401, 401, 401, 401, 401, 401),
    "POST /keys/leave": (401, 401, 401, 401, 401, 401, 401),
    # the operators' pages
    "GET /admin": of_operators(200),
    "GET /admin/accounts": of_operators(200),
    "GET /admin/accounts/<id>": of_operators(200),
    "POST /admin/accounts/<id>/paid": LET_IN,
    "POST /admin/accounts/<id>/paid/<payment>/take-back": LET_IN,
    "GET /admin/accounts/<id>/resume": of_operators(200),
    "POST /admin/accounts/<id>/resume": LET_IN,
    "GET /admin/accounts/<id>/second-factor-off": of_operators(200),
    "POST /admin/accounts/<id>/second-factor-off": LET_IN,
    "GET /admin/accounts/<id>/suspend": of_operators(200),
    "POST /admin/accounts/<id>/suspend": LET_IN,
    "GET /admin/audit": of_operators(200),
    "GET /admin/bots": of_operators(200),
    "GET /admin/bots/<id>": of_operators(200),
    "GET /admin/bots/<id>/restore": of_operators(200),
    "POST /admin/bots/<id>/restore": LET_IN,
    "GET /admin/commands": of_operators(200),
    "GET /admin/events": of_operators(200),
    "GET /admin/reports": of_operators(200),
    "GET /admin/fleet": of_operators(200),
    "GET /admin/forwardings": of_operators(200),
    "POST /admin/forwardings": LET_IN,
    "POST /admin/forwardings/<id>/switch": LET_IN,
    "POST /admin/forwardings/<id>/test": LET_IN,
    "POST /admin/forwardings/<id>/remove": LET_IN,
    "GET /admin/jobs": of_operators(200),
    "GET /admin/jobs/<id>": of_operators(200),
    "POST /admin/jobs/<id>/cancel": LET_IN,
    "POST /admin/jobs/<id>/kill": LET_IN,
    "POST /admin/jobs/<id>/retry": LET_IN,
    "GET /admin/nodes": of_operators(200),
    "GET /admin/nodes/<id>": of_operators(200),
    "POST /admin/nodes/<id>/label": LET_IN,
    "POST /admin/nodes/<id>/revoke": LET_IN,
    "POST /admin/nodes/<id>/terms": LET_IN,
    "POST /admin/nodes/<id>/drain": LET_IN,
    "POST /admin/nodes/<id>/undrain": LET_IN,
    "POST /admin/nodes/<id>/rotate": LET_IN,
    "POST /admin/nodes/<id>/forget": LET_IN,
    "GET /admin/nodes/<id>/lost": of_operators(200),
    "POST /admin/nodes/<id>/lost": LET_IN,
    "POST /admin/nodes/tokens": LET_IN,
    "POST /admin/nodes/tokens/<id>/revoke": LET_IN,
    "GET /admin/nodes/<id>/facts": of_operators(200),
    "GET /admin/nodes/<id>/story": of_operators(200),
    "GET /admin/registry": of_operators(200),
    "GET /admin/standings": of_operators(200),
    "GET /admin/search": of_operators(200),
    # payments: of the person's own account; paying by hand has no provider to lead to
    "GET /payment": (200, 200, 200, 200, 200, 200, 302),
    "GET /payment/thanks": (200, 200, 200, 200, 200, 200, 302),
    "GET /payment/cancelled": (200, 200, 200, 200, 200, 200, 302),
    "POST /payment/pay": (409, 409, 409, 409, 409, 409, 302),
    "POST /payment/manage": (409, 409, 409, 409, 409, 409, 302),
    "POST /payments/stripe": (400, 400, 400, 400, 400, 400, 400),
    # the people of a bot
    "GET /bots/<name>/people": (200, 200, 404, 200, 200, 404, 302),
    "POST /bots/<name>/people/invite": (200, 403, 404, 403, 403, 404, 302),
    "POST /bots/<name>/people/invitations/<id>/withdraw": (302, 403, 404, 403, 403, 404, 302),
    "POST /bots/<name>/people/<who>/remove": (302, 403, 404, 403, 403, 404, 302),
    "POST /bots/<name>/people/hand-over": (302, 403, 404, 403, 403, 404, 302),
    "POST /bots/<name>/people/leave": (409, 302, 404, 302, 404, 404, 302),  # the other owner is suspended
    "GET /join/<token>": (404, 404, 404, 404, 404, 404, 404),
    "POST /join/<token>": (404, 404, 404, 404, 404, 404, 302),
    # its invites
    "GET /bots/<name>/invites": (200, 200, 404, 200, 200, 404, 302),
    "GET /bots/<name>/invites/ledger": (200, 200, 404, 200, 200, 404, 401),
    "POST /bots/<name>/invites/make": (302, 302, 404, 403, 403, 404, 302),
    "POST /bots/<name>/invites/<id>/revoke": (302, 302, 404, 403, 403, 404, 302),
    "GET /bots/<name>/invites/<id>/qr.svg": (200, 200, 404, 403, 403, 404, 302),
    # its log
    "GET /bots/<name>/log": (200, 200, 404, 200, 200, 404, 302),
    "GET /bots/<name>/log/lines": (200, 200, 404, 200, 200, 404, 401),
    "POST /bots/<name>/log/lines": (302, 302, 404, 403, 302, 404, 302),
    # the nodes' door: nodes only
    "POST /events": (401, 401, 401, 401, 401, 401, 401),
    "GET /transfers/<job>": (401, 401, 401, 401, 401, 401, 401),
    "PUT /transfers/<job>": (401, 401, 401, 401, 401, 401, 401),
    "POST /jobs/<id>/begin": (401, 401, 401, 401, 401, 401, 401),
    "POST /jobs/<id>/lines": (401, 401, 401, 401, 401, 401, 401),
    "GET /runs/<id>": (401, 401, 401, 401, 401, 401, 401),
    "POST /capacities": (401, 401, 401, 401, 401, 401, 401),
    "GET /bundle": (401, 401, 401, 401, 401, 401, 401),
    # only with a signed address
    "GET /bundles/<serial>": (403, 403, 403, 403, 403, 403, 403),
    "GET /node/upgrade": (401, 401, 401, 401, 401, 401, 401),
    "GET /node/wheels": (401, 401, 401, 401, 401, 401, 401),
    "GET /node/image/<sha256>": (401, 401, 401, 401, 401, 401, 401),
    "GET /node/configuration": (401, 401, 401, 401, 401, 401, 401),
    "PUT /node/configuration/<path:key>": (401, 401, 401, 401, 401, 401, 401),
    "DELETE /node/configuration/<path:key>": (401, 401, 401, 401, 401, 401, 401),
    "POST /governors/<name>/take": (401, 401, 401, 401, 401, 401, 401),
    "POST /governors/<name>/renew": (401, 401, 401, 401, 401, 401, 401),
    "POST /governors/<name>/release": (401, 401, 401, 401, 401, 401, 401),
    # the API
    "POST /authentication/register": (202, 202, 202, 202, 202, 202, 202),
    "POST /authentication/sign-in": (201, 201, 201, 201, 201, 201, 201),
    "POST /authentication/sign-out": (204, 204, 204, 204, 204, 204, 401),
    "GET /agents": (200, 200, 200, 200, 200, 200, 401),
    "POST /agents": (201, 201, 201, 409, 201, 201, 401),
    "GET /agents/<id>": (200, 200, 404, 200, 200, 404, 401),
    "PATCH /agents/<id>": (200, 403, 404, 403, 403, 404, 401),
    "DELETE /agents/<id>": (202, 403, 404, 403, 202, 404, 401),
    "GET /agents/<id>/status": (200, 200, 404, 200, 200, 404, 401),
    "POST /agents/<id>/actions/<action>": (202, 202, 404, 403, 202, 404, 401),
    "GET /agents/<id>/invites": (200, 200, 404, 403, 403, 404, 401),
    "POST /agents/<id>/invites": (202, 202, 404, 403, 403, 404, 401),
    "DELETE /agents/<id>/invites/<path:invite>": (202, 202, 404, 403, 403, 404, 401),
    "GET /agents/<id>/restore": (200, 200, 404, 200, 200, 404, 401),
    "POST /agents/<id>/restore": (409, 403, 404, 403, 403, 404, 401),  # its node is not lost
    "POST /agents/<id>/export": (202, 403, 404, 202, 403, 404, 401),
    "GET /agents/<id>/export": (200, 403, 404, 200, 403, 404, 401),
    "POST /agents/<id>/bring-back": (409, 403, 404, 403, 409, 404, 401),  # it is there
    "POST /imports": (422, 422, 422, 422, 422, 422, 401),
    "GET /jobs": (200, 200, 200, 200, 200, 200, 401),
    "POST /jobs/<id>/cancel": (409, 403, 404, 409, 403, 404, 401),
    "GET /jobs/<id>": (200, 200, 404, 200, 200, 404, 401),
    "GET /jobs/<id>/lines": (200, 200, 404, 200, 200, 404, 401),
    "GET /api/events": (200, 200, 200, 200, 200, 200, 401),
    "GET /configuration": (200, 200, 200, 200, 200, 200, 401),
    "GET /configuration-changes": (200, 200, 200, 200, 200, 200, 401),
    "GET /configuration/<path:key>": (200, 404, 404, 404, 404, 404, 401),  # it is the owner's key
    "PUT /configuration/<path:key>": (200, 200, 200, 403, 200, 200, 401),  # each their own
    "DELETE /configuration/<path:key>": (204, 404, 404, 404, 404, 404, 401),
    "GET /forwardings": (200, 200, 200, 200, 200, 200, 401),
    "POST /forwardings": (201, 201, 201, 403, 201, 201, 401),  # each their own
    "PATCH /forwardings/<id>": (200, 404, 404, 404, 404, 404, 401),  # it is the owner's
    "POST /forwardings/<id>/test": (202, 404, 404, 404, 404, 404, 401),
    "DELETE /forwardings/<id>": (204, 404, 404, 404, 404, 404, 401),
    "GET /tokens": (200, 200, 200, 200, 200, 200, 401),
    "POST /tokens": (201, 201, 201, 201, 401, 201, 401),  # a code is asked for, too
    "DELETE /tokens/<id>": (204, 404, 404, 404, 404, 404, 401),  # it is the owner's token
    # only with a command's token
    "POST /api/meeseeks/run": (401, 401, 401, 401, 401, 401, 401),
    "GET /api/meeseeks/jobs/<id>": (401, 401, 401, 401, 401, 401, 401),
}

WHERE = {
    "name": "my",
    "id": "my",
    "token": "x",
    "action": "restart",
    "filename": "style.css",
    "invite": PUB,
    "key": "a/b",
    "payment": "manual_1",
}
"""Values for the variables in a route, unless ASKED has others; {export} and {token} come from the world."""


@dataclass
class Ask:
    """How a route is asked: its variables, its query and its body."""

    where: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    json: dict[str, Any] | None = None
    form: dict[str, str] | None = None


ASKED = {
    "POST /sign-in/code": Ask(form={"code": "123456"}),
    "POST /reset/<token>": Ask(form={"password": "quince teapot walrus 7"}),
    "POST /account/name": Ask(form={"name-name": "Ann"}),
    "POST /account/email": Ask(form={"email-email": "new@example.org", "email-password": PASSWORD}),
    "POST /account/password": Ask(form={"password-password": PASSWORD, "password-new": "quince teapot walrus 7"}),
    "POST /account/sessions/<id>/end": Ask({"id": "{session}"}),
    "POST /account/tokens/new": Ask(form={"name": "ci", "scopes": "read", "days": "9", "password": PASSWORD}),
    "POST /account/tokens/<id>/revoke": Ask({"id": "{token}"}),
    "POST /account/configuration": Ask(form={"key": "new", "value": "1", "revision": "0"}),
    "POST /account/configuration/delete": Ask(form={"key": "a/b", "revision": "1"}),
    "POST /account/forwardings": Ask(form={"way": "webhook", "address": HOOK, "severity": "info", "kind": ""}),
    "POST /account/forwardings/<id>/switch": Ask({"id": "{forwarding}"}, form={"state": "off"}),
    "POST /account/forwardings/<id>/test": Ask({"id": "{forwarding}"}),
    "POST /account/forwardings/<id>/remove": Ask({"id": "{forwarding}"}),
    "POST /forwardings": Ask(json={"way": "webhook", "address": HOOK}),
    "PATCH /forwardings/<id>": Ask({"id": "{forwarding}"}, json={"state": "off"}),
    "POST /forwardings/<id>/test": Ask({"id": "{forwarding}"}),
    "DELETE /forwardings/<id>": Ask({"id": "{forwarding}"}),
    "PUT /node/configuration/<path:key>": Ask(json={"value": 1}),
    "POST /governors/<name>/take": Ask(json={"holder": "a", "seconds": 60}),
    "POST /governors/<name>/renew": Ask(json={"holder": "a", "fence": 1, "seconds": 60}),
    "POST /governors/<name>/release": Ask(json={"holder": "a", "fence": 1}),
    "PUT /configuration/<path:key>": Ask(json={"value": 1}),
    "GET /chat/link/<token>": Ask({"token": "{link}"}),
    "POST /chat/link/<token>": Ask({"token": "{link}"}),
    "POST /account/chat/<team>/<user>/unlink": Ask({"team": "T01", "user": "U01"}),
    "POST /account/delete": Ask(form={"delete-email": "owner@example.org", "delete-password": PASSWORD}),
    "POST /account/second-factor/begin": Ask(form={"password": PASSWORD}),
    "POST /account/second-factor/on": Ask(form={"code": "123456"}),
    "POST /account/second-factor/renew": Ask(form={"password": PASSWORD, "code": "123456"}),
    "POST /account/second-factor/off": Ask(form={"password": PASSWORD}),
    "POST /bots/new": Ask(form={"key": "1", "name": "another"}),
    "POST /bots/<name>/actions/<action>": Ask(form={"key": "1"}),
    "POST /bots/<name>/export": Ask(form={"key": "1", "kind": "log"}),
    "GET /bots/<name>/exports/<job>": Ask({"job": "{export}"}),
    "POST /bots/<name>/delete": Ask(form={"key": "1", "name": "my", "password": PASSWORD, "code": CODE}),
    "POST /bots/<name>/restore": Ask(form={"key": "1"}),
    "POST /deleted/<id>/bring-back": Ask(form={"key": "1"}),
    "POST /bots/<name>/people/invite": Ask(form={"email": "guest@example.org"}),
    "POST /bots/<name>/people/invitations/<id>/withdraw": Ask({"id": "{invitation}"}),
    "POST /bots/<name>/people/<who>/remove": Ask({"who": "{member}"}),
    "POST /bots/<name>/people/hand-over": Ask(form={"to": "{member}", "typed": "my"}),
    "GET /join/<token>": Ask({"token": "guessed"}),
    "POST /join/<token>": Ask({"token": "guessed"}),
    "POST /bots/<name>/invites/make": Ask(form={"uses": "1", "note": ""}),
    "POST /bots/<name>/invites/<id>/revoke": Ask({"id": "{invite}"}),
    "GET /bots/<name>/invites/<id>/qr.svg": Ask({"id": "{invite}"}),
    "POST /bots/<name>/log/lines": Ask(form={"lines": "50"}),
    "GET /my/jobs/<id>": Ask({"id": "{export}"}),
    "GET /my/jobs/<id>/live": Ask({"id": "{export}"}),
    "POST /my/jobs/<id>/again": Ask({"id": "{export}"}, form={"key": "1"}),
    "POST /my/jobs/<id>/cancel": Ask({"id": "{export}"}),
    "GET /nodes/<id>/story": Ask({"id": "{node}"}),
    "GET /nodes/<id>/facts": Ask({"id": "{node}"}),
    "GET /nodes/<id>/bots": Ask({"id": "{node}"}),
    "POST /nodes/<id>/bots": Ask({"id": "{node}"}, form={"sharing": "named", "emails": "a@example.org", "most": "3"}),
    "GET /nodes/<id>/lost": Ask({"id": "{node}"}),
    "POST /nodes/<id>/lost": Ask({"id": "{node}"}, form={"typed": "{node}"}),
    "POST /nodes/<id>/drain": Ask({"id": "{node}"}),
    "POST /nodes/<id>/undrain": Ask({"id": "{node}"}),
    "POST /nodes/tokens": Ask(form={"pattern": "shed", "uses": "1", "life": "1h"}),
    "POST /nodes/tokens/<id>/revoke": Ask({"id": "{node_token}"}),
    "POST /nodes/<id>/revoke": Ask({"id": "{node}"}),
    "POST /nodes/<id>/rotate": Ask({"id": "{node}"}),
    "POST /nodes/<id>/forget": Ask({"id": "{node}"}, form={"typed": "{node}"}),
    "GET /admin/accounts/<id>": Ask({"id": "{member}"}),
    "GET /admin/accounts/<id>/resume": Ask({"id": "{member}"}),
    "GET /admin/accounts/<id>/second-factor-off": Ask({"id": "{member}"}),
    "GET /admin/accounts/<id>/suspend": Ask({"id": "{member}"}),
    "GET /admin/nodes/<id>": Ask({"id": "{node}"}),
    "GET /admin/nodes/<id>/lost": Ask({"id": "{node}"}),
    "GET /admin/nodes/<id>/facts": Ask({"id": "{node}"}),
    "GET /admin/nodes/<id>/story": Ask({"id": "{node}"}),
    "GET /admin/jobs/<id>": Ask({"id": "{export}"}),
    "POST /enrol": Ask(json={"name": "shed", "public_key": "x"}),
    "POST /keys/turn": Ask(json={"node": "shed", "public_key": key(1).public, "signature": "", "proof": ""}),
    "POST /keys/leave": Ask(json={"node": "shed", "signature": ""}),
    "GET /transfers/<job>": Ask({"job": "{export}"}),
    "PUT /transfers/<job>": Ask({"job": "{export}"}),
    "POST /jobs/<id>/begin": Ask({"id": "{export}"}, json={"attempt": 1}),
    "POST /jobs/<id>/lines": Ask({"id": "{export}"}, json={"attempt": 1, "lines": []}),
    "POST /capacities": Ask(json={"has": [], "slots": 1}),
    "GET /bundles/<serial>": Ask({"serial": "1"}),
    "POST /authentication/register": Ask(json={"email": "new@example.org", "password": PASSWORD}),
    "POST /authentication/sign-in": Ask(json={"email": "owner@example.org", "password": PASSWORD}),
    "POST /agents": Ask(json={"name": "another"}),
    "PATCH /agents/<id>": Ask(json={"description": "changed"}),
    "POST /agents/<id>/invites": Ask(json={"note": "Ann"}),
    "GET /agents/<id>/export": Ask(query={"job": "{export}"}),
    "POST /jobs/<id>/cancel": Ask({"id": "{export}"}),
    "POST /agents/<id>/restore": Ask(json={}),
    "POST /agents/<id>/export": Ask(json={"password": PASSWORD}),
    "DELETE /agents/<id>": Ask(json={"password": PASSWORD, "code": CODE}),
    "GET /jobs/<id>": Ask({"id": "{export}"}),
    "GET /jobs/<id>/lines": Ask({"id": "{export}"}),
    "POST /tokens": Ask(json={"name": "ci", "scopes": ["read"], "password": PASSWORD}),
    "DELETE /tokens/<id>": Ask({"id": "{token}"}),
    "POST /api/meeseeks/run": Ask(json={}),
}

"""What payment providers send on their own; it is trusted because of its signature alone."""

from typing import Any

from flask import Blueprint, Response, request

from pillar_service.core.errors import Invalid
from pillar_service.usecases.payments import payments
from pillar_service.web import problems

blueprint = Blueprint("webhooks", __name__)

LARGEST_EVENT = 512 << 10
"""The largest event that is taken, in bytes; Stripe's are a few KiB."""


@blueprint.post("/payments/stripe")
def stripe() -> dict[str, Any] | Response:
    """Take an event from Stripe: 200 if it was handled or does not matter, 400 if it is not genuine or too old."""
    request.max_content_length = LARGEST_EVENT
    try:
        return payments.take_event(request.get_data(), request.headers.get("Stripe-Signature", ""))
    except Invalid as error:
        return problems.problem(400, error.title, error.sentence)

"""Headers that every answer of the public app has."""

from flask import Flask, Response, request

from pillar_service.settings import Settings

ELSEWHERE = {"stripe": "https://checkout.stripe.com https://billing.stripe.com"}
"""Sites that a form may be redirected to, by payment provider."""


def content_security_policy(chosen: Settings) -> str:
    """Allow scripts and styles from our own files alone, and no other site but the payment provider's pages."""
    forms = " ".join(["'self'", *filter(None, [ELSEWHERE.get(chosen.payments)])])
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        f"form-action {forms}; base-uri 'none'; frame-ancestors 'none'"
    )


def register(app: Flask, chosen: Settings) -> None:
    """Add the headers to every answer; a header that the view has set stays."""
    headers = {
        "Content-Security-Policy": content_security_policy(chosen),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }

    of_pages = headers | {"Cache-Control": "no-store"}

    def add(answer: Response) -> Response:
        given = {name.lower() for name, _ in answer.headers}
        for name, value in (headers if request.endpoint == "static" else of_pages).items():
            if name.lower() not in given:
                answer.headers.add(name, value)  # `set` would first search all headers for it
        return answer

    app.after_request(add)

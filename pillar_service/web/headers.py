"""What every answer of the public app says to the browser beside its content."""

from flask import Flask, Response, request

from pillar_service.settings import Settings

ELSEWHERE = {"stripe": "https://checkout.stripe.com https://billing.stripe.com"}
"""Where a form may lead to by a redirect, for each provider of payments that has pages of its own."""


def content_security_policy(chosen: Settings) -> str:
    """No script and no style but ours from files, and no other site, but for the payments' own pages."""
    forms = " ".join(["'self'", *filter(None, [ELSEWHERE.get(chosen.payments)])])
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        f"form-action {forms}; base-uri 'none'; frame-ancestors 'none'"
    )


def register(app: Flask, chosen: Settings) -> None:
    """Send them with every answer; a view that needs another value sets it itself."""
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
                answer.headers.add(name, value)  # to set it would look for it in all that are there
        return answer

    app.after_request(add)

"""Slack's signatures: v0, HMAC-SHA256 over time and body, at most five minutes old.

docs.slack.dev/authentication/verifying-requests-from-slack. The library's own check raises for a timestamp that is no
number, a body that is not UTF-8 and a signature that is not ASCII, and bolt then answers 500: here those are simply not
genuine.
"""

from slack_sdk.signature import SignatureVerifier

LONGEST = 200
"""The most characters of a timestamp or signature; genuine ones have 10 and 67."""


def is_genuine(secret: str, body: bytes, timestamp: str, signature: str) -> bool:
    """Whether the body was signed with the app's secret in the last five minutes; False without a secret. Never raises."""
    if not (secret.strip() and timestamp.isascii() and timestamp.isdigit() and signature.isascii()):
        return False
    if len(timestamp) > LONGEST or len(signature) > LONGEST:
        return False
    try:
        return bool(SignatureVerifier(secret).is_valid(body, timestamp, signature))
    except ValueError:
        return False

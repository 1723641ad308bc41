"""A fake Slack at the wire: Web API, signed events and interactions, Socket Mode. It is stricter than Slack."""

from fakes.slack.slack import Slack

__all__ = ["Slack"]

"""A fake Slack at the wire: its Web API, events and interactions with real signatures, Socket Mode. Stricter than Slack."""

from fakes.slack.slack import Slack

__all__ = ["Slack"]

"""People in Slack, conversations, and messages on their way there."""

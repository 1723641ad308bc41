"""Chat: what is on its way to Slack, and in which words."""

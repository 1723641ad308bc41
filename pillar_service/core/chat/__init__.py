"""Chat: what is on its way to Slack, and how it is worded."""

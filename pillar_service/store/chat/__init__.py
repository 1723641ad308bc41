"""People in Slack, conversations, what is on its way there."""

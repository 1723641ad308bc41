"""Chat: conversations in Slack, what Slack delivered, and the outbox for what we say there."""

"""What Slack and the rest say to each other: conversations, what was heard, the outbox."""

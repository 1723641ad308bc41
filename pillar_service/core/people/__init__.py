"""Who acts, and what they may: agents, permissions, scopes, limits; mails, tickets and tokens."""

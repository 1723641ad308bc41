"""Accounts, agents, and all that lets somebody in; mail on its way."""

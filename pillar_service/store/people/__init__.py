"""Accounts, agents, everything that lets somebody in, and mail on its way."""
